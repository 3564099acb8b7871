//! Tests of what needs no machine.

mod compiled;
mod csrs;
