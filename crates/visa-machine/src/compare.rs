//! What two engines do, compared: the facts of a hart, the first difference, and two engines for that: one that remembers what it
//! executes, and the JIT with stretches of what it does checked.

mod checked;
mod difference;
pub(crate) mod facts;
mod fault;
mod record;

pub(crate) use checked::Checked;
pub use checked::{CheckedFigures, Checking};
pub use difference::Difference;
pub(crate) use difference::REMEMBERED;
pub use fault::{Fault, FaultKind};
pub use record::Executed;
pub(crate) use record::ExecutedRecorder;
