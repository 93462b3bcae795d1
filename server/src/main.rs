//! The `prescale` binary.

fn main() {}
