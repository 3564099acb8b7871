//! What a program is like as a whole.

use crate::Random;

/// Drawn before a program is made: if every program had a little of everything, what keeps an engine from doing one thing would be in
/// the way of another in all of them.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Functions, and statements of each, at most: short programs come to their start again sooner.
    pub functions: u64,
    pub statements: i64,
    /// Of eight computations, those that may be any at all, and not what compilers use most.
    pub any: u64,
    /// One access in so many is an atomic one.
    pub atomics: u64,
    /// Whether branches leave accesses to a structure's fields out.
    pub branches_among_fields: bool,
    /// Of sixteen statements, nests of loops, loops that walk through memory, and loops that call small functions.
    pub nests: u64,
    pub walks: u64,
    pub callers: u64,
}

impl Style {
    /// One of them.
    pub fn random(random: &mut Random) -> Style {
        let [nests, walks, callers] = std::array::from_fn(|_| random.pick(&[0, 1, 2, 5]));
        Style {
            functions: random.pick(&[2, 3, 5]),
            statements: random.pick(&[10, 20, 40]),
            any: random.pick(&[1, 1, 6]),
            atomics: random.pick(&[2, 8, 8]),
            branches_among_fields: random.once_in(2),
            nests,
            walks,
            callers,
        }
    }
}
