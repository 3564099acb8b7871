//! What XMM registers hold of the guest's floating-point registers.

/// The registers that hold values from one instruction to the next.
const REGISTERS: u8 = 15;

/// What an XMM register holds of a register of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// All 64 bits.
    Whole,
    /// What single operations read: the low 32 bits, or the canonical NaN if the guest's value is not NaN-boxed.
    Single,
}

/// Which XMM registers hold what.
#[derive(Clone, Default)]
pub(super) struct FloatCache {
    /// By XMM register less one.
    owners: [Option<(u8, Held)>; REGISTERS as usize],
    next: u8,
}

impl FloatCache {
    pub(super) fn find(&self, register: u8) -> Option<(u8, Held)> {
        let place = self.owners.iter().position(|owner| owner.is_some_and(|(guest, _)| guest == register))?;
        self.owners[place].map(|(_, held)| (place as u8 + 1, held))
    }

    fn forget(&mut self, register: u8) {
        for owner in &mut self.owners {
            *owner = owner.filter(|(guest, _)| *guest != register);
        }
    }

    /// Gives a register of the guest an XMM register other than `busy`.
    pub(super) fn allocate(&mut self, register: u8, held: Held, busy: &[u8]) -> u8 {
        // Where it was before, if it was: so a loop has it in the same place each time.
        let before = self.find(register).map(|(xmm, _)| xmm);
        self.forget(register);
        let free = || self.owners.iter().position(Option::is_none).map(|place| place as u8 + 1);
        let chosen = before.or_else(free).unwrap_or_else(|| {
            loop {
                self.next = self.next % REGISTERS + 1;
                if !busy.contains(&self.next) {
                    break self.next;
                }
            }
        });
        self.owners[chosen as usize - 1] = Some((register, held));
        chosen
    }

    /// Everything held: XMM register, register of the guest, and what of it.
    pub(super) fn held(&self) -> impl Iterator<Item = (u8, u8, Held)> + '_ {
        let numbered = self.owners.iter().enumerate();
        numbered.filter_map(|(place, owner)| owner.map(|(guest, held)| (place as u8 + 1, guest, held)))
    }

    /// Nothing is held any more.
    pub(super) fn clear(&mut self) {
        self.owners = Default::default();
    }
}
