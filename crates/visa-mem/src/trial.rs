//! Writes that are taken back: what is executed to be compared leaves RAM as it was.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::alignment::RAM_ALIGNMENT;

/// Bytes of a page.
const PAGE: usize = RAM_ALIGNMENT as usize;

/// The contents of a page.
pub type PageBytes = Box<[u8; PAGE]>;

/// A page that was written.
pub struct WrittenPage {
    /// Its offset from the base of RAM.
    pub offset: u64,
    /// Its contents before the first write.
    pub before: PageBytes,
    /// Its contents after the last.
    pub after: PageBytes,
}

/// What a trial came to, before it was taken back.
#[derive(Default)]
pub struct Trial {
    /// Pages that were written, in the order of addresses.
    pub written: Vec<WrittenPage>,
    /// Offsets of pages that had code during the trial and not before, or the other way round.
    pub code_pages: Vec<u64>,
}

/// What is kept while a trial lasts.
#[derive(Default)]
pub(crate) struct Journal {
    /// Whether one does.
    pub(crate) kept: Cell<bool>,
    /// What was in pages before, by offset.
    pages: RefCell<BTreeMap<u64, PageBytes>>,
    /// The page that was written last, plus one: mostly it is written again.
    last: Cell<u64>,
}

impl Journal {
    /// Calls `read` for each page of a write that has not been written since the journal began.
    #[cold]
    pub(crate) fn note(&self, offset: u64, length: u64, read: impl Fn(u64, &mut [u8; PAGE])) {
        let first = offset / RAM_ALIGNMENT;
        let last = (offset + length.max(1) - 1) / RAM_ALIGNMENT;
        if first == last && self.last.replace(last + 1) == last + 1 {
            return;
        }
        let mut pages = self.pages.borrow_mut();
        for page in first..=last {
            pages.entry(page * RAM_ALIGNMENT).or_insert_with(|| {
                let mut bytes = Box::new([0; PAGE]);
                read(page * RAM_ALIGNMENT, &mut bytes);
                bytes
            });
        }
    }

    /// Ends it.
    pub(crate) fn take(&self) -> BTreeMap<u64, PageBytes> {
        self.kept.set(false);
        self.last.set(0);
        std::mem::take(&mut *self.pages.borrow_mut())
    }
}
