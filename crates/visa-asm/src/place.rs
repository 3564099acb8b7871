//! Where something is in the program, and which symbol is meant.

/// A symbol's index.
pub type SymbolId = usize;

/// The start of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Place {
    /// Index of the section.
    pub section: usize,
    /// Index of the item in it; the number of items for the section's end.
    pub item: usize,
}
