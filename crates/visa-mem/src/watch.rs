//! Pages of RAM whose writes somebody must hear of: those that hold translated code.

use std::cell::{Cell, RefCell};

use crate::ram::RAM_ALIGNMENT;

/// A bit for each page, and the watched pages that were written.
#[derive(Default)]
pub(crate) struct Watch {
    /// Grows to the highest watched page.
    pages: RefCell<Vec<u64>>,
    written: RefCell<Vec<u64>>,
    any_written: Cell<bool>,
}

impl Watch {
    pub(crate) fn set(&self, offset: u64, watched: bool) {
        let (word, bit) = place(offset);
        let mut pages = self.pages.borrow_mut();
        if word >= pages.len() {
            pages.resize(word + 1, 0);
        }
        match watched {
            true => pages[word] |= bit,
            false => pages[word] &= !bit,
        }
    }

    pub(crate) fn is_set(&self, offset: u64) -> bool {
        let (word, bit) = place(offset);
        self.pages.borrow().get(word).is_some_and(|pages| pages & bit != 0)
    }

    pub(crate) fn note(&self, offset: u64, length: u64) {
        let first = offset / RAM_ALIGNMENT;
        let last = (offset + length.max(1) - 1) / RAM_ALIGNMENT;
        for page in first..=last {
            if self.is_set(page * RAM_ALIGNMENT) {
                self.written.borrow_mut().push(page * RAM_ALIGNMENT);
                self.any_written.set(true);
            }
        }
    }

    pub(crate) fn any_written(&self) -> bool {
        self.any_written.get()
    }

    pub(crate) fn take_written(&self) -> Vec<u64> {
        self.any_written.set(false);
        std::mem::take(&mut self.written.borrow_mut())
    }
}

fn place(offset: u64) -> (usize, u64) {
    let page = offset / RAM_ALIGNMENT;
    ((page / 64) as usize, 1 << (page % 64))
}
