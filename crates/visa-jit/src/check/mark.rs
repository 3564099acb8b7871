//! What the emitter says of its code: which of the guest's instructions each part executes. The checker takes nothing else of it.

/// From an offset of the code on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The offset.
    pub offset: usize,
    /// The record of its first instruction.
    pub record: usize,
    /// What begins there.
    pub kind: Begins,
}

/// What begins at a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begins {
    /// A run of instructions that jumps go to, before its budget is taken.
    Run,
    /// The code of so many instructions as one.
    Step(usize),
    /// The same of a branch, and of so many instructions that it skips, all of which compute one register.
    Move(usize),
    /// In a move: the code of one of those, or of the branch, whose comparison comes last.
    Part,
    /// The code of a step is complete: what follows only moves registers.
    End,
}

/// All marks of some code, by offset; those of the same offset in the order in which they were made.
#[derive(Default)]
pub struct Marks {
    /// `None`: nobody wants to know.
    list: Option<Vec<Mark>>,
}

impl Marks {
    /// Remembers marks from now on.
    pub fn remember(&mut self) {
        self.list = Some(Vec::new());
    }

    /// Remembers one.
    pub fn push(&mut self, offset: usize, record: usize, kind: Begins) {
        if let Some(list) = &mut self.list {
            list.push(Mark { offset, record, kind });
        }
    }

    /// All of them.
    pub fn take(self) -> Option<Vec<Mark>> {
        self.list
    }
}
