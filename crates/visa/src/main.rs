//! The visa command.
fn main() {}
