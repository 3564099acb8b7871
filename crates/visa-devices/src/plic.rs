//! The platform-level interrupt controller (RISC-V PLIC specification 1.0; the section names below are its).
//!
//! Hart `h` has two contexts: `2h` is its Ring -1, `2h + 1` its Ring 0. Every source is level-triggered: its gateway
//! forwards one request while the line is high, and the next only after completion. A request once forwarded stays
//! pending even if the line falls ("Interrupt Gateways").
//!
//! ```text
//! 0x00_0000 + 4*source          priority, 0 (never) to 7
//! 0x00_1000 + 4*word            pending bits, 32 sources a word, read-only
//! 0x00_2000 + 0x80*context      enable bits
//! 0x20_0000 + 0x1000*context    +0 threshold, +4 claim (read) and completion (write)
//! ```

use serde::{Deserialize, Serialize};
use visa_mem::{AccessFault, AccessSize, Device};

use crate::model::{COMPATIBLE, Level, LoadError, Model, Property, bytes_of, require, value_of};

/// Number of source numbers, counting source 0, which does not exist: sources are 1 to 95.
pub const PLIC_SOURCES: u32 = 96;

/// The highest priority and threshold.
pub const PLIC_PRIORITY_MAX: u32 = 7;

const WORD_BITS: u32 = 32;
const WORDS: usize = (PLIC_SOURCES / WORD_BITS) as usize;

const PENDING_BASE: u64 = 0x1000;
const ENABLE_BASE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT_BASE: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const THRESHOLD: u64 = 0;
const CLAIM_COMPLETE: u64 = 4;

/// One bit for each source.
type SourceSet = [u32; WORDS];

fn contains(set: &SourceSet, source: u32) -> bool {
    set[(source / WORD_BITS) as usize] >> (source % WORD_BITS) & 1 != 0
}

fn assign(set: &mut SourceSet, source: u32, member: bool) {
    let mask = 1 << (source % WORD_BITS);
    let word = &mut set[(source / WORD_BITS) as usize];
    *word = if member { *word | mask } else { *word & !mask };
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Context {
    enabled: SourceSet,
    threshold: u32,
    /// The line to the hart, kept up to date so that asking costs nothing.
    #[serde(skip)]
    line: bool,
}

/// What an offset names.
enum PlicRegister {
    Priority(u32),
    Pending(usize),
    Enable {
        context: usize,
        word: usize,
    },
    Threshold(usize),
    ClaimComplete(usize),
    /// Inside the window, but no source or context of this PLIC: reads zero, ignores writes.
    Reserved,
}

/// The model. Registers are 32 bits wide; other sizes and unaligned offsets fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plic {
    /// By source.
    priorities: Vec<u32>,
    levels: SourceSet,
    pending: SourceSet,
    claimed: SourceSet,
    contexts: Vec<Context>,
}

impl Plic {
    /// A PLIC for `harts` harts (two contexts each), everything disabled.
    pub fn new(harts: usize) -> Self {
        Self {
            priorities: vec![0; PLIC_SOURCES as usize],
            levels: [0; WORDS],
            pending: [0; WORDS],
            claimed: [0; WORDS],
            contexts: vec![Context::default(); 2 * harts],
        }
    }

    /// Number of contexts: two for each hart.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Sets the line of `source` (1 to 95; others are ignored).
    pub fn set_level(&mut self, source: u32, level: Level) {
        let is_high = level == Level::High;
        if source == 0 || source >= PLIC_SOURCES || contains(&self.levels, source) == is_high {
            return;
        }
        assign(&mut self.levels, source, is_high);
        self.forward(source);
    }

    /// The interrupt line to `context`: some source is pending, enabled, and above the threshold. `false` for a context
    /// that does not exist.
    #[inline]
    pub fn line(&self, context: usize) -> bool {
        self.contexts.get(context).is_some_and(|context| context.line)
    }

    /// The gateway: a high line becomes a request unless one is being serviced.
    fn forward(&mut self, source: u32) {
        if contains(&self.levels, source) && !contains(&self.claimed, source) {
            assign(&mut self.pending, source, true);
            self.update_lines();
        }
    }

    /// The pending, enabled source of the highest priority; of equals, the lowest number ("Interrupt Priorities").
    fn best(&self, context: &Context) -> Option<(u32, u32)> {
        let mut best = None;
        for word in 0..WORDS {
            let mut candidates = self.pending[word] & context.enabled[word];
            while candidates != 0 {
                let source = word as u32 * WORD_BITS + candidates.trailing_zeros();
                candidates &= candidates - 1;
                let priority = self.priorities[source as usize];
                if priority > best.map_or(0, |(_, highest)| highest) {
                    best = Some((source, priority));
                }
            }
        }
        best
    }

    fn update_lines(&mut self) {
        for index in 0..self.contexts.len() {
            let context = &self.contexts[index];
            let line = self.best(context).is_some_and(|(_, priority)| priority > context.threshold);
            self.contexts[index].line = line;
        }
    }

    /// Claiming is not affected by the threshold ("Interrupt Claim Process").
    fn claim(&mut self, context: usize) -> u32 {
        let Some((source, _)) = self.best(&self.contexts[context]) else { return 0 };
        assign(&mut self.pending, source, false);
        assign(&mut self.claimed, source, true);
        self.update_lines();
        source
    }

    /// A completion for a source that is not enabled for the context is ignored ("Interrupt Completion").
    fn complete(&mut self, context: usize, source: u32) {
        if source == 0 || source >= PLIC_SOURCES || !contains(&self.contexts[context].enabled, source) {
            return;
        }
        assign(&mut self.claimed, source, false);
        self.forward(source);
    }

    fn decode(&self, offset: u64, size: AccessSize) -> Result<PlicRegister, AccessFault> {
        if size != AccessSize::Word || !offset.is_multiple_of(AccessSize::Word.bytes()) {
            return Err(AccessFault);
        }
        let register = if offset < PENDING_BASE {
            PlicRegister::Priority((offset / 4) as u32)
        } else if offset < ENABLE_BASE {
            PlicRegister::Pending(((offset - PENDING_BASE) / 4) as usize)
        } else if offset < CONTEXT_BASE {
            let within = offset - ENABLE_BASE;
            let (context, word) = (within / ENABLE_STRIDE, within % ENABLE_STRIDE / 4);
            PlicRegister::Enable { context: context as usize, word: word as usize }
        } else {
            let within = offset - CONTEXT_BASE;
            let context = (within / CONTEXT_STRIDE) as usize;
            match within % CONTEXT_STRIDE {
                THRESHOLD => PlicRegister::Threshold(context),
                CLAIM_COMPLETE => PlicRegister::ClaimComplete(context),
                _ => PlicRegister::Reserved,
            }
        };
        Ok(if self.exists(&register) { register } else { PlicRegister::Reserved })
    }

    fn exists(&self, register: &PlicRegister) -> bool {
        match *register {
            PlicRegister::Priority(source) => source != 0 && source < PLIC_SOURCES,
            PlicRegister::Pending(word) => word < WORDS,
            PlicRegister::Enable { context, word } => context < self.contexts.len() && word < WORDS,
            PlicRegister::Threshold(context) | PlicRegister::ClaimComplete(context) => {
                context < self.contexts.len()
            }
            PlicRegister::Reserved => true,
        }
    }
}

impl Device for Plic {
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault> {
        if let PlicRegister::ClaimComplete(context) = self.decode(offset, size)? {
            return Ok(self.claim(context).into());
        }
        self.peek(offset, size).ok_or(AccessFault)
    }

    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        let value = match self.decode(offset, size).ok()? {
            PlicRegister::Priority(source) => self.priorities[source as usize],
            PlicRegister::Pending(word) => self.pending[word],
            PlicRegister::Enable { context, word } => self.contexts[context].enabled[word],
            PlicRegister::Threshold(context) => self.contexts[context].threshold,
            PlicRegister::ClaimComplete(context) => {
                self.best(&self.contexts[context]).map_or(0, |(source, _)| source)
            }
            PlicRegister::Reserved => 0,
        };
        Some(value.into())
    }

    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        let value = value as u32;
        match self.decode(offset, size)? {
            PlicRegister::Priority(source) => self.priorities[source as usize] = value & PLIC_PRIORITY_MAX,
            // Bit 0 of word 0 would be source 0, which does not exist.
            PlicRegister::Enable { context, word: 0 } => self.contexts[context].enabled[0] = value & !1,
            PlicRegister::Enable { context, word } => self.contexts[context].enabled[word] = value,
            PlicRegister::Threshold(context) => self.contexts[context].threshold = value & PLIC_PRIORITY_MAX,
            PlicRegister::ClaimComplete(context) => self.complete(context, value),
            PlicRegister::Pending(_) | PlicRegister::Reserved => {}
        }
        self.update_lines();
        Ok(())
    }
}

impl Model for Plic {
    fn reset(&mut self) {
        *self = Self::new(self.contexts.len() / 2);
    }

    fn save(&self) -> Vec<u8> {
        bytes_of(self)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        const DEVICE: &str = "interrupt controller";
        let mut state: Self = value_of(DEVICE, saved)?;
        require(state.contexts.len() == self.contexts.len(), DEVICE, "the number of harts")?;
        let priorities = &state.priorities;
        require(priorities.len() == PLIC_SOURCES as usize, DEVICE, "the number of sources")?;
        require(priorities.iter().all(|priority| *priority <= PLIC_PRIORITY_MAX), DEVICE, "a priority")?;
        let mut contexts = state.contexts.iter();
        require(contexts.all(|context| context.threshold <= PLIC_PRIORITY_MAX), DEVICE, "a threshold")?;
        state.update_lines();
        *self = state;
        Ok(())
    }

    fn describe(&self) -> Vec<Property> {
        vec![
            Property::Texts(COMPATIBLE, &["sifive,plic-1.0.0", "riscv,plic0"]),
            Property::Number("#interrupt-cells", 1),
            Property::Number("#address-cells", 0),
            Property::Flag("interrupt-controller"),
            Property::Number("riscv,ndev", PLIC_SOURCES - 1),
        ]
    }
}
