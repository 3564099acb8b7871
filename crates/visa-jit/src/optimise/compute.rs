//! Integer computation.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use visa_isa::{Instruction, Op};

use super::lower::Lowering;
use super::plan::Line;

impl Lowering<'_, '_> {
    /// An instruction that computes; false if it is none.
    pub(super) fn compute(&mut self, line: &Line) -> bool {
        use Op::*;
        let i = &line.slot.instruction;
        let value = match i.op {
            Fence | FenceTso => return true,
            Lui => self.constant(i.imm as i64 as u64),
            Auipc => self.constant(line.pc.wrapping_add(i.imm as i64 as u64)),
            Addi | Xori | Ori | Andi | Slti | Sltiu => {
                let (a, b) = (self.get(i.rs1), self.constant(i.imm as i64 as u64));
                self.base(i.op, a, b)
            }
            Slli | Srli | Srai | Rori => {
                let (a, b) = (self.get(i.rs1), self.constant((i.imm & 63) as u64));
                self.base(i.op, a, b)
            }
            Add | Sub | Xor | Or | And | Slt | Sltu | Sll | Srl | Sra | Rol | Ror => {
                let (a, b) = (self.get(i.rs1), self.get(i.rs2));
                self.base(i.op, a, b)
            }
            Addiw | Slliw | Srliw | Sraiw | Roriw => {
                let b = if i.op == Addiw { i.imm } else { i.imm & 31 };
                let b = self.builder.ins().iconst(types::I32, b as i64);
                self.word(i, b)
            }
            Addw | Subw | Sllw | Srlw | Sraw | Rolw | Rorw | Mulw | Divw | Divuw | Remw | Remuw => {
                let b = self.get(i.rs2);
                let b = self.narrow(types::I32, b);
                self.word(i, b)
            }
            Mul | Mulh | Mulhu | Mulhsu | Div | Divu | Rem | Remu => {
                let (a, b) = (self.get(i.rs1), self.get(i.rs2));
                self.multiply_or_divide(i.op, a, b)
            }
            _ => match self.bits(i) {
                Some(value) => value,
                None => return false,
            },
        };
        self.set(i.rd, value);
        true
    }

    fn base(&mut self, op: Op, a: Value, b: Value) -> Value {
        use Op::*;
        let ins = self.builder.ins();
        match op {
            Addi | Add => ins.iadd(a, b),
            Sub => ins.isub(a, b),
            Xori | Xor => ins.bxor(a, b),
            Ori | Or => ins.bor(a, b),
            Andi | And => ins.band(a, b),
            // Shifts and rotations go by the low bits of the amount, as the guest's do.
            Slli | Sll => ins.ishl(a, b),
            Srli | Srl => ins.ushr(a, b),
            Srai | Sra => ins.sshr(a, b),
            Rol => ins.rotl(a, b),
            Rori | Ror => ins.rotr(a, b),
            Slti | Slt => self.flag(IntCC::SignedLessThan, a, b),
            _ => self.flag(IntCC::UnsignedLessThan, a, b),
        }
    }

    /// 1 if a condition holds, else 0.
    fn flag(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let holds = self.builder.ins().icmp(condition, a, b);
        self.builder.ins().uextend(types::I64, holds)
    }

    /// What computes with the low 32 bits of rs1 and `b`, sign-extended.
    fn word(&mut self, i: &Instruction, b: Value) -> Value {
        use Op::*;
        let a = self.get(i.rs1);
        let a = self.narrow(types::I32, a);
        let ins = self.builder.ins();
        let result = match i.op {
            Addiw | Addw => ins.iadd(a, b),
            Subw => ins.isub(a, b),
            Slliw | Sllw => ins.ishl(a, b),
            Srliw | Srlw => ins.ushr(a, b),
            Sraiw | Sraw => ins.sshr(a, b),
            Rolw => ins.rotl(a, b),
            Roriw | Rorw => ins.rotr(a, b),
            Mulw => ins.imul(a, b),
            Divw => self.divide(a, b, true, false),
            Divuw => self.divide(a, b, false, false),
            Remw => self.divide(a, b, true, true),
            _ => self.divide(a, b, false, true),
        };
        self.builder.ins().sextend(types::I64, result)
    }

    fn multiply_or_divide(&mut self, op: Op, a: Value, b: Value) -> Value {
        use Op::*;
        match op {
            Mul => self.builder.ins().imul(a, b),
            Mulh => self.builder.ins().smulhi(a, b),
            Mulhu => self.builder.ins().umulhi(a, b),
            Mulhsu => {
                // A negative a counts 2^64 too much in the unsigned product.
                let high = self.builder.ins().umulhi(a, b);
                let sign = self.builder.ins().sshr_imm_u(a, 63);
                let excess = self.builder.ins().band(sign, b);
                self.builder.ins().isub(high, excess)
            }
            Div => self.divide(a, b, true, false),
            Divu => self.divide(a, b, false, false),
            Rem => self.divide(a, b, true, true),
            _ => self.divide(a, b, false, true),
        }
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

    /// Zba, Zbb and Zbs.
    fn bits(&mut self, i: &Instruction) -> Option<Value> {
        use Op::*;
        let a = self.get(i.rs1);
        Some(match i.op {
            Sh1add | Sh2add | Sh3add | Sh1addUw | Sh2addUw | Sh3addUw | AddUw => self.shift_and_add(i, a),
            SlliUw => {
                let low = self.zero_extend(a);
                self.builder.ins().ishl_imm_u(low, (i.imm & 63) as i64)
            }
            Andn | Orn | Xnor | Max | Maxu | Min | Minu => {
                let b = self.get(i.rs2);
                let ins = self.builder.ins();
                match i.op {
                    Andn => ins.band_not(a, b),
                    Orn => ins.bor_not(a, b),
                    Xnor => ins.bxor_not(a, b),
                    Max => ins.smax(a, b),
                    Maxu => ins.umax(a, b),
                    Min => ins.smin(a, b),
                    _ => ins.umin(a, b),
                }
            }
            SextB | SextH | ZextH => {
                let low = self.narrow(if i.op == SextB { types::I8 } else { types::I16 }, a);
                let ins = self.builder.ins();
                if i.op == ZextH { ins.uextend(types::I64, low) } else { ins.sextend(types::I64, low) }
            }
            Bset | Bclr | Binv | Bext => {
                let place = self.get(i.rs2);
                self.single_bit(i.op, a, place)
            }
            Bseti | Bclri | Binvi | Bexti => {
                let place = self.constant((i.imm & 63) as u64);
                self.single_bit(i.op, a, place)
            }
            Clz => self.builder.ins().clz(a),
            Ctz => self.builder.ins().ctz(a),
            Cpop => self.builder.ins().popcnt(a),
            Clzw | Ctzw | Cpopw => {
                let low = self.narrow(types::I32, a);
                let ins = self.builder.ins();
                let count = match i.op {
                    Clzw => ins.clz(low),
                    Ctzw => ins.ctz(low),
                    _ => ins.popcnt(low),
                };
                self.builder.ins().uextend(types::I64, count)
            }
            OrcB => self.or_combine(a),
            Rev8 => self.builder.ins().bswap(a),
            _ => return None,
        })
    }

    fn zero_extend(&mut self, value: Value) -> Value {
        let low = self.narrow(types::I32, value);
        self.builder.ins().uextend(types::I64, low)
    }

    fn shift_and_add(&mut self, i: &Instruction, a: Value) -> Value {
        use Op::*;
        let b = self.get(i.rs2);
        let a = match i.op {
            Sh1addUw | Sh2addUw | Sh3addUw | AddUw => self.zero_extend(a),
            _ => a,
        };
        let by = match i.op {
            Sh1add | Sh1addUw => 1,
            Sh2add | Sh2addUw => 2,
            Sh3add | Sh3addUw => 3,
            _ => 0,
        };
        let shifted = if by == 0 { a } else { self.builder.ins().ishl_imm_u(a, by) };
        self.builder.ins().iadd(shifted, b)
    }

    fn single_bit(&mut self, op: Op, a: Value, place: Value) -> Value {
        use Op::*;
        if matches!(op, Bext | Bexti) {
            let shifted = self.builder.ins().ushr(a, place);
            return self.builder.ins().band_imm_u(shifted, 1);
        }
        let one = self.constant(1);
        let bit = self.builder.ins().ishl(one, place);
        let ins = self.builder.ins();
        match op {
            Bset | Bseti => ins.bor(a, bit),
            Bclr | Bclri => ins.band_not(a, bit),
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
