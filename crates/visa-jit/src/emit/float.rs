//! Floating point on the host's block, where that is exact.
//!
//! While generated code computes, MXCSR has the guest's rounding mode and collects its flags; the runtime sees to both
//! (`Environment::use_float`). IEEE 754 leaves the host no choice in values and flags of these operations, but for NaNs:
//! a result that is one is computed again by the interpreter, which knows the canonical NaN. Instructions with a rounding
//! mode of their own are interpreted.
//!
//! A block keeps what it has read or computed in XMM1 to XMM15 as well, and so does a loop of one basic block from one round to the next;
//! the hart has every value too, at once.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::shape::{Float, FloatOperation, IntegerFormat, Load, Precision, RegisterFile, Store};
use visa_isa::{Instruction, Shape};

use super::float_cache::{FloatCache, Held};
use super::look_up::Address;
use super::{Emitter, Point, constant, coverage};
use crate::registers::{RAX, RCX, RDX};

/// Takes the rounding mode from FRM.
const DYNAMIC: u8 = 7;
/// Rounds towards zero.
const TOWARDS_ZERO: u8 = 1;
/// The canonical NaN in single precision (RISC-V unprivileged, 20.3).
const CANONICAL_NAN: i32 = 0x7fc0_0000;

/// Whether an instruction has code here, which may run only while the host computes for the guest.
pub fn is_inline(i: &Instruction) -> bool {
    use FloatOperation::*;
    let float = match i.op.shape() {
        Shape::Load(Load { file, .. }) | Shape::Store(Store { file, .. }) => {
            return file == RegisterFile::Float;
        }
        Shape::Float(float) => float,
        _ => return false,
    };
    match float.operation {
        MoveToInteger | MoveFromInteger | Sign | SignNegated | SignXor => true,
        Equal | Less | LessOrEqual | Minimum | Maximum | Classify => true,
        Add | Subtract | Multiply | Divide | SquareRoot => i.rm == DYNAMIC,
        MultiplyAdd | MultiplySubtract | NegatedMultiplySubtract | NegatedMultiplyAdd => {
            let fused = cfg!(target_feature = "fma") || std::arch::is_x86_feature_detected!("fma");
            fused && i.rm == DYNAMIC
        }
        ToInteger(_) => matches!(i.rm, DYNAMIC | TOWARDS_ZERO),
        // If it is always exact, the rounding mode does not matter, if it is one.
        FromInteger(_) | Convert => i.rm == DYNAMIC || float.is_always_exact() && i.rm <= 4,
    }
}

/// The offset of a floating-point register in the hart.
fn offset(register: u8) -> i32 {
    (layout::FLOAT + 8 * register as usize) as i32
}

/// One instruction of the host for singles, another for doubles.
macro_rules! by_format {
    ($self:ident, $double:expr, $d:ident, $s:ident, $($operand:tt)*) => {
        if $double {
            dynasm!($self.code ; .arch x64 ; $d $($operand)*)
        } else {
            dynasm!($self.code ; .arch x64 ; $s $($operand)*)
        }
    };
}

impl Emitter<'_> {
    /// Emits a floating-point instruction; false if it has no code here.
    pub(super) fn float(&mut self, index: usize, i: &Instruction) -> bool {
        use FloatOperation::*;
        if !is_inline(i) {
            return false;
        }
        let Float { operation, precision } = match i.op.shape() {
            Shape::Float(float) => float,
            Shape::Load(load) => {
                self.float_load(index, i, load.bytes);
                return true;
            }
            Shape::Store(store) => {
                self.float_store(index, i, store.bytes);
                return true;
            }
            _ => return false,
        };
        let double = precision == Precision::Double;
        match operation {
            MoveToInteger => {
                match double {
                    true => dynasm!(self.code ; .arch x64 ; mov rax, [rbp + offset(i.rs1)]),
                    false => dynasm!(self.code ; .arch x64 ; movsxd rax, DWORD [rbp + offset(i.rs1)]),
                }
                self.set(i.rd, RAX);
            }
            MoveFromInteger => self.float_from_bits(i, double),
            Sign | SignNegated | SignXor => self.float_sign(index, i, operation, double),
            Equal | Less | LessOrEqual => self.float_compare(index, i, operation, double),
            Add | Subtract | Multiply | Divide => self.float_binary(index, i, operation, double),
            Minimum | Maximum => self.float_extreme(index, i, operation, double),
            Classify => self.float_classify(index, i, double),
            SquareRoot | Convert => self.float_unary(index, i, operation, double),
            ToInteger(format) => match format {
                IntegerFormat::Word | IntegerFormat::Double => {
                    self.float_to_integer(index, i, format, double)
                }
                IntegerFormat::UnsignedWord | IntegerFormat::UnsignedDouble => {
                    self.float_to_unsigned(index, i, format, double);
                }
            },
            FromInteger(IntegerFormat::UnsignedDouble) => self.float_from_unsigned(i, double),
            FromInteger(format) => self.float_from_integer(i, format, double),
            MultiplyAdd | MultiplySubtract | NegatedMultiplySubtract | NegatedMultiplyAdd => {
                self.float_fused(index, i, operation, double);
            }
        }
        true
    }

    /// Reads again what XMM registers held, after the interpreter has been at it.
    pub(super) fn float_reload(&mut self, floats: &FloatCache) {
        if coverage::ON && floats.held().next().is_some() {
            self.reach(Point::FloatReloaded);
        }
        floats.held().for_each(|(xmm, register, held)| self.float_reload_one(xmm, register, held));
    }

    fn float_reload_one(&mut self, xmm: u8, register: u8, held: Held) {
        let at = offset(register);
        if held == Held::Whole {
            return dynasm!(self.code ; .arch x64 ; movsd Rx(xmm), [rbp + at]);
        }
        let boxed = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64
            ; movss Rx(xmm), [rbp + at]
            ; cmp DWORD [rbp + at + 4], BYTE -1
            ; je =>boxed
            ; mov eax, CANONICAL_NAN
            ; movd Rx(xmm), eax
            ; =>boxed
        );
    }

    /// XMM registers become what they were at another place.
    pub(super) fn float_as_before(&mut self, floats: &FloatCache) {
        for (xmm, register, held) in floats.held() {
            if self.floats.find(register) != Some((xmm, held)) {
                self.reach(Point::FloatAsBefore);
                self.float_reload_one(xmm, register, held);
            }
        }
        self.floats = floats.clone();
    }

    /// An XMM register with a value of the guest; for a single that is not NaN-boxed control goes to `cold`.
    fn float_read(&mut self, register: u8, double: bool, cold: DynamicLabel, busy: &[u8]) -> u8 {
        match self.floats.find(register) {
            Some((xmm, Held::Single)) if !double => return xmm,
            Some((xmm, Held::Whole)) if double => return xmm,
            _ => {}
        }
        let at = offset(register);
        if double {
            let xmm = self.floats.allocate(register, Held::Whole, busy);
            dynasm!(self.code ; .arch x64 ; movsd Rx(xmm), [rbp + at]);
            return xmm;
        }
        dynasm!(self.code ; .arch x64 ; cmp DWORD [rbp + at + 4], BYTE -1 ; jne =>cold);
        let xmm = self.floats.allocate(register, Held::Single, busy);
        dynasm!(self.code ; .arch x64 ; movss Rx(xmm), [rbp + at]);
        xmm
    }

    /// A register of the guest becomes what is in XMM0.
    fn float_write(&mut self, register: u8, double: bool) {
        let at = offset(register);
        let xmm = self.floats.allocate(register, if double { Held::Whole } else { Held::Single }, &[]);
        dynasm!(self.code ; .arch x64 ; movaps Rx(xmm), xmm0);
        if double {
            dynasm!(self.code ; .arch x64 ; movsd [rbp + at], xmm0);
        } else {
            dynasm!(self.code ; .arch x64 ; movss [rbp + at], xmm0 ; mov DWORD [rbp + at + 4], -1);
        }
    }

    /// Leaves NaNs to the interpreter, and keeps the rest.
    fn float_finish(&mut self, register: u8, double: bool, cold: DynamicLabel) {
        by_format!(self, double, ucomisd, ucomiss, xmm0, xmm0);
        dynasm!(self.code ; .arch x64 ; jp =>cold);
        self.float_write(register, double);
    }

    fn float_load(&mut self, index: usize, i: &Instruction, bytes: u8) {
        let missed = self.open_access(index, i);
        let Address { base, offset } = missed.address;
        let double = bytes == 8;
        self.look_up(RAX, Access::Load, missed.address, bytes.into(), missed.from);
        by_format!(self, double, movsd, movss, xmm0, [Rq(base) + rax + offset]);
        self.float_write(i.rd, double);
        self.close_access(missed);
    }

    fn float_store(&mut self, index: usize, i: &Instruction, bytes: u8) {
        let missed = self.open_access(index, i);
        let Address { base, offset: imm } = missed.address;
        self.look_up(RAX, Access::Store, missed.address, bytes.into(), missed.from);
        // Bits go to memory as they are, boxed or not.
        dynasm!(self.code ; .arch x64 ; mov rdx, [rbp + offset(i.rs2)]);
        match bytes {
            8 => dynasm!(self.code ; .arch x64 ; mov [Rq(base) + rax + imm], rdx),
            _ => dynasm!(self.code ; .arch x64 ; mov [Rq(base) + rax + imm], edx),
        }
        self.close_access(missed);
    }

    fn float_from_bits(&mut self, i: &Instruction, double: bool) {
        let from = self.get(i.rs1, RAX);
        match double {
            true => dynasm!(self.code ; .arch x64 ; movq xmm0, Rq(from)),
            false => dynasm!(self.code ; .arch x64 ; movd xmm0, Rd(from)),
        }
        self.float_write(i.rd, double);
    }

    /// The bits of an operand in a register of the host.
    fn float_bits(&mut self, host: u8, register: u8, double: bool, cold: DynamicLabel) {
        let at = offset(register);
        if double {
            dynasm!(self.code ; .arch x64 ; mov Rq(host), [rbp + at]);
        } else if let Some((xmm, Held::Single)) = self.floats.find(register) {
            dynasm!(self.code ; .arch x64 ; movd Rd(host), Rx(xmm));
        } else {
            dynasm!(self.code ; .arch x64
                ; cmp DWORD [rbp + at + 4], BYTE -1
                ; jne =>cold
                ; mov Rd(host), [rbp + at]
            );
        }
    }

    /// FSGNJ and its like: bits, as of integers.
    fn float_sign(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        use FloatOperation::{Sign, SignNegated, SignXor};
        let cold = self.open_cold();
        let sign: i8 = if double { 63 } else { 31 };
        self.float_bits(RAX, i.rs1, double, cold);
        if i.rs1 != i.rs2 {
            self.float_bits(RCX, i.rs2, double, cold);
        }
        match operation {
            Sign if i.rs1 == i.rs2 => {}
            SignNegated if i.rs1 == i.rs2 => dynasm!(self.code ; .arch x64 ; btc rax, BYTE sign),
            SignXor if i.rs1 == i.rs2 => dynasm!(self.code ; .arch x64 ; btr rax, BYTE sign),
            _ => {
                dynasm!(self.code ; .arch x64 ; mov edx, 1 ; shl rdx, BYTE sign);
                match operation {
                    SignXor => dynasm!(self.code ; .arch x64 ; and rcx, rdx ; xor rax, rcx),
                    _ => {
                        if operation == SignNegated {
                            dynasm!(self.code ; .arch x64 ; not rcx);
                        }
                        dynasm!(self.code ; .arch x64
                            ; and rcx, rdx ; not rdx ; and rax, rdx ; or rax, rcx);
                    }
                }
            }
        }
        match double {
            true => dynasm!(self.code ; .arch x64 ; movq xmm0, rax),
            false => dynasm!(self.code ; .arch x64 ; movd xmm0, eax),
        }
        self.float_write(i.rd, double);
        self.close_cold(index, cold);
    }

    /// The host compares quietly and signalling as the guest does, and says "unordered" by carry, zero and parity.
    fn float_compare(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        let cold = self.open_cold();
        let a = self.float_read(i.rs1, double, cold, &[]);
        let b = self.float_read(i.rs2, double, cold, &[a]);
        match operation {
            FloatOperation::Equal => {
                by_format!(self, double, ucomisd, ucomiss, Rx(a), Rx(b));
                dynasm!(self.code ; .arch x64 ; setnp al ; sete cl ; and al, cl);
            }
            FloatOperation::Less => {
                by_format!(self, double, comisd, comiss, Rx(b), Rx(a));
                dynasm!(self.code ; .arch x64 ; seta al);
            }
            _ => {
                by_format!(self, double, comisd, comiss, Rx(b), Rx(a));
                dynasm!(self.code ; .arch x64 ; setae al);
            }
        }
        dynasm!(self.code ; .arch x64 ; movzx eax, al);
        self.set(i.rd, RAX);
        self.close_cold(index, cold);
    }

    fn float_binary(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        use FloatOperation::{Add, Multiply, Subtract};
        let cold = self.open_cold();
        let a = self.float_read(i.rs1, double, cold, &[]);
        let b = self.float_read(i.rs2, double, cold, &[a]);
        dynasm!(self.code ; .arch x64 ; movaps xmm0, Rx(a));
        match operation {
            Add => by_format!(self, double, addsd, addss, xmm0, Rx(b)),
            Subtract => by_format!(self, double, subsd, subss, xmm0, Rx(b)),
            Multiply => by_format!(self, double, mulsd, mulss, xmm0, Rx(b)),
            _ => by_format!(self, double, divsd, divss, xmm0, Rx(b)),
        }
        self.float_finish(i.rd, double, cold);
        self.close_cold(index, cold);
    }

    /// FMIN and FMAX of numbers; of zeros, the host would not look at the sign.
    fn float_extreme(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        let cold = self.open_cold();
        let least = operation == FloatOperation::Minimum;
        let a = self.float_read(i.rs1, double, cold, &[]);
        let b = self.float_read(i.rs2, double, cold, &[a]);
        dynasm!(self.code ; .arch x64 ; movaps xmm0, Rx(a));
        by_format!(self, double, ucomisd, ucomiss, xmm0, Rx(b));
        dynasm!(self.code ; .arch x64 ; jp =>cold ; jne >differ);
        match least {
            true => dynasm!(self.code ; .arch x64 ; orps xmm0, Rx(b)),
            false => dynasm!(self.code ; .arch x64 ; andps xmm0, Rx(b)),
        }
        dynasm!(self.code ; .arch x64 ; jmp >done ; differ:);
        match least {
            true => by_format!(self, double, minsd, minss, xmm0, Rx(b)),
            false => by_format!(self, double, maxsd, maxss, xmm0, Rx(b)),
        }
        dynasm!(self.code ; .arch x64 ; done:);
        self.float_write(i.rd, double);
        self.close_cold(index, cold);
    }

    /// FCLASS: the number of the class is counted up with the magnitude (RISC-V unprivileged, 20.9), whose bits are compared
    /// without the sign.
    fn float_classify(&mut self, index: usize, i: &Instruction, double: bool) {
        /// Of positive zero; those of larger positive values follow, those of negative ones are 7 less these.
        const ZERO: i32 = 4;
        const NEGATIVE: i32 = 7;
        const SIGNALLING: i32 = 8;
        let cold = self.open_cold();
        // Without the sign, at the left.
        let (normal, infinity, quiet) =
            if double { (1 << 53, 0x7ff << 53, 52) } else { (1 << 24, 0xff << 24, 23) };
        self.float_bits(RCX, i.rs1, double, cold);
        match double {
            true => dynasm!(self.code ; .arch x64 ; add rcx, rcx),
            false => dynasm!(self.code ; .arch x64 ; add ecx, ecx),
        }
        dynasm!(self.code ; .arch x64 ; mov eax, ZERO ; cmp rcx, BYTE 1 ; sbb eax, BYTE -1);
        constant(&mut self.code, RDX, normal);
        dynasm!(self.code ; .arch x64 ; cmp rcx, rdx ; sbb eax, BYTE -1);
        constant(&mut self.code, RDX, infinity);
        dynasm!(self.code ; .arch x64 ; cmp rcx, rdx ; ja >nan ; sbb eax, BYTE -1);
        self.float_bits(RDX, i.rs1, double, cold);
        match double {
            true => dynasm!(self.code ; .arch x64 ; sar rdx, 63),
            false => dynasm!(self.code ; .arch x64 ; sar edx, 31),
        }
        dynasm!(self.code ; .arch x64
            ; and edx, BYTE NEGATIVE as i8
            ; xor eax, edx
            ; jmp >found
            ; nan:
            ; mov eax, SIGNALLING
            ; bt rcx, BYTE quiet
            ; adc eax, BYTE 0
            ; found:
            ; mov ecx, eax
            ; mov eax, 1
            ; shl eax, cl
        );
        self.set(i.rd, RAX);
        self.close_cold(index, cold);
    }

    fn float_unary(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        let cold = self.open_cold();
        let converts = operation == FloatOperation::Convert;
        let a = self.float_read(i.rs1, double != converts, cold, &[]);
        match converts {
            true => by_format!(self, double, cvtss2sd, cvtsd2ss, xmm0, Rx(a)),
            false => by_format!(self, double, sqrtsd, sqrtss, xmm0, Rx(a)),
        }
        self.float_finish(i.rd, double, cold);
        self.close_cold(index, cold);
    }

    /// Fused multiply-add: xmm0 = a * b + c, with the signs of the product and of c as the instruction says.
    fn float_fused(&mut self, index: usize, i: &Instruction, operation: FloatOperation, double: bool) {
        use FloatOperation::{MultiplyAdd, MultiplySubtract, NegatedMultiplySubtract};
        let cold = self.open_cold();
        let a = self.float_read(i.rs1, double, cold, &[]);
        let b = self.float_read(i.rs2, double, cold, &[a]);
        let c = self.float_read(i.rs3, double, cold, &[a, b]);
        dynasm!(self.code ; .arch x64 ; movaps xmm0, Rx(a));
        match operation {
            MultiplyAdd => by_format!(self, double, vfmadd213sd, vfmadd213ss, xmm0, Rx(b), Rx(c)),
            MultiplySubtract => by_format!(self, double, vfmsub213sd, vfmsub213ss, xmm0, Rx(b), Rx(c)),
            NegatedMultiplySubtract => {
                by_format!(self, double, vfnmadd213sd, vfnmadd213ss, xmm0, Rx(b), Rx(c))
            }
            _ => by_format!(self, double, vfnmsub213sd, vfnmsub213ss, xmm0, Rx(b), Rx(c)),
        }
        self.float_finish(i.rd, double, cold);
        self.close_cold(index, cold);
    }

    /// The host gives the least integer for what does not fit; the interpreter then decides what it is.
    fn float_to_integer(&mut self, index: usize, i: &Instruction, format: IntegerFormat, double: bool) {
        let cold = self.open_cold();
        let a = self.float_read(i.rs1, double, cold, &[]);
        let is_word = format == IntegerFormat::Word;
        match (is_word, i.rm == TOWARDS_ZERO) {
            (true, true) => by_format!(self, double, cvttsd2si, cvttss2si, eax, Rx(a)),
            (true, false) => by_format!(self, double, cvtsd2si, cvtss2si, eax, Rx(a)),
            (false, true) => by_format!(self, double, cvttsd2si, cvttss2si, rax, Rx(a)),
            (false, false) => by_format!(self, double, cvtsd2si, cvtss2si, rax, Rx(a)),
        }
        if is_word {
            dynasm!(self.code ; .arch x64 ; cmp eax, i32::MIN ; je =>cold ; movsxd rax, eax);
        } else {
            dynasm!(self.code ; .arch x64 ; mov rcx, QWORD i64::MIN ; cmp rax, rcx ; je =>cold);
        }
        self.set(i.rd, RAX);
        self.close_cold(index, cold);
    }

    /// By the host's conversion to signed integers of 64 bits, of what certainly fits: it would raise other flags for the rest,
    /// which is negative, too large, or not a number.
    fn float_to_unsigned(&mut self, index: usize, i: &Instruction, format: IntegerFormat, double: bool) {
        let cold = self.open_cold();
        let is_word = format == IntegerFormat::UnsignedWord;
        let towards_zero = i.rm == TOWARDS_ZERO;
        // What is just below 2^32 may be rounded up to it.
        let bits = if !is_word { 63 } else { 31 + towards_zero as i32 };
        let (fraction, bias) = if double { (52, 1023) } else { (23, 127) };
        self.float_bits(RAX, i.rs1, double, cold);
        dynasm!(self.code ; .arch x64 ; shr rax, BYTE fraction ; cmp eax, bias + bits ; jae =>cold);
        let a = self.float_read(i.rs1, double, cold, &[]);
        match towards_zero {
            true => by_format!(self, double, cvttsd2si, cvttss2si, rax, Rx(a)),
            false => by_format!(self, double, cvtsd2si, cvtss2si, rax, Rx(a)),
        }
        if is_word {
            dynasm!(self.code ; .arch x64 ; movsxd rax, eax);
        }
        self.set(i.rd, RAX);
        self.close_cold(index, cold);
    }

    fn float_from_integer(&mut self, i: &Instruction, format: IntegerFormat, double: bool) {
        self.load(RCX, i.rs1);
        // The register keeps its upper half otherwise, and the conversion waits for it.
        dynasm!(self.code ; .arch x64 ; xorps xmm0, xmm0);
        if format == IntegerFormat::UnsignedWord {
            dynasm!(self.code ; .arch x64 ; mov ecx, ecx);
        }
        match format {
            IntegerFormat::Word => by_format!(self, double, cvtsi2sd, cvtsi2ss, xmm0, ecx),
            _ => by_format!(self, double, cvtsi2sd, cvtsi2ss, xmm0, rcx),
        }
        self.float_write(i.rd, double);
    }

    fn float_from_unsigned(&mut self, i: &Instruction, double: bool) {
        self.load(RCX, i.rs1);
        // What has no place in a signed integer is halved, and its last bit kept for the rounding; doubling is exact.
        dynasm!(self.code ; .arch x64 ; xorps xmm0, xmm0 ; test rcx, rcx ; js >large);
        by_format!(self, double, cvtsi2sd, cvtsi2ss, xmm0, rcx);
        dynasm!(self.code ; .arch x64
            ; jmp >done
            ; large:
            ; mov rdx, rcx
            ; shr rdx, 1
            ; and ecx, BYTE 1
            ; or rdx, rcx
        );
        by_format!(self, double, cvtsi2sd, cvtsi2ss, xmm0, rdx);
        by_format!(self, double, addsd, addss, xmm0, xmm0);
        dynasm!(self.code ; .arch x64 ; done:);
        self.float_write(i.rd, double);
    }

    /// A label for the case that the instruction is better interpreted; [`Emitter::close_cold`] ends the instruction.
    fn open_cold(&mut self) -> DynamicLabel {
        self.code.new_dynamic_label()
    }

    fn close_cold(&mut self, index: usize, from: DynamicLabel) {
        let back = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64 ; =>back);
        self.push_interpreted(from, index, back);
    }
}
