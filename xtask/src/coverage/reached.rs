//! What a test has reached.

use super::lines::Lines;
use super::points::Points;
use serde::Serialize;

/// What a test has reached.
#[derive(Clone, Default, Serialize)]
pub struct Reached {
    /// The test.
    pub name: String,
    /// Of the JIT's sources.
    pub lines: Lines,
    /// Of what it generates.
    pub points: Points,
}
