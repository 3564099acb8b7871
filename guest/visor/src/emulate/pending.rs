//! Interrupts that the machine would make pending in the guest, and here exits for: visor keeps them, and has the guest
//! take them as it would (specification, 6.2 to 6.4).
//!
//! The exits repeat while their cause lasts. So the timer's moment is taken out of stimecmp, and the interrupt
//! controller's line down, until the guest has seen to them.

use crate::interrupts::order::{Next, View, Window};
use crate::interrupts::plic::Context;
use crate::vcpu::{Loaded, timer_is_due};
use crate::vm::Controls;
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::{SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER};
use visa_isa::io::{MSR_MAP_BYTES, Policy};
use visa_isa::msr::{SATP, SIE, SIP, SSTATUS, STIMECMP};
use visa_isa::trap_filter;

/// An MSR map (specification, 3.3).
#[repr(C, align(4096))]
struct MsrMap([u8; MSR_MAP_BYTES as usize]);

/// The map that has some MSRs trap, and leaves satp as the pager's map has it if that is in use.
const fn trapping(numbers: &[u16], pager: bool) -> MsrMap {
    let mut map = [0; MSR_MAP_BYTES as usize];
    if pager {
        map[SATP as usize / 4] |= (Policy::Absent as u8) << (SATP % 4 * 2);
    }
    let mut index = 0;
    while index < numbers.len() {
        let number = numbers[index] as usize;
        map[number / 4] |= (Policy::Trap as u8) << (number % 4 * 2);
        index += 1;
    }
    MsrMap(map)
}

/// The maps of the windows, without a pager and with one.
static STATUS_MAPS: [MsrMap; 2] =
    [trapping(&[SSTATUS, SIP, STIMECMP], false), trapping(&[SSTATUS, SIP, STIMECMP], true)];
static MASK_MAPS: [MsrMap; 2] =
    [trapping(&[SIE, SIP, STIMECMP], false), trapping(&[SIE, SIP, STIMECMP], true)];

/// What a hart's guest has pending that the machine does not know of.
pub struct Pending {
    /// The timer is due: what stimecmp holds for the guest.
    timer: Option<u64>,
    /// The line is masked.
    external: bool,
    context: Option<Context>,
    /// What the guest is watched for. Always closed where the trap filter cannot watch it, because everything exits.
    window: Window,
    has_filter: bool,
    controls: Controls,
}

impl Pending {
    /// Nothing is, of a guest whose VMCS has these controls.
    pub fn new(context: Option<Context>, has_filter: bool, controls: Controls) -> Pending {
        Pending { timer: None, external: false, context, window: Window::Closed, has_filter, controls }
    }

    /// Whether anything is.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.timer.is_some() || self.external
    }

    /// The guest's timer has become due.
    pub fn timer_due(&mut self) {
        // SAFETY: the guest's stimecmp is kept here until it is put back.
        self.timer = Some(unsafe { msr::stimecmp::swap(u64::MAX) });
    }

    /// The guest's external interrupt line is up.
    pub fn external_up(&mut self) {
        if let Some(context) = self.context {
            context.mask();
            self.external = true;
        }
    }

    /// What the guest reads in stimecmp.
    pub fn stimecmp(&self) -> u64 {
        self.timer.unwrap_or_else(msr::stimecmp::read)
    }

    /// The guest writes stimecmp.
    pub fn set_stimecmp(&mut self, value: u64) {
        self.timer = None;
        // SAFETY: the timer is the guest's.
        unsafe { msr::stimecmp::write(value) };
        self.catch();
    }

    /// What the guest reads in sip.
    pub fn sip(&self) -> u64 {
        let timer = u64::from(self.timer.is_some()) << SUPERVISOR_TIMER;
        msr::sip::read() | timer | u64::from(self.line()) << SUPERVISOR_EXTERNAL
    }

    fn line(&self) -> bool {
        self.external && self.context.is_some_and(Context::line)
    }

    /// Puts everything where it is on a machine that lacks nothing, before somebody else looks at it or the guest leaves.
    #[inline(always)]
    pub fn release(&mut self) {
        if self.any() {
            self.release_all();
        }
    }

    #[inline(never)]
    fn release_all(&mut self) {
        if let Some(value) = self.timer.take() {
            // SAFETY: it is what the guest wrote.
            unsafe { msr::stimecmp::write(value) };
        }
        self.unmask();
        self.watch(Window::Closed);
    }

    fn unmask(&mut self) {
        if let Some(context) = self.context
            && self.external
        {
            self.external = false;
            context.unmask();
        }
    }

    /// After a release: the timer may be due still. What the line does, an exit will tell.
    pub fn catch(&mut self) {
        if self.timer.is_none() && timer_is_due() {
            self.timer_due();
        }
    }

    /// Whether there is something to do before the guest goes on.
    #[inline(always)]
    pub fn needs_care(&self) -> bool {
        self.any() || self.window != Window::Closed
    }

    /// Does it, and returns the cause of an interrupt to inject, or nothing.
    #[inline(never)]
    pub fn before_entry(&mut self, vcpu: &Loaded) -> Option<u64> {
        if self.external && !self.line() {
            self.unmask();
        }
        if !self.any() {
            self.watch(Window::Closed);
            return None;
        }
        let view = View {
            pending: self.sip(),
            enabled: msr::sie::read(),
            status: msr::sstatus::read(),
            kernel: vcpu.in_kernel(),
        };
        match view.next() {
            Next::Take(cause) => {
                // The handler begins in Ring 0 with SIE clear.
                self.watch(Window::Status);
                Some(cause)
            }
            Next::Watch(window) => {
                self.watch(window);
                None
            }
        }
    }

    /// The guest takes an exception: it goes on in Ring 0 with SIE clear.
    pub fn at_exception(&mut self) {
        if self.any() {
            self.watch(Window::Status);
        }
    }

    /// Has what the guest does before it takes an interrupt exit.
    fn watch(&mut self, window: Window) {
        if !self.has_filter || window == self.window {
            return;
        }
        self.window = window;
        let of = |maps: &[MsrMap; 2]| &raw const maps[usize::from(self.controls.msr_map != 0)] as u64;
        let (filter, map) = match window {
            Window::Closed => (0, self.controls.msr_map),
            Window::Status => (trap_filter::PRIV | trap_filter::HALT, of(&STATUS_MAPS)),
            Window::Mask => (0, of(&MASK_MAPS)),
        };
        // SAFETY: bits of the trap filter that the loop serves, and a map that is never written.
        unsafe {
            msr::vmtrapcfg::write(self.controls.trap_filter | filter);
            msr::msrmap::write(map);
        }
    }
}
