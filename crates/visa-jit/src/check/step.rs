//! What one of the guest's instructions reads and writes, and what that does to what is known.

use visa_isa::operand::Target;
use visa_isa::shape::{Atomic, AtomicOperation, Compute, Operation, RegisterFile, Width};
use visa_isa::{Instruction, Op, Shape};

use super::value::{Bits, Kind, NEW, OTHER_WAY, State, Value, bit};
use crate::registers::{BUDGET, RAX, RCX, RDX};
use crate::runtime::InstructionRecord;

/// What an instruction, or several that are emitted as one, mean for registers.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The instruction that says so; `None`: one that reaches into the next page.
    pub instruction: Option<Instruction>,
    /// Integer and floating-point registers that it reads.
    pub sources: Bits,
    pub float_sources: Bits,
    /// The register that it writes; not R0.
    pub written: Option<u8>,
    pub float_written: Option<u8>,
    /// What it writes, where that is known beforehand.
    pub constant: Option<u64>,
    /// Its result is the sign extension of a computation of 32 bits.
    pub extends: bool,
    /// A copy of a register, or (true) of its low half, sign-extended.
    pub copies: Option<(u8, bool)>,
}

impl Step {
    /// What reads and writes nothing.
    pub fn nothing() -> Step {
        Step {
            instruction: None,
            sources: 0,
            float_sources: 0,
            written: None,
            float_written: None,
            constant: None,
            extends: false,
            copies: None,
        }
    }

    /// What an instruction at a record means.
    pub fn of(record: &InstructionRecord) -> Step {
        let mut step = Step::nothing();
        let Some(slot) = record.slot else { return step };
        let i = slot.instruction;
        step.instruction = Some(i);
        for (field, register) in [(Target::Rs1, i.rs1), (Target::Rs2, i.rs2), (Target::Rs3, i.rs3)] {
            match i.op.file(field) {
                Some(RegisterFile::Integer) => step.sources |= bit(register),
                Some(RegisterFile::Float) => step.float_sources |= bit(register),
                None => {}
            }
        }
        match i.op.file(Target::Rd) {
            Some(RegisterFile::Integer) => step.written = Some(i.rd).filter(|register| *register != 0),
            Some(RegisterFile::Float) => step.float_written = Some(i.rd),
            None => {}
        }
        step.constant = match i.op {
            Op::Lui => Some(i.imm as i64 as u64),
            Op::Auipc => Some(record.pc.wrapping_add(i.imm as i64 as u64)),
            Op::Addi if i.rs1 == 0 => Some(i.imm as i64 as u64),
            Op::Jal | Op::Jalr => Some(record.next),
            _ => None,
        };
        step.extends = extends(&i);
        step.copies = match i.op {
            Op::Addi if i.imm == 0 => Some((i.rs1, false)),
            Op::Add if i.rs2 == 0 => Some((i.rs1, false)),
            Op::Add if i.rs1 == 0 => Some((i.rs2, false)),
            Op::Addiw if i.imm == 0 => Some((i.rs1, true)),
            _ => None,
        };
        step
    }

    /// SLLI and SRLI of one register that are emitted as one.
    pub fn fused(first: &InstructionRecord, second: &InstructionRecord) -> Step {
        Step { sources: Step::of(first).sources, ..Step::of(second) }
    }

    /// A part of a conditional move: one of the computations of its register, on the other way.
    pub fn on_other_way(mut self, register: u8) -> Step {
        if self.sources & bit(register) != 0 {
            self.sources = self.sources & !bit(register) | bit(OTHER_WAY);
        }
        self.copies = self.copies.map(|(from, low)| (if from == register { OTHER_WAY } else { from }, low));
        self.written = Some(OTHER_WAY);
        self
    }

    /// Whether XMM registers are used.
    fn computes_floats(&self) -> bool {
        self.float_written.is_some() || self.float_sources != 0
    }

    fn complete_floats(&self, state: &mut State) {
        for value in state.floats_mut().all() {
            let (full, low) = (value.holds(NEW), value.holds_low(NEW));
            retire(value, self.float_written, full, low);
            let raw = |register| value.kind == Kind::Raw(register);
            if value.kind == Kind::Temporary || raw(NEW) || self.float_written.is_some_and(raw) {
                value.kind = Kind::Unknown;
            }
        }
    }

    /// An operand that code which is complete has not read: that it has a result, or none that anybody sees, is not enough. A
    /// copy may be where it was.
    pub fn unread(&self, state: &State) -> bool {
        let silent = self.written.is_none() && self.float_written.is_none() && !self.stores();
        // SC whose reservation is lost stores nothing.
        const CONDITIONAL: AtomicOperation = AtomicOperation::StoreConditional;
        let may_not_store =
            |i: &Instruction| matches!(i.op.shape(), Shape::Atomic(Atomic { operation: CONDITIONAL, .. }));
        let unstored = self.instruction.filter(may_not_store).map_or(0, |i| bit(i.rs2));
        let integers = self.sources & !state.read & !unstored & !1 != 0
            && self.copies.is_none()
            && self.constant.is_none();
        !silent && (integers || self.float_sources & !state.float_read != 0)
    }

    fn stores(&self) -> bool {
        self.instruction.is_some_and(|i| matches!(i.op.shape(), Shape::Store(_)))
    }

    /// Whether this is a branch.
    pub fn is_branch(&self) -> bool {
        self.instruction.is_some_and(|i| i.op.shape().is_branch())
    }

    /// Whether the result is a word.
    pub fn gives_word(&self, words: Bits) -> bool {
        if let Some((from, low)) = self.copies {
            return low || words & bit(from) != 0;
        }
        if let Some(constant) = self.constant {
            return constant as i64 == constant as i32 as i64;
        }
        self.extends || self.instruction.is_some_and(|i| gives_word(&i, self.sources & !words == 0))
    }

    /// The step is complete: what it has computed is its register from now on. What it was found to be by the interpreter need
    /// not be the constant that code would have made.
    pub fn complete(&self, state: &mut State, interpreted: bool, retired: i64) {
        let word = self.gives_word(state.words);
        let words = state.words;
        for value in state.integers() {
            let (mut full, mut low) = (value.holds(NEW), value.holds_low(NEW));
            if let Some(constant) = self.constant.filter(|_| !interpreted) {
                full = value.kind == Kind::Constant(constant);
                low = full;
            }
            if let Some((from, half)) = self.copies {
                full |= value.holds(from) && (!half || words & bit(from) != 0);
                low |= value.holds_low(from);
            }
            retire(value, self.written, full, low);
        }
        if let Some(written) = self.written {
            state.words = words & !bit(written) | if word { bit(written) } else { 0 } | 1;
        }
        if self.computes_floats() {
            self.complete_floats(state);
        }
        state.boxed &= !bit(NEW);
        if let Some(written) = self.float_written {
            state.boxed &= !bit(written);
        }
        state.not_boxed = None;
        state.predicted = None;
        if let Value { kind: Kind::Budget(budget), .. } = &mut state.general[BUDGET as usize] {
            *budget += retired;
        }
        state.flags = Default::default();
    }
}

/// Nothing of the host's but RCX, for groups of accesses, goes over from one step to the next beside the guest's registers.
pub fn forget_temporaries(state: &mut State) {
    for (register, value) in state.general.iter_mut().enumerate() {
        let register = register as u8;
        value.full &= !bit(NEW);
        value.low &= !bit(NEW);
        match register {
            RAX | RDX => *value = Value::default(),
            RCX if value.kind == Kind::Temporary => *value = Value::of_kind(Kind::Temporary),
            RCX => *value = Value::default(),
            BUDGET => {}
            _ => value.kind = Kind::Unknown,
        }
    }
    (state.read, state.float_read) = (0, 0);
    state.slots.iter_mut().for_each(|value| value.kind = Kind::Unknown);
    state.flags = Default::default();
}

/// Likewise between the parts of a conditional move, of which RDX has the other way's value.
pub fn forget_between_parts(state: &mut State) {
    (state.read, state.float_read) = (0, 0);
    state.general[RAX as usize] = Value::default();
    state.general[RCX as usize] = Value::default();
    state.general[RDX as usize].kind = Kind::Unknown;
}

/// A value that is, or is not, the new one of a register.
fn retire(value: &mut Value, written: Option<u8>, full: bool, low: bool) {
    value.full &= !bit(NEW);
    value.low &= !bit(NEW);
    if let Some(written) = written {
        value.full = value.full & !bit(written) | (full as Bits) << written;
        value.low = value.low & !bit(written) | (low as Bits) << written;
    }
}

/// Whether an instruction computes 32 bits, and sign-extends them, and they may have their upper bit set.
fn extends(i: &Instruction) -> bool {
    use Operation::*;
    let Shape::Compute(Compute { operation, width: Width::Word }) = i.op.shape() else { return false };
    match operation {
        LeadingZeros | TrailingZeros | PopulationCount => false,
        ShiftRightLogical => !i.op.has_immediate() || i.imm & 31 == 0,
        _ => true,
    }
}

/// Whether an instruction's result is a word, if what it reads are, or (false) may not be.
fn gives_word(i: &Instruction, of_words: bool) -> bool {
    use Operation::*;
    let (operation, width) = match i.op.shape() {
        Shape::Compute(Compute { operation, width }) => (operation, width),
        Shape::Load(load) => return load.gives_word(),
        _ => return false,
    };
    let immediate = i.op.has_immediate();
    match (width, operation) {
        (Width::Double, And) if immediate && i.imm >= 0 => true,
        (Width::Double, Xor | Or | And) => of_words,
        (Width::Double, SignExtend(1..4) | ZeroExtend(1..4) | Less | LessUnsigned) => true,
        (Width::Double, ShiftRightLogical) => immediate && i.imm > 32,
        (Width::Double, ShiftRightArithmetic) => immediate && i.imm >= 32,
        (Width::Word, ShiftRightLogical) => immediate,
        _ => false,
    }
}
