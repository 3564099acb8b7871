//! The platform's interrupt controller, where the guest's external interrupts exit for as long as its line is up: visor
//! then raises the threshold of the guest's context, which takes the line down and changes nothing that the guest can
//! claim, and looks at pending and enabled sources to see whether the line would be up. So that the guest does not see
//! that, the pages with thresholds are not passed through to it.

use crate::cpu::HARTS_MAX;
use crate::guest::memory::Region;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

/// Registers (RISC-V PLIC specification 1.0).
const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const THRESHOLD: u64 = 0;
const CONTEXTS_PER_HART: u64 = 2;
const WORD_BITS: u64 = 32;
const WORD_BYTES: u64 = 4;

/// More than the priority of any source.
const THRESHOLD_MAX: u32 = 7;

/// What a hart's guest has as its threshold, and whether the real one is another.
struct Mask {
    threshold: AtomicU32,
    masked: AtomicBool,
}

static MASKS: [Mask; HARTS_MAX] =
    [const { Mask { threshold: AtomicU32::new(0), masked: AtomicBool::new(false) } }; HARTS_MAX];

/// Where the platform's interrupt controller is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlicAt {
    /// Its physical address.
    pub address: u64,
    /// The highest number of a source.
    pub sources: u64,
}

/// A context of it.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    plic: PlicAt,
    number: u64,
}

impl PlicAt {
    /// The context of a hart's Ring 0.
    pub fn kernel(self, hart: usize) -> Context {
        Context { plic: self, number: CONTEXTS_PER_HART * hart as u64 + 1 }
    }

    /// The pages of the contexts of so many harts.
    pub fn contexts(self, harts: usize) -> Region {
        let length = CONTEXTS_PER_HART * harts as u64 * CONTEXT_STRIDE;
        Region::identity(self.address + CONTEXT, length)
    }

    /// What of a device's pages is none of the contexts of so many harts.
    pub fn around(self, harts: usize, device: &Region) -> impl Iterator<Item = Region> + use<> {
        let contexts = self.contexts(harts);
        let (start, end) = (device.guest, device.guest + device.length);
        let below = (start, contexts.guest.clamp(start, end));
        let above = ((contexts.guest + contexts.length).clamp(start, end), end);
        // Where the contexts are elsewhere, one of the two parts is the whole device, and the other is nothing.
        [below, above]
            .into_iter()
            .filter(|(from, to)| from < to)
            .map(|(from, to)| Region::identity(from, to - from))
    }

    /// The guest reads 32 bits of a context.
    pub fn guest_reads(self, address: u64) -> u64 {
        u64::from(match self.threshold_at(address) {
            Some(context) => context.mask_of().threshold.load(SeqCst),
            None => self.read(address.wrapping_sub(self.address)),
        })
    }

    /// The guest writes them.
    pub fn guest_writes(self, address: u64, value: u64) {
        match self.threshold_at(address) {
            Some(context) => context.set_threshold(value as u32),
            None => self.write(address.wrapping_sub(self.address), value as u32),
        }
    }

    /// The Ring 0 context whose threshold is at an address.
    fn threshold_at(self, address: u64) -> Option<Context> {
        let offset = address.checked_sub(self.address + CONTEXT)?;
        let number = offset / CONTEXT_STRIDE;
        let is_kernel = number % CONTEXTS_PER_HART == 1;
        (is_kernel && offset % CONTEXT_STRIDE == THRESHOLD).then_some(Context { plic: self, number })
    }

    fn words(self) -> u64 {
        self.sources / WORD_BITS + 1
    }

    fn read(self, offset: u64) -> u32 {
        // SAFETY: the controller is no memory of visor's, and the registers that are read here change nothing.
        unsafe { ((self.address + offset) as *const u32).read_volatile() }
    }

    fn write(self, offset: u64, value: u32) {
        // SAFETY: as above; thresholds and enable bits move interrupt lines alone, which visor expects.
        unsafe { ((self.address + offset) as *mut u32).write_volatile(value) };
    }
}

impl Context {
    /// The context of the same hart's Ring -1.
    fn hypervisor(self) -> Context {
        Context { number: self.number - 1, ..self }
    }

    fn threshold_register(self) -> u64 {
        CONTEXT + self.number * CONTEXT_STRIDE
    }

    fn enable_register(self, word: u64) -> u64 {
        ENABLE + self.number * ENABLE_STRIDE + word * WORD_BYTES
    }

    fn mask_of(self) -> &'static Mask {
        &MASKS[(self.number / CONTEXTS_PER_HART) as usize % HARTS_MAX]
    }

    /// Takes the line down.
    pub fn mask(self) {
        self.mask_of().masked.store(true, SeqCst);
        self.plic.write(self.threshold_register(), THRESHOLD_MAX);
    }

    /// Puts the guest's threshold in force again.
    pub fn unmask(self) {
        let mask = self.mask_of();
        mask.masked.store(false, SeqCst);
        self.plic.write(self.threshold_register(), mask.threshold.load(SeqCst));
    }

    /// The guest writes the threshold.
    fn set_threshold(self, value: u32) {
        let mask = self.mask_of();
        mask.threshold.store(value & THRESHOLD_MAX, SeqCst);
        if !mask.masked.load(SeqCst) {
            self.plic.write(self.threshold_register(), value);
        }
    }

    /// Whether the line is up, or would be if it were not masked.
    pub fn line(self) -> bool {
        self.line_above(self.mask_of().threshold.load(SeqCst))
    }

    /// Whether the line would be up with a threshold.
    fn line_above(self, threshold: u32) -> bool {
        (0..self.plic.words()).any(|word| {
            let enabled = self.plic.read(self.enable_register(word));
            let mut sources =
                if enabled == 0 { 0 } else { enabled & self.plic.read(PENDING + word * WORD_BYTES) };
            while sources != 0 {
                let source = word * WORD_BITS + u64::from(sources.trailing_zeros());
                if self.plic.read(source * WORD_BYTES) > threshold {
                    return true;
                }
                sources &= sources - 1;
            }
            false
        })
    }

    /// Has Ring -1's context follow this one, so that what interrupts the guest wakes visor; or none.
    pub fn lend_to_hypervisor(self, lend: bool) {
        let own = self.hypervisor();
        if lend {
            self.plic.write(own.threshold_register(), self.mask_of().threshold.load(SeqCst));
        }
        for word in 0..self.plic.words() {
            let enabled = if lend { self.plic.read(self.enable_register(word)) } else { 0 };
            self.plic.write(own.enable_register(word), enabled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contexts_are_cut_out_of_the_device_that_has_them() {
        let plic = PlicAt { address: 0x0c00_0000, sources: 95 };
        let around = |harts, device| plic.around(harts, &device).collect::<Vec<_>>();
        // Contexts begin 2 MiB in, a page each, two for a hart (RISC-V PLIC specification 1.0).
        assert_eq!(plic.contexts(2), Region::identity(0x0c20_0000, 0x4000));
        assert_eq!(
            around(2, Region::identity(0x0c00_0000, 0x60_0000)),
            [Region::identity(0x0c00_0000, 0x20_0000), Region::identity(0x0c20_4000, 0x3f_c000)]
        );
        assert_eq!(around(1, Region::identity(0x0c20_0000, 0x2000)), []);
        for elsewhere in [Region::identity(0x1000_0000, 0x1000), Region::identity(0x0200_0000, 0x1000)] {
            assert_eq!(around(1, elsewhere), [elsewhere]);
        }
    }
}
