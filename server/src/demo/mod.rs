//! The demo: the product on an embedded default. Only the clock, the load and the backends differ from `serve`.

pub mod backend;
pub mod load;
