//! A virtual CPU as its hart has it: at rest ([`Resting`]) or loaded ([`Loaded`]), and the exit loop ([`run`]).

mod exit_loop;
mod messages;
mod registers;
pub mod report;
mod resume;
mod state;
mod wait;

pub use exit_loop::{Layer, Leave, Next, run};
pub use registers::Physical;
pub use resume::access_fault;
pub use state::{Loaded, Resting};
pub use wait::timer_is_due;
