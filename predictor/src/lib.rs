//! A series in, a forecast with honest quantiles out. Pure.
