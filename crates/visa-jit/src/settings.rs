//! What may be chosen of the engine when it is made.

/// The default is what is fast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// How often code is executed before it is translated; 0: it is before it is executed at all. `None`: as the engine sees
    /// fit.
    pub threshold: Option<u8>,
    /// Instructions between two looks for loops to optimise, which then happens at once, so that a run does the same each
    /// time: for tests. 0: nothing is optimised. `None`: in the background, as the engine sees fit.
    pub optimise: Option<u64>,
    /// Most bytes of code: for tests of what happens when there is no room. `None`: as many as the engine has.
    pub code_limit: Option<usize>,
    /// The code that is checked before it is used. What has a fault is interpreted then, and told by
    /// `visa_interp::GeneratedCode::faults`. `None`: in builds with debug assertions, which panic at a fault, all; elsewhere none.
    pub check: Option<CheckedCode>,
}

/// A share of the code. Regions, and the thunks of optimised loops, are always in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckedCode {
    /// How many blocks, which have no loops, of a million.
    pub per_million: u32,
    /// What chooses them, with their instructions.
    pub seed: u64,
}
