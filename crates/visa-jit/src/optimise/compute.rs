//! Integer computation.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use visa_isa::shape::{Compute, Operation, Width};
use visa_isa::{Instruction, Shape};

use super::lower::Lowering;
use super::plan::PlanLine;

impl Lowering<'_, '_> {
    /// An instruction that computes; false if it is none.
    pub(super) fn compute(&mut self, line: &PlanLine) -> bool {
        let i = &line.slot.instruction;
        let Compute { operation, width } = match i.op.shape() {
            Shape::Compute(compute) => compute,
            shape => return shape == Shape::Fence,
        };
        let value = match (operation, width) {
            (Operation::Immediate, _) => Some(self.constant(i.imm as i64 as u64)),
            (Operation::AddPc, _) => Some(self.constant(line.pc.wrapping_add(i.imm as i64 as u64))),
            (_, Width::Word) => self.word(i, operation),
            (_, Width::Double) => {
                let (a, b) = (self.get(i.rs1), self.second(i, types::I64));
                self.operate(operation, a, b)
            }
            (_, Width::UnsignedWord) => {
                let (a, b) = (self.get(i.rs1), self.second(i, types::I64));
                let a = self.zero_extend(a);
                self.operate(operation, a, b)
            }
        };
        let Some(value) = value else { return false };
        self.set(i.rd, value);
        true
    }

    /// The second source, or its low half: an immediate, or a register.
    fn second(&mut self, i: &Instruction, kind: Type) -> Value {
        if i.op.has_immediate() {
            return self.builder.ins().iconst(kind, i.imm as i64);
        }
        let value = self.get(i.rs2);
        if kind == types::I64 { value } else { self.narrow(kind, value) }
    }

    /// What computes with the low 32 bits of the sources, sign-extended.
    fn word(&mut self, i: &Instruction, operation: Operation) -> Option<Value> {
        let (a, b) = (self.get(i.rs1), self.second(i, types::I32));
        let a = self.narrow(types::I32, a);
        let result = self.operate(operation, a, b)?;
        Some(self.builder.ins().sextend(types::I64, result))
    }

    /// An operation on values of 64 or of 32 bits.
    fn operate(&mut self, operation: Operation, a: Value, b: Value) -> Option<Value> {
        use Operation::*;
        let kind = self.builder.func.dfg.value_type(a);
        let ins = self.builder.ins();
        Some(match operation {
            Immediate | AddPc => return None,
            Add => ins.iadd(a, b),
            Subtract => ins.isub(a, b),
            Xor => ins.bxor(a, b),
            Or => ins.bor(a, b),
            And => ins.band(a, b),
            // Shifts and rotations go by the low bits of the amount, as the guest's do.
            ShiftLeft => ins.ishl(a, b),
            ShiftRightLogical => ins.ushr(a, b),
            ShiftRightArithmetic => ins.sshr(a, b),
            RotateLeft => ins.rotl(a, b),
            RotateRight => ins.rotr(a, b),
            Less => self.flag(IntCC::SignedLessThan, a, b, kind),
            LessUnsigned => self.flag(IntCC::UnsignedLessThan, a, b, kind),
            Multiply => ins.imul(a, b),
            MultiplyHigh => ins.smulhi(a, b),
            MultiplyHighUnsigned => ins.umulhi(a, b),
            MultiplyHighMixed => self.multiply_high_mixed(a, b),
            Divide => self.divide(a, b, true, false),
            DivideUnsigned => self.divide(a, b, false, false),
            Remainder => self.divide(a, b, true, true),
            RemainderUnsigned => self.divide(a, b, false, true),
            ShiftAdd(by) => {
                let shifted = ins.ishl_imm_u(a, by as i64);
                self.builder.ins().iadd(shifted, b)
            }
            AndNot => ins.band_not(a, b),
            OrNot => ins.bor_not(a, b),
            XorNot => ins.bxor_not(a, b),
            Maximum => ins.smax(a, b),
            MaximumUnsigned => ins.umax(a, b),
            Minimum => ins.smin(a, b),
            MinimumUnsigned => ins.umin(a, b),
            LeadingZeros => ins.clz(a),
            TrailingZeros => ins.ctz(a),
            PopulationCount => ins.popcnt(a),
            SignExtend(bytes) | ZeroExtend(bytes) => {
                let narrow = Type::int(8 * bytes as u16).filter(|narrow| narrow.bits() < kind.bits())?;
                let low = ins.ireduce(narrow, a);
                let ins = self.builder.ins();
                match operation {
                    SignExtend(_) => ins.sextend(kind, low),
                    _ => ins.uextend(kind, low),
                }
            }
            OrCombineBytes if kind == types::I64 => self.or_combine(a),
            OrCombineBytes => return None,
            ReverseBytes => ins.bswap(a),
            SetBit | ClearBit | InvertBit | ExtractBit => self.single_bit(operation, a, b),
        })
    }

    /// 1 if a condition holds, else 0.
    fn flag(&mut self, condition: IntCC, a: Value, b: Value, kind: Type) -> Value {
        let holds = self.builder.ins().icmp(condition, a, b);
        self.builder.ins().uextend(kind, holds)
    }

    /// High half of the product of a signed and an unsigned value: a negative one counts 2^64 too much in the unsigned product.
    fn multiply_high_mixed(&mut self, a: Value, b: Value) -> Value {
        let bits = self.builder.func.dfg.value_type(a).bits();
        let high = self.builder.ins().umulhi(a, b);
        let sign = self.builder.ins().sshr_imm_u(a, bits as i64 - 1);
        let excess = self.builder.ins().band(sign, b);
        self.builder.ins().isub(high, excess)
    }

    /// Quotient or remainder. Division by zero and the one that overflows have results of their own (RISC-V unprivileged,
    /// 12.2); the host divides by one instead, which is right for the latter.
    fn divide(&mut self, a: Value, b: Value, signed: bool, remainder: bool) -> Value {
        let kind = self.builder.func.dfg.value_type(a);
        let by_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let mut unsafe_for_host = by_zero;
        if signed {
            let least = i64::MIN >> (64 - kind.bits());
            let is_least = self.builder.ins().icmp_imm_s(IntCC::Equal, a, least);
            let by_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
            let overflows = self.builder.ins().band(is_least, by_minus_one);
            unsafe_for_host = self.builder.ins().bor(by_zero, overflows);
        }
        let one = self.builder.ins().iconst(kind, 1);
        let divisor = self.builder.ins().select(unsafe_for_host, one, b);
        let ins = self.builder.ins();
        let result = match (signed, remainder) {
            (true, false) => ins.sdiv(a, divisor),
            (true, true) => ins.srem(a, divisor),
            (false, false) => ins.udiv(a, divisor),
            (false, true) => ins.urem(a, divisor),
        };
        let for_zero = if remainder { a } else { self.builder.ins().iconst(kind, -1) };
        self.builder.ins().select(by_zero, for_zero, result)
    }

    fn zero_extend(&mut self, value: Value) -> Value {
        let low = self.narrow(types::I32, value);
        self.builder.ins().uextend(types::I64, low)
    }

    fn single_bit(&mut self, operation: Operation, a: Value, place: Value) -> Value {
        if operation == Operation::ExtractBit {
            let shifted = self.builder.ins().ushr(a, place);
            return self.builder.ins().band_imm_u(shifted, 1);
        }
        let kind = self.builder.func.dfg.value_type(a);
        let one = self.builder.ins().iconst(kind, 1);
        let bit = self.builder.ins().ishl(one, place);
        let ins = self.builder.ins();
        match operation {
            Operation::SetBit => ins.bor(a, bit),
            Operation::ClearBit => ins.band_not(a, bit),
            _ => ins.bxor(a, bit),
        }
    }

    /// ORC.B, as in the templates: a byte's low bits carry into its top bit, which is then spread.
    fn or_combine(&mut self, a: Value) -> Value {
        let low = self.constant(0x7f7f_7f7f_7f7f_7f7f);
        let carried = self.builder.ins().band(a, low);
        let carried = self.builder.ins().iadd(carried, low);
        let any = self.builder.ins().bor(a, carried);
        let top = self.builder.ins().band_not(any, low);
        let doubled = self.builder.ins().ishl_imm_u(top, 1);
        let ones = self.builder.ins().ushr_imm_u(top, 7);
        self.builder.ins().isub(doubled, ones)
    }
}
