//! Which backend gets this request, and is it healthy, full, warming, limited? Pure.
