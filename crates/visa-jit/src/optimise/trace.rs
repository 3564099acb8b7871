//! What hot code does: the interpreter executes some thousands of instructions, and their ways are noted.

use rustc_hash::FxHashMap;
use visa_interp::{Slot, decode_at};
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;
use visa_isa::{Instruction, Shape, decode};
use visa_mem::Ram;
use visa_mmu::tlb::Tlb;

/// Instructions of a trace.
pub const TRACE_LENGTH: u64 = 6_000;
/// Calls that a place may be inside of and still be told apart by where they return to.
const DEPTH: usize = 4;
/// Places that are told apart; the trace ends where there are more.
const PLACES: usize = 3_000;

/// The register that calls leave the return address in, and the other one that some do.
const RETURN_REGISTERS: [u8; 2] = [1, 5];

/// One executed instruction.
#[derive(Clone, Copy)]
pub struct Step {
    /// Its address.
    pub pc: u64,
    /// What it is.
    pub slot: Slot,
    /// Its offset of RAM.
    pub offset: u64,
    /// If it reaches into the next page: the offset of RAM of that page's first byte.
    pub across: Option<u64>,
}

impl Step {
    /// The instruction at an address, which has just been executed, and its offset of RAM. `None`: it is illegal, or it cannot
    /// be told where it goes on.
    pub fn at(ram: &Ram, tlb: &Tlb, pc: u64, offset: u64) -> Option<Step> {
        let page_end = page_of(offset) + PAGE_SIZE;
        if let Some(slot) = decode_at(ram, offset..page_end) {
            return Some(Step { pc, slot, offset, across: None });
        }
        let low = ram.load_u16(offset)? as u32;
        if low & 3 != 3 {
            return None;
        }
        let second = tlb.lookup(Access::Fetch, pc.wrapping_add(2), 2)?;
        let bits = (ram.load_u16(second)? as u32) << 16 | low;
        let slot = Slot { instruction: decode(bits)?, bits };
        Some(Step { pc, slot, offset, across: Some(second) })
    }

    /// The address of the instruction behind it.
    pub fn next(&self) -> u64 {
        self.pc.wrapping_add(self.slot.instruction.length as u64)
    }
}

/// Inside which calls a place is: an index of the trace's calls.
pub type Context = u32;

/// Not inside of a call that was seen.
pub const OUTERMOST: Context = 0;

/// An instruction, inside of certain calls.
pub struct Place {
    /// The instruction.
    pub step: Step,
    /// Inside which calls.
    pub context: Context,
    /// How often it was executed.
    pub count: u32,
}

/// A call that places may be inside of.
struct Call {
    parent: Context,
    returns_to: u64,
    depth: usize,
}

/// The ways of some thousand instructions.
pub struct Trace {
    /// Every instruction that was executed.
    pub places: Vec<Place>,
    /// How often execution went from one place to another.
    pub ways: FxHashMap<(u32, u32), u32>,
    numbers: FxHashMap<(u64, Context), u32>,
    calls: Vec<Call>,
    last: Option<u32>,
    context: Context,
}

impl Trace {
    /// An empty trace.
    pub fn new() -> Trace {
        let outermost = Call { parent: OUTERMOST, returns_to: 0, depth: 0 };
        Trace {
            places: Vec::new(),
            ways: FxHashMap::default(),
            numbers: FxHashMap::default(),
            calls: vec![outermost],
            last: None,
            context: OUTERMOST,
        }
    }

    /// Notes the next instruction; false if there is no room for it.
    pub fn push(&mut self, step: Step) -> bool {
        let follows = self.last.is_some_and(|last| self.follow(last, step.pc));
        let key = (step.pc, self.context);
        let number = match self.numbers.get(&key) {
            Some(&number) => number,
            None if self.places.len() == PLACES => return false,
            None => {
                self.numbers.insert(key, self.places.len() as u32);
                self.places.push(Place { step, context: self.context, count: 0 });
                self.places.len() as u32 - 1
            }
        };
        self.places[number as usize].count += 1;
        if let Some(last) = self.last.filter(|_| follows) {
            *self.ways.entry((last, number)).or_default() += 1;
        }
        self.last = Some(number);
        true
    }

    /// What comes next does not follow what was noted last.
    pub fn interrupt(&mut self) {
        self.last = None;
        self.context = OUTERMOST;
    }

    /// Steps into or out of calls; false if what comes next is inside of calls that are not kept apart.
    fn follow(&mut self, last: u32, pc: u64) -> bool {
        let step = self.places[last as usize].step;
        let i = &step.slot.instruction;
        let context = self.context;
        if is_call(i) {
            let depth = self.calls[context as usize].depth + 1;
            if depth > DEPTH {
                self.context = OUTERMOST;
                return false;
            }
            let same =
                |call: &Call| call.parent == context && call.returns_to == step.next() && call.depth == depth;
            self.context = self.calls.iter().position(same).unwrap_or_else(|| {
                self.calls.push(Call { parent: context, returns_to: step.next(), depth });
                self.calls.len() - 1
            }) as Context;
        } else if is_return(i) && context != OUTERMOST {
            let call = &self.calls[context as usize];
            let matches = call.returns_to == pc;
            self.context = if matches { call.parent } else { OUTERMOST };
            return matches;
        }
        true
    }
}

/// A jump that leaves its return address behind.
pub fn is_call(i: &Instruction) -> bool {
    matches!(i.op.shape(), Shape::Jump | Shape::JumpRegister) && RETURN_REGISTERS.contains(&i.rd)
}

/// A jump to such an address.
pub fn is_return(i: &Instruction) -> bool {
    i.op.shape() == Shape::JumpRegister && i.rd == 0 && RETURN_REGISTERS.contains(&i.rs1)
}

/// The address, or offset, of a page.
pub fn page_of(address: u64) -> u64 {
    address & !(PAGE_SIZE - 1)
}
