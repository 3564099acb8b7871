//! The platform's interrupt controller, where the guest's external interrupts exit for as long as its line is up: visor
//! then raises the threshold of the guest's context, which takes the line down and changes nothing that the guest can
//! claim, and looks at pending and enabled sources to see whether the line would be up.

use crate::device_tree::PlicAt;

/// Registers (RISC-V PLIC specification 1.0).
const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const WORD_BITS: u64 = 32;
const WORD_BYTES: u64 = 4;

/// More than the priority of any source.
const THRESHOLD_MAX: u32 = 7;

/// A context of it.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    plic: PlicAt,
    number: u64,
}

impl PlicAt {
    /// The context of a hart's Ring 0.
    pub fn kernel(self, hart: usize) -> Context {
        Context { plic: self, number: 2 * hart as u64 + 1 }
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

    /// Takes the line down, and returns the threshold that was in force.
    pub fn mask(self) -> u32 {
        let threshold = self.plic.read(self.threshold_register());
        self.plic.write(self.threshold_register(), THRESHOLD_MAX);
        threshold
    }

    /// Puts a threshold in force again, unless the guest has set one meanwhile.
    pub fn unmask(self, threshold: u32) {
        if self.plic.read(self.threshold_register()) == THRESHOLD_MAX {
            self.plic.write(self.threshold_register(), threshold);
        }
    }

    /// Whether the line is up with the threshold in force.
    pub fn line(self) -> bool {
        self.line_above(self.plic.read(self.threshold_register()))
    }

    /// Whether the line would be up with a threshold.
    pub fn line_above(self, threshold: u32) -> bool {
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
            self.plic.write(own.threshold_register(), self.plic.read(self.threshold_register()));
        }
        for word in 0..self.plic.words() {
            let enabled = if lend { self.plic.read(self.enable_register(word)) } else { 0 };
            self.plic.write(own.enable_register(word), enabled);
        }
    }
}
