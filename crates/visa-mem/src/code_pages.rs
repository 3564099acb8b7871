//! Pages of RAM that have code: somebody has decoded or translated what is there, and must hear of writes.

use std::cell::{Cell, RefCell};

use crate::alignment::RAM_ALIGNMENT;

/// A bit for each page, and the pages with code that were written.
#[derive(Default)]
pub(crate) struct CodePages {
    /// Grows to the highest page with code.
    pages: RefCell<Vec<u64>>,
    written: RefCell<Vec<u64>>,
    any_written: Cell<bool>,
    /// During a trial: pages that came to have code, or have none any more, in order, and what had been written when it began.
    trial: RefCell<Option<(Vec<u64>, Vec<u64>)>>,
}

impl CodePages {
    pub(crate) fn set(&self, offset: u64, has_code: bool) {
        let (word, bit) = place(offset);
        let mut pages = self.pages.borrow_mut();
        if word >= pages.len() {
            pages.resize(word + 1, 0);
        }
        if (pages[word] & bit != 0) == has_code {
            return;
        }
        pages[word] ^= bit;
        if let Some((changed, _)) = &mut *self.trial.borrow_mut() {
            changed.push(offset & !(RAM_ALIGNMENT - 1));
        }
    }

    /// From now on remembers what changes.
    pub(crate) fn begin_trial(&self) {
        *self.trial.borrow_mut() = Some((Vec::new(), self.written.borrow().clone()));
    }

    /// Takes back what has changed since; which pages had.
    pub(crate) fn end_trial(&self) -> Vec<u64> {
        let Some((mut changed, written)) = self.trial.take() else { return Vec::new() };
        self.any_written.set(!written.is_empty());
        self.written.replace(written);
        changed.sort_unstable();
        // A page that changed twice is what it was.
        let odd = changed.chunk_by(|a, b| a == b).filter(|times| times.len() % 2 == 1);
        odd.for_each(|times| self.set(times[0], !self.is_set(times[0])));
        changed.dedup();
        changed
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
                let mut written = self.written.borrow_mut();
                // Mostly it is the same page again.
                if written.last() != Some(&(page * RAM_ALIGNMENT)) {
                    written.push(page * RAM_ALIGNMENT);
                }
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
