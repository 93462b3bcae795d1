//! Executes orders: one module a way to act.
