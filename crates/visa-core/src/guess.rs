//! Room for what an engine guesses about accesses, in the hart, where generated code reaches it by one address.
//!
//! A guess says in which page an access of hot code was last. The hart neither reads nor writes it. What an engine guesses must
//! be backed by the TLB's first level: [`crate::tlb::Tlb::generation`] says when that may have changed.

/// How many there are.
pub const GUESSES: usize = 4096;

/// A guess.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Guess {
    /// Address of the page. Once no page is guessed: bits of an address to turn over before the addend is added, all that say
    /// which page it is in or none. So pages are found that the guest's kernel has given out in descending order, or ascending.
    pub page: u64,
    /// How far into the page the access may begin, plus one; 0: nothing is known.
    pub limit: u64,
    /// What turns addresses of the page into the host's.
    pub addend: u64,
    /// How often the guess may still be wrong before no more is guessed; below 0, how often an expected addend was.
    pub left: i64,
}

/// All of them.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Guesses {
    places: [Guess; GUESSES],
    /// Of the code that uses them.
    epoch: u64,
}

impl Default for Guesses {
    fn default() -> Self {
        Guesses { places: [Guess::default(); GUESSES], epoch: 0 }
    }
}

impl Guesses {
    /// Forgets all of them if they are of another epoch: the engine has dropped the code that used them.
    pub fn enter_epoch(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.places.fill(Guess::default());
            self.epoch = epoch;
        }
    }

    /// Each of the first may be wrong some more times, up to a number.
    pub fn replenish(&mut self, allowances: impl Iterator<Item = (i64, i64)>) {
        for (guess, (more, most)) in self.places.iter_mut().zip(allowances) {
            guess.left = (guess.left + more).min(most);
        }
    }
}
