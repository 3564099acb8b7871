//! Interrupts that visor makes pending in the guest: whether the guest takes one now, and if not, what it will do before
//! it can.

use visa_isa::cause::{INTERRUPT, interrupt};
use visa_isa::msr::sstatus;

/// Order in which a kernel takes what is pending (specification, 6.4).
const ORDER: [u32; 3] =
    [interrupt::SUPERVISOR_EXTERNAL, interrupt::SUPERVISOR_SOFTWARE, interrupt::SUPERVISOR_TIMER];

/// What of the guest decides about its interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// sip, as the guest would read it.
    pub pending: u64,
    /// sie.
    pub enabled: u64,
    /// sstatus.
    pub status: u64,
    /// It is in Ring 0.
    pub kernel: bool,
}

/// What is to be done before the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It takes the interrupt of this cause.
    Take(u64),
    /// It takes none until it has done what the window is for.
    Watch(Window),
}

/// What a guest does before it can take an interrupt that it does not take now. While one is open, sip and stimecmp
/// are watched too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// Nothing is pending.
    Closed,
    /// Sets sstatus.SIE, or returns by SRET. Until then it may halt, and wake by what is pending: WFI is watched.
    Status,
    /// Writes sie.
    Mask,
}

impl View {
    /// Decides. Something is pending that the machine does not know of.
    #[inline]
    pub fn next(&self) -> Next {
        let takes = !self.kernel || self.status & sstatus::SIE != 0;
        let ready = self.pending & self.enabled;
        match (takes, ORDER.iter().find(|&&number| ready & 1 << number != 0)) {
            (true, Some(&number)) => Next::Take(INTERRUPT | u64::from(number)),
            (true, None) => Next::Watch(Window::Mask),
            (false, _) => Next::Watch(Window::Status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_interrupt_is_taken_where_interrupts_are() {
        const SIE: u64 = 1 << 1;
        let view = View { pending: 1 << 5, enabled: 1 << 5, status: SIE, kernel: true };
        assert_eq!(view.next(), Next::Take(1 << 63 | 5));
        assert_eq!(View { pending: 1 << 5 | 1 << 1, enabled: 0x222, ..view }.next(), Next::Take(1 << 63 | 1));
        assert_eq!(View { pending: 0x222, enabled: 0x222, ..view }.next(), Next::Take(1 << 63 | 9));
        assert_eq!(View { status: 0, kernel: false, ..view }.next(), Next::Take(1 << 63 | 5), "Ring 3");
    }

    #[test]
    fn a_guest_is_watched_for_what_would_let_it_take_one() {
        const SIE: u64 = 1 << 1;
        let view = View { pending: 1 << 5, enabled: 1 << 5, status: 0, kernel: true };
        assert_eq!(view.next(), Next::Watch(Window::Status));
        assert_eq!(View { enabled: 0, ..view }.next(), Next::Watch(Window::Status), "SIE first");
        assert_eq!(View { enabled: 0, status: SIE, ..view }.next(), Next::Watch(Window::Mask));
        assert_eq!(View { enabled: 1 << 9, kernel: false, ..view }.next(), Next::Watch(Window::Mask));
    }
}
