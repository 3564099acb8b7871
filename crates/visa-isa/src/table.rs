//! The table of instructions: one row each, in the groups of the specification.
//!
//! A row is `Name "mnemonic" Format bits, shape, "what it does"`. The bits are the fixed ones; the format says which operands
//! fill the rest and how text shows them; the shape says what the operation is, for everybody who must know that without
//! executing it. Adding an instruction is adding a row: the interpreter then fails to compile until it says what the instruction
//! means.

mod bits;
mod format;
mod shapes;

pub use self::bits::Bits;
use self::bits::*;
pub use self::format::Format;
use self::shapes::*;
use crate::instruction::{Group, Ring};
use crate::shape::{
    AtomicOperation as A, Condition, Extend::*, FloatOperation as F, IntegerFormat, MsrChange::*,
    Operation::*, Shape,
};

/// Opcode of the V-ISA instructions proper (RISC-V custom-0).
pub const CUSTOM_0: u32 = 0x0b;
/// Opcode of IN and OUT (RISC-V custom-1).
pub const CUSTOM_1: u32 = 0x2b;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which instruction.
    pub op: Op,
    /// The mnemonic, in lower case.
    pub mnemonic: &'static str,
    /// Operands and syntax.
    pub format: Format,
    /// Fixed bits.
    pub bits: Bits,
    /// Its group.
    pub group: Group,
    /// The least privileged ring that may execute it.
    pub ring: Ring,
    /// One sentence on what it does.
    pub summary: &'static str,
}

macro_rules! instructions {
    ($( $group:ident $ring:ident { $( $name:ident $mnemonic:literal $format:ident $bits:expr, $shape:expr, $summary:literal; )* } )*) => {
        /// Every instruction of the machine. Compressed forms decode to these.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Op { $( $( #[doc = $summary] $name, )* )* }

        /// The rows, indexed by `Op as usize`.
        pub static ROWS: &[Row] = &[ $( $( Row {
            op: Op::$name, mnemonic: $mnemonic, format: Format::$format, bits: $bits,
            group: Group::$group, ring: Ring::$ring, summary: $summary,
        }, )* )* ];

        impl Op {
            /// What it is. (Apart from the rows, so that programs of the machine which ask for nothing else hold no more of them.)
            pub const fn shape(self) -> Shape {
                match self { $( $( Op::$name => $shape, )* )* }
            }
        }

        /// The fixed bits alone, for tables that are built at compile time.
        pub(crate) const BITS: &[Bits] = &[ $( $( $bits, )* )* ];
    };
}

impl Op {
    /// The instruction's row.
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The bits of the row that software writes as they are and that decoding does not look at: fields kept for finer
    /// fences to come, in which every value executes as the fence without them (RISC-V unprivileged specification, 2.7 and
    /// Zifencei).
    pub const fn ignored_bits(self) -> u32 {
        const REGISTERS: u32 = 0x1f << 7 | 0x1f << 15;
        match self {
            // rd, rs1, and the reserved values of fm.
            Op::Fence => REGISTERS | 0xf << 28,
            // rd, rs1, and the immediate.
            Op::FenceI => REGISTERS | 0xfff << 20,
            _ => 0,
        }
    }
}

instructions! {
Base User {
    Lui       "lui"       Upper  op(0x37),         compute(Immediate),             "rd = upper immediate, sign-extended from 32 bits";
    Auipc     "auipc"     Upper  op(0x17),         compute(AddPc),                 "rd = pc + upper immediate";
    Jal       "jal"       Jump   op(0x6f),         Shape::Jump,                    "rd = address of the next instruction; jump by the distance";
    Jalr      "jalr"      Load   op3(0x67, 0),     Shape::JumpRegister,            "rd = address of the next instruction; jump to rs1 + imm with bit 0 cleared";
    Beq       "beq"       Branch op3(0x63, 0),     branch(Condition::Equal),       "branch if rs1 = rs2";
    Bne       "bne"       Branch op3(0x63, 1),     branch(Condition::NotEqual),    "branch if rs1 differs from rs2";
    Blt       "blt"       Branch op3(0x63, 4),     branch(Condition::Less),        "branch if rs1 < rs2, signed";
    Bge       "bge"       Branch op3(0x63, 5),     branch(Condition::GreaterOrEqual), "branch if rs1 >= rs2, signed";
    Bltu      "bltu"      Branch op3(0x63, 6),     branch(Condition::LessUnsigned), "branch if rs1 < rs2, unsigned";
    Bgeu      "bgeu"      Branch op3(0x63, 7),     branch(Condition::GreaterOrEqualUnsigned), "branch if rs1 >= rs2, unsigned";
    Lb        "lb"        Load   op3(0x03, 0),     load(1, Sign),                  "load a byte, sign-extended";
    Lh        "lh"        Load   op3(0x03, 1),     load(2, Sign),                  "load 16 bits, sign-extended";
    Lw        "lw"        Load   op3(0x03, 2),     load(4, Sign),                  "load 32 bits, sign-extended";
    Ld        "ld"        Load   op3(0x03, 3),     load(8, Sign),                  "load 64 bits";
    Lbu       "lbu"       Load   op3(0x03, 4),     load(1, Zero),                  "load a byte, zero-extended";
    Lhu       "lhu"       Load   op3(0x03, 5),     load(2, Zero),                  "load 16 bits, zero-extended";
    Lwu       "lwu"       Load   op3(0x03, 6),     load(4, Zero),                  "load 32 bits, zero-extended";
    Sb        "sb"        Store  op3(0x23, 0),     store(1),                       "store the low byte of rs2";
    Sh        "sh"        Store  op3(0x23, 1),     store(2),                       "store the low 16 bits of rs2";
    Sw        "sw"        Store  op3(0x23, 2),     store(4),                       "store the low 32 bits of rs2";
    Sd        "sd"        Store  op3(0x23, 3),     store(8),                       "store rs2";
    Addi      "addi"      I      op3(0x13, 0),     compute(Add),                   "rd = rs1 + imm";
    Slti      "slti"      I      op3(0x13, 2),     compute(Less),                  "rd = 1 if rs1 < imm, signed, else 0";
    Sltiu     "sltiu"     I      op3(0x13, 3),     compute(LessUnsigned),          "rd = 1 if rs1 < sign-extended imm, unsigned, else 0";
    Xori      "xori"      I      op3(0x13, 4),     compute(Xor),                   "rd = rs1 xor imm";
    Ori       "ori"       I      op3(0x13, 6),     compute(Or),                    "rd = rs1 or imm";
    Andi      "andi"      I      op3(0x13, 7),     compute(And),                   "rd = rs1 and imm";
    Slli      "slli"      Shift  op36(0x13, 1, 0x00), compute(ShiftLeft),          "rd = rs1 shifted left";
    Srli      "srli"      Shift  op36(0x13, 5, 0x00), compute(ShiftRightLogical),  "rd = rs1 shifted right, zeros entering";
    Srai      "srai"      Shift  op36(0x13, 5, 0x10), compute(ShiftRightArithmetic), "rd = rs1 shifted right, the sign entering";
    Add       "add"       R      op37(0x33, 0, 0x00), compute(Add),                "rd = rs1 + rs2";
    Sub       "sub"       R      op37(0x33, 0, 0x20), compute(Subtract),           "rd = rs1 - rs2";
    Sll       "sll"       R      op37(0x33, 1, 0x00), compute(ShiftLeft),          "rd = rs1 shifted left by the low six bits of rs2";
    Slt       "slt"       R      op37(0x33, 2, 0x00), compute(Less),               "rd = 1 if rs1 < rs2, signed, else 0";
    Sltu      "sltu"      R      op37(0x33, 3, 0x00), compute(LessUnsigned),       "rd = 1 if rs1 < rs2, unsigned, else 0";
    Xor       "xor"       R      op37(0x33, 4, 0x00), compute(Xor),                "rd = rs1 xor rs2";
    Srl       "srl"       R      op37(0x33, 5, 0x00), compute(ShiftRightLogical),  "rd = rs1 shifted right by the low six bits of rs2, zeros entering";
    Sra       "sra"       R      op37(0x33, 5, 0x20), compute(ShiftRightArithmetic), "rd = rs1 shifted right by the low six bits of rs2, the sign entering";
    Or        "or"        R      op37(0x33, 6, 0x00), compute(Or),                 "rd = rs1 or rs2";
    And       "and"       R      op37(0x33, 7, 0x00), compute(And),                "rd = rs1 and rs2";
    Addiw     "addiw"     I      op3(0x1b, 0),     word(Add),                      "rd = low 32 bits of rs1 + imm, sign-extended";
    Slliw     "slliw"     ShiftW op37(0x1b, 1, 0x00), word(ShiftLeft),             "rd = low 32 bits of rs1 shifted left, sign-extended";
    Srliw     "srliw"     ShiftW op37(0x1b, 5, 0x00), word(ShiftRightLogical),     "rd = low 32 bits of rs1 shifted right, zeros entering, sign-extended";
    Sraiw     "sraiw"     ShiftW op37(0x1b, 5, 0x20), word(ShiftRightArithmetic),  "rd = low 32 bits of rs1 shifted right, the sign entering";
    Addw      "addw"      R      op37(0x3b, 0, 0x00), word(Add),                   "rd = low 32 bits of rs1 + rs2, sign-extended";
    Subw      "subw"      R      op37(0x3b, 0, 0x20), word(Subtract),              "rd = low 32 bits of rs1 - rs2, sign-extended";
    Sllw      "sllw"      R      op37(0x3b, 1, 0x00), word(ShiftLeft),             "rd = low 32 bits of rs1 shifted left by the low five bits of rs2, sign-extended";
    Srlw      "srlw"      R      op37(0x3b, 5, 0x00), word(ShiftRightLogical),     "rd = low 32 bits of rs1 shifted right by the low five bits of rs2, zeros entering, sign-extended";
    Sraw      "sraw"      R      op37(0x3b, 5, 0x20), word(ShiftRightArithmetic),  "rd = low 32 bits of rs1 shifted right by the low five bits of rs2, the sign entering";
    Pause     "pause"     None   exact(0x0100_000f), Shape::Pause,                 "hint that the program waits in a loop (Zihintpause)";
    FenceTso  "fence.tso" None   exact(0x8330_000f), Shape::Fence,                 "order memory accesses, but not a store before a later load";
    Fence     "fence"     Fence  bits(0xf00f_ffff, 0x0f), Shape::Fence,            "order the predecessor set before the successor set";
    FenceI    "fence.i"   None   exact(0x0000_100f), Shape::FenceInstructions,     "order earlier stores before later instruction fetches (Zifencei)";
    Ecall     "ecall"     None   exact(0x0000_0073), Shape::Trap,                  "call the environment: the kernel from Ring 3, the hypervisor from Ring 0";
    Ebreak    "ebreak"    None   exact(0x0010_0073), Shape::Trap,                  "breakpoint exception";
}
Muldiv User {
    Mul       "mul"       R      op37(0x33, 0, 0x01), compute(Multiply),           "rd = low 64 bits of rs1 * rs2";
    Mulh      "mulh"      R      op37(0x33, 1, 0x01), compute(MultiplyHigh),       "rd = high 64 bits of rs1 * rs2, both signed";
    Mulhsu    "mulhsu"    R      op37(0x33, 2, 0x01), compute(MultiplyHighMixed),  "rd = high 64 bits of rs1 * rs2, rs1 signed, rs2 unsigned";
    Mulhu     "mulhu"     R      op37(0x33, 3, 0x01), compute(MultiplyHighUnsigned), "rd = high 64 bits of rs1 * rs2, both unsigned";
    Div       "div"       R      op37(0x33, 4, 0x01), compute(Divide),             "rd = rs1 / rs2, signed; all ones if rs2 = 0";
    Divu      "divu"      R      op37(0x33, 5, 0x01), compute(DivideUnsigned),     "rd = rs1 / rs2, unsigned; all ones if rs2 = 0";
    Rem       "rem"       R      op37(0x33, 6, 0x01), compute(Remainder),          "rd = remainder of rs1 / rs2, signed; rs1 if rs2 = 0";
    Remu      "remu"      R      op37(0x33, 7, 0x01), compute(RemainderUnsigned),  "rd = remainder of rs1 / rs2, unsigned; rs1 if rs2 = 0";
    Mulw      "mulw"      R      op37(0x3b, 0, 0x01), word(Multiply),              "rd = low 32 bits of rs1 * rs2, sign-extended";
    Divw      "divw"      R      op37(0x3b, 4, 0x01), word(Divide),                "rd = quotient of the low 32 bits, signed, sign-extended";
    Divuw     "divuw"     R      op37(0x3b, 5, 0x01), word(DivideUnsigned),        "rd = quotient of the low 32 bits, unsigned, sign-extended";
    Remw      "remw"      R      op37(0x3b, 6, 0x01), word(Remainder),             "rd = remainder of the low 32 bits, signed, sign-extended";
    Remuw     "remuw"     R      op37(0x3b, 7, 0x01), word(RemainderUnsigned),     "rd = remainder of the low 32 bits, unsigned, sign-extended";
}
Atomic User {
    LrW       "lr.w"      LoadReserved lr(2),      atomic(4, A::LoadReserved),     "load 32 bits and reserve them";
    ScW       "sc.w"      Amo    amo(2, 0x03),     atomic(4, A::StoreConditional), "store 32 bits if still reserved; rd = 0 on success, else 1";
    AmoswapW  "amoswap.w" Amo    amo(2, 0x01),     atomic(4, A::Swap),             "rd = the word in memory; memory = rs2";
    AmoaddW   "amoadd.w"  Amo    amo(2, 0x00),     atomic(4, A::Add),              "rd = the word in memory; memory = their sum";
    AmoxorW   "amoxor.w"  Amo    amo(2, 0x04),     atomic(4, A::Xor),              "rd = the word in memory; memory = their exclusive or";
    AmoandW   "amoand.w"  Amo    amo(2, 0x0c),     atomic(4, A::And),              "rd = the word in memory; memory = their and";
    AmoorW    "amoor.w"   Amo    amo(2, 0x08),     atomic(4, A::Or),               "rd = the word in memory; memory = their or";
    AmominW   "amomin.w"  Amo    amo(2, 0x10),     atomic(4, A::Minimum),          "rd = the word in memory; memory = the lesser, signed";
    AmomaxW   "amomax.w"  Amo    amo(2, 0x14),     atomic(4, A::Maximum),          "rd = the word in memory; memory = the greater, signed";
    AmominuW  "amominu.w" Amo    amo(2, 0x18),     atomic(4, A::MinimumUnsigned),  "rd = the word in memory; memory = the lesser, unsigned";
    AmomaxuW  "amomaxu.w" Amo    amo(2, 0x1c),     atomic(4, A::MaximumUnsigned),  "rd = the word in memory; memory = the greater, unsigned";
    LrD       "lr.d"      LoadReserved lr(3),      atomic(8, A::LoadReserved),     "load 64 bits and reserve them";
    ScD       "sc.d"      Amo    amo(3, 0x03),     atomic(8, A::StoreConditional), "store 64 bits if still reserved; rd = 0 on success, else 1";
    AmoswapD  "amoswap.d" Amo    amo(3, 0x01),     atomic(8, A::Swap),             "rd = the double word in memory; memory = rs2";
    AmoaddD   "amoadd.d"  Amo    amo(3, 0x00),     atomic(8, A::Add),              "rd = the double word in memory; memory = their sum";
    AmoxorD   "amoxor.d"  Amo    amo(3, 0x04),     atomic(8, A::Xor),              "rd = the double word in memory; memory = their exclusive or";
    AmoandD   "amoand.d"  Amo    amo(3, 0x0c),     atomic(8, A::And),              "rd = the double word in memory; memory = their and";
    AmoorD    "amoor.d"   Amo    amo(3, 0x08),     atomic(8, A::Or),               "rd = the double word in memory; memory = their or";
    AmominD   "amomin.d"  Amo    amo(3, 0x10),     atomic(8, A::Minimum),          "rd = the double word in memory; memory = the lesser, signed";
    AmomaxD   "amomax.d"  Amo    amo(3, 0x14),     atomic(8, A::Maximum),          "rd = the double word in memory; memory = the greater, signed";
    AmominuD  "amominu.d" Amo    amo(3, 0x18),     atomic(8, A::MinimumUnsigned),  "rd = the double word in memory; memory = the lesser, unsigned";
    AmomaxuD  "amomaxu.d" Amo    amo(3, 0x1c),     atomic(8, A::MaximumUnsigned),  "rd = the double word in memory; memory = the greater, unsigned";
}
Float User {
    Flw       "flw"       FloatLoad  op3(0x07, 2), float_load(4),                  "load a single, NaN-boxed";
    Fld       "fld"       FloatLoad  op3(0x07, 3), float_load(8),                  "load a double";
    Fsw       "fsw"       FloatStore op3(0x27, 2), float_store(4),                 "store the low 32 bits of fs2";
    Fsd       "fsd"       FloatStore op3(0x27, 3), float_store(8),                 "store fs2";
    FmaddS    "fmadd.s"   Fma    fma(0x43, 0),     single(F::MultiplyAdd),         "fd = fs1 * fs2 + fs3, rounded once";
    FmsubS    "fmsub.s"   Fma    fma(0x47, 0),     single(F::MultiplySubtract),    "fd = fs1 * fs2 - fs3, rounded once";
    FnmsubS   "fnmsub.s"  Fma    fma(0x4b, 0),     single(F::NegatedMultiplySubtract), "fd = -(fs1 * fs2) + fs3, rounded once";
    FnmaddS   "fnmadd.s"  Fma    fma(0x4f, 0),     single(F::NegatedMultiplyAdd),  "fd = -(fs1 * fs2) - fs3, rounded once";
    FaddS     "fadd.s"    FloatR fp(0x00),         single(F::Add),                 "fd = fs1 + fs2";
    FsubS     "fsub.s"    FloatR fp(0x04),         single(F::Subtract),            "fd = fs1 - fs2";
    FmulS     "fmul.s"    FloatR fp(0x08),         single(F::Multiply),            "fd = fs1 * fs2";
    FdivS     "fdiv.s"    FloatR fp(0x0c),         single(F::Divide),              "fd = fs1 / fs2";
    FsqrtS    "fsqrt.s"   FloatUnary fp2(0x2c, 0), single(F::SquareRoot),          "fd = square root of fs1";
    FsgnjS    "fsgnj.s"   FloatExact fp3(0x10, 0), single(F::Sign),                "fd = fs1 with the sign of fs2";
    FsgnjnS   "fsgnjn.s"  FloatExact fp3(0x10, 1), single(F::SignNegated),         "fd = fs1 with the opposite of fs2's sign";
    FsgnjxS   "fsgnjx.s"  FloatExact fp3(0x10, 2), single(F::SignXor),             "fd = fs1 with the exclusive or of the signs";
    FminS     "fmin.s"    FloatExact fp3(0x14, 0), single(F::Minimum),             "fd = the lesser; the number if one is a NaN";
    FmaxS     "fmax.s"    FloatExact fp3(0x14, 1), single(F::Maximum),             "fd = the greater; the number if one is a NaN";
    FcvtWS    "fcvt.w.s"  FloatToInteger fp2(0x60, 0), single(F::ToInteger(IntegerFormat::Word)), "rd = fs1 as a signed 32-bit integer";
    FcvtWuS   "fcvt.wu.s" FloatToInteger fp2(0x60, 1), single(F::ToInteger(IntegerFormat::UnsignedWord)), "rd = fs1 as an unsigned 32-bit integer, sign-extended";
    FcvtLS    "fcvt.l.s"  FloatToInteger fp2(0x60, 2), single(F::ToInteger(IntegerFormat::Double)), "rd = fs1 as a signed 64-bit integer";
    FcvtLuS   "fcvt.lu.s" FloatToInteger fp2(0x60, 3), single(F::ToInteger(IntegerFormat::UnsignedDouble)), "rd = fs1 as an unsigned 64-bit integer";
    FmvXW     "fmv.x.w"   MoveToInteger fp23(0x70, 0, 0), single(F::MoveToInteger), "rd = the low 32 bits of fs1, sign-extended";
    FclassS   "fclass.s"  MoveToInteger fp23(0x70, 0, 1), single(F::Classify),     "rd = the class of fs1, one bit of ten";
    FeqS      "feq.s"     FloatCompare fp3(0x50, 2), single(F::Equal),             "rd = 1 if fs1 = fs2; quiet";
    FltS      "flt.s"     FloatCompare fp3(0x50, 1), single(F::Less),              "rd = 1 if fs1 < fs2; signaling";
    FleS      "fle.s"     FloatCompare fp3(0x50, 0), single(F::LessOrEqual),       "rd = 1 if fs1 <= fs2; signaling";
    FcvtSW    "fcvt.s.w"  IntegerToFloat fp2(0x68, 0), single(F::FromInteger(IntegerFormat::Word)), "fd = the signed 32-bit integer in rs1";
    FcvtSWu   "fcvt.s.wu" IntegerToFloat fp2(0x68, 1), single(F::FromInteger(IntegerFormat::UnsignedWord)), "fd = the unsigned 32-bit integer in rs1";
    FcvtSL    "fcvt.s.l"  IntegerToFloat fp2(0x68, 2), single(F::FromInteger(IntegerFormat::Double)), "fd = the signed 64-bit integer in rs1";
    FcvtSLu   "fcvt.s.lu" IntegerToFloat fp2(0x68, 3), single(F::FromInteger(IntegerFormat::UnsignedDouble)), "fd = the unsigned 64-bit integer in rs1";
    FmvWX     "fmv.w.x"   MoveToFloat fp23(0x78, 0, 0), single(F::MoveFromInteger), "fd = the low 32 bits of rs1, NaN-boxed";
    FmaddD    "fmadd.d"   Fma    fma(0x43, 1),     double(F::MultiplyAdd),         "fd = fs1 * fs2 + fs3, rounded once";
    FmsubD    "fmsub.d"   Fma    fma(0x47, 1),     double(F::MultiplySubtract),    "fd = fs1 * fs2 - fs3, rounded once";
    FnmsubD   "fnmsub.d"  Fma    fma(0x4b, 1),     double(F::NegatedMultiplySubtract), "fd = -(fs1 * fs2) + fs3, rounded once";
    FnmaddD   "fnmadd.d"  Fma    fma(0x4f, 1),     double(F::NegatedMultiplyAdd),  "fd = -(fs1 * fs2) - fs3, rounded once";
    FaddD     "fadd.d"    FloatR fp(0x01),         double(F::Add),                 "fd = fs1 + fs2";
    FsubD     "fsub.d"    FloatR fp(0x05),         double(F::Subtract),            "fd = fs1 - fs2";
    FmulD     "fmul.d"    FloatR fp(0x09),         double(F::Multiply),            "fd = fs1 * fs2";
    FdivD     "fdiv.d"    FloatR fp(0x0d),         double(F::Divide),              "fd = fs1 / fs2";
    FsqrtD    "fsqrt.d"   FloatUnary fp2(0x2d, 0), double(F::SquareRoot),          "fd = square root of fs1";
    FsgnjD    "fsgnj.d"   FloatExact fp3(0x11, 0), double(F::Sign),                "fd = fs1 with the sign of fs2";
    FsgnjnD   "fsgnjn.d"  FloatExact fp3(0x11, 1), double(F::SignNegated),         "fd = fs1 with the opposite of fs2's sign";
    FsgnjxD   "fsgnjx.d"  FloatExact fp3(0x11, 2), double(F::SignXor),             "fd = fs1 with the exclusive or of the signs";
    FminD     "fmin.d"    FloatExact fp3(0x15, 0), double(F::Minimum),             "fd = the lesser; the number if one is a NaN";
    FmaxD     "fmax.d"    FloatExact fp3(0x15, 1), double(F::Maximum),             "fd = the greater; the number if one is a NaN";
    FcvtSD    "fcvt.s.d"  FloatUnary fp2(0x20, 1), single(F::Convert),             "fd = fs1 as a single";
    FcvtDS    "fcvt.d.s"  FloatUnary fp2(0x21, 0), double(F::Convert),             "fd = fs1 as a double";
    FeqD      "feq.d"     FloatCompare fp3(0x51, 2), double(F::Equal),             "rd = 1 if fs1 = fs2; quiet";
    FltD      "flt.d"     FloatCompare fp3(0x51, 1), double(F::Less),              "rd = 1 if fs1 < fs2; signaling";
    FleD      "fle.d"     FloatCompare fp3(0x51, 0), double(F::LessOrEqual),       "rd = 1 if fs1 <= fs2; signaling";
    FclassD   "fclass.d"  MoveToInteger fp23(0x71, 0, 1), double(F::Classify),     "rd = the class of fs1, one bit of ten";
    FcvtWD    "fcvt.w.d"  FloatToInteger fp2(0x61, 0), double(F::ToInteger(IntegerFormat::Word)), "rd = fs1 as a signed 32-bit integer";
    FcvtWuD   "fcvt.wu.d" FloatToInteger fp2(0x61, 1), double(F::ToInteger(IntegerFormat::UnsignedWord)), "rd = fs1 as an unsigned 32-bit integer, sign-extended";
    FcvtLD    "fcvt.l.d"  FloatToInteger fp2(0x61, 2), double(F::ToInteger(IntegerFormat::Double)), "rd = fs1 as a signed 64-bit integer";
    FcvtLuD   "fcvt.lu.d" FloatToInteger fp2(0x61, 3), double(F::ToInteger(IntegerFormat::UnsignedDouble)), "rd = fs1 as an unsigned 64-bit integer";
    FcvtDW    "fcvt.d.w"  IntegerToFloat fp2(0x69, 0), double(F::FromInteger(IntegerFormat::Word)), "fd = the signed 32-bit integer in rs1";
    FcvtDWu   "fcvt.d.wu" IntegerToFloat fp2(0x69, 1), double(F::FromInteger(IntegerFormat::UnsignedWord)), "fd = the unsigned 32-bit integer in rs1";
    FcvtDL    "fcvt.d.l"  IntegerToFloat fp2(0x69, 2), double(F::FromInteger(IntegerFormat::Double)), "fd = the signed 64-bit integer in rs1";
    FcvtDLu   "fcvt.d.lu" IntegerToFloat fp2(0x69, 3), double(F::FromInteger(IntegerFormat::UnsignedDouble)), "fd = the unsigned 64-bit integer in rs1";
    FmvXD     "fmv.x.d"   MoveToInteger fp23(0x71, 0, 0), double(F::MoveToInteger), "rd = the bits of fs1";
    FmvDX     "fmv.d.x"   MoveToFloat fp23(0x79, 0, 0), double(F::MoveFromInteger), "fd = the bits of rs1";
}
Bitmanip User {
    AddUw     "add.uw"    R      op37(0x3b, 0, 0x04), unsigned_word(Add),          "rd = zero-extended low 32 bits of rs1, + rs2 (Zba)";
    Sh1add    "sh1add"    R      op37(0x33, 2, 0x10), compute(ShiftAdd(1)),        "rd = 2 * rs1 + rs2 (Zba)";
    Sh2add    "sh2add"    R      op37(0x33, 4, 0x10), compute(ShiftAdd(2)),        "rd = 4 * rs1 + rs2 (Zba)";
    Sh3add    "sh3add"    R      op37(0x33, 6, 0x10), compute(ShiftAdd(3)),        "rd = 8 * rs1 + rs2 (Zba)";
    Sh1addUw  "sh1add.uw" R      op37(0x3b, 2, 0x10), unsigned_word(ShiftAdd(1)),  "rd = 2 * zero-extended low 32 bits of rs1, + rs2 (Zba)";
    Sh2addUw  "sh2add.uw" R      op37(0x3b, 4, 0x10), unsigned_word(ShiftAdd(2)),  "rd = 4 * zero-extended low 32 bits of rs1, + rs2 (Zba)";
    Sh3addUw  "sh3add.uw" R      op37(0x3b, 6, 0x10), unsigned_word(ShiftAdd(3)),  "rd = 8 * zero-extended low 32 bits of rs1, + rs2 (Zba)";
    SlliUw    "slli.uw"   Shift  op36(0x1b, 1, 0x02), unsigned_word(ShiftLeft),    "rd = zero-extended low 32 bits of rs1, shifted left (Zba)";
    Andn      "andn"      R      op37(0x33, 7, 0x20), compute(AndNot),             "rd = rs1 and not rs2 (Zbb)";
    Orn       "orn"       R      op37(0x33, 6, 0x20), compute(OrNot),              "rd = rs1 or not rs2 (Zbb)";
    Xnor      "xnor"      R      op37(0x33, 4, 0x20), compute(XorNot),             "rd = not (rs1 xor rs2) (Zbb)";
    Clz       "clz"       Unary  op312(0x13, 1, 0x600), compute(LeadingZeros),     "rd = leading zeros of rs1 (Zbb)";
    Clzw      "clzw"      Unary  op312(0x1b, 1, 0x600), word(LeadingZeros),        "rd = leading zeros of the low 32 bits (Zbb)";
    Ctz       "ctz"       Unary  op312(0x13, 1, 0x601), compute(TrailingZeros),    "rd = trailing zeros of rs1 (Zbb)";
    Ctzw      "ctzw"      Unary  op312(0x1b, 1, 0x601), word(TrailingZeros),       "rd = trailing zeros of the low 32 bits (Zbb)";
    Cpop      "cpop"      Unary  op312(0x13, 1, 0x602), compute(PopulationCount),  "rd = ones in rs1 (Zbb)";
    Cpopw     "cpopw"     Unary  op312(0x1b, 1, 0x602), word(PopulationCount),     "rd = ones in the low 32 bits (Zbb)";
    Max       "max"       R      op37(0x33, 6, 0x05), compute(Maximum),            "rd = the greater, signed (Zbb)";
    Maxu      "maxu"      R      op37(0x33, 7, 0x05), compute(MaximumUnsigned),    "rd = the greater, unsigned (Zbb)";
    Min       "min"       R      op37(0x33, 4, 0x05), compute(Minimum),            "rd = the lesser, signed (Zbb)";
    Minu      "minu"      R      op37(0x33, 5, 0x05), compute(MinimumUnsigned),    "rd = the lesser, unsigned (Zbb)";
    SextB     "sext.b"    Unary  op312(0x13, 1, 0x604), compute(SignExtend(1)),    "rd = low byte, sign-extended (Zbb)";
    SextH     "sext.h"    Unary  op312(0x13, 1, 0x605), compute(SignExtend(2)),    "rd = low 16 bits, sign-extended (Zbb)";
    ZextH     "zext.h"    Unary  op312(0x3b, 4, 0x080), compute(ZeroExtend(2)),    "rd = low 16 bits, zero-extended (Zbb)";
    Rol       "rol"       R      op37(0x33, 1, 0x30), compute(RotateLeft),         "rd = rs1 rotated left (Zbb)";
    Rolw      "rolw"      R      op37(0x3b, 1, 0x30), word(RotateLeft),            "rd = low 32 bits rotated left, sign-extended (Zbb)";
    Ror       "ror"       R      op37(0x33, 5, 0x30), compute(RotateRight),        "rd = rs1 rotated right (Zbb)";
    Rorw      "rorw"      R      op37(0x3b, 5, 0x30), word(RotateRight),           "rd = low 32 bits rotated right, sign-extended (Zbb)";
    Rori      "rori"      Shift  op36(0x13, 5, 0x18), compute(RotateRight),        "rd = rs1 rotated right by the immediate (Zbb)";
    Roriw     "roriw"     ShiftW op37(0x1b, 5, 0x30), word(RotateRight),           "rd = low 32 bits rotated right by the immediate, sign-extended (Zbb)";
    OrcB      "orc.b"     Unary  op312(0x13, 5, 0x287), compute(OrCombineBytes),   "rd = each byte all ones if it was not zero (Zbb)";
    Rev8      "rev8"      Unary  op312(0x13, 5, 0x6b8), compute(ReverseBytes),     "rd = rs1 with its bytes reversed (Zbb)";
    Bclr      "bclr"      R      op37(0x33, 1, 0x24), compute(ClearBit),           "rd = rs1 with one bit cleared (Zbs)";
    Bclri     "bclri"     Shift  op36(0x13, 1, 0x12), compute(ClearBit),           "rd = rs1 with one bit cleared (Zbs)";
    Bext      "bext"      R      op37(0x33, 5, 0x24), compute(ExtractBit),         "rd = one bit of rs1 (Zbs)";
    Bexti     "bexti"     Shift  op36(0x13, 5, 0x12), compute(ExtractBit),         "rd = one bit of rs1 (Zbs)";
    Binv      "binv"      R      op37(0x33, 1, 0x34), compute(InvertBit),          "rd = rs1 with one bit inverted (Zbs)";
    Binvi     "binvi"     Shift  op36(0x13, 1, 0x1a), compute(InvertBit),          "rd = rs1 with one bit inverted (Zbs)";
    Bset      "bset"      R      op37(0x33, 1, 0x14), compute(SetBit),             "rd = rs1 with one bit set (Zbs)";
    Bseti     "bseti"     Shift  op36(0x13, 1, 0x0a), compute(SetBit),             "rd = rs1 with one bit set (Zbs)";
}
System User {
    Csrrw     "csrrw"     Csr    op3(0x73, 1),     msr(Write),                     "rd = the MSR; the MSR = rs1";
    Csrrs     "csrrs"     Csr    op3(0x73, 2),     msr(Set),                       "rd = the MSR; set the bits of rs1 in it";
    Csrrc     "csrrc"     Csr    op3(0x73, 3),     msr(Clear),                     "rd = the MSR; clear the bits of rs1 in it";
    Csrrwi    "csrrwi"    CsrImmediate op3(0x73, 5), msr(Write),                   "rd = the MSR; the MSR = uimm";
    Csrrsi    "csrrsi"    CsrImmediate op3(0x73, 6), msr(Set),                     "rd = the MSR; set the bits of uimm in it";
    Csrrci    "csrrci"    CsrImmediate op3(0x73, 7), msr(Clear),                   "rd = the MSR; clear the bits of uimm in it";
}
System Kernel {
    Sret      "sret"      None   exact(0x1020_0073), Shape::Return,                "return from a trap that Ring 0 took";
    Wfi       "wfi"       None   exact(0x1050_0073), Shape::System,                "halt until an interrupt is pending; HLT is the same";
    SfenceVma "sfence.vma" Rs1Rs2 bits(0xfe00_7fff, 0x1200_0073), Shape::System,   "flush translations: of the address in rs1, of the ASID in rs2, or all";
}
Vm Hypervisor {
    Vmenter   "vmenter"   Source         visa_fixed(0, 0, 0b101), Shape::WorldSwitch, "enter the guest whose VMCS is at the physical address rs1; goes on after the next VM exit";
    Vmresume  "vmresume"  None           visa_fixed(0, 1, 0b111), Shape::WorldSwitch, "enter the current guest again, with the resume action; goes on after the next VM exit";
    Vmsave    "vmsave"    OptionalSource visa_fixed(0, 3, 0b101), Shape::System,   "store the guest's state into the VMCS at rs1, or into the current one";
    Vmload    "vmload"    OptionalSource visa_fixed(0, 4, 0b101), Shape::System,   "load the guest's state from the VMCS at rs1, which becomes current, or from the current one";
    Vmcause   "vmcause"   Result         visa_fixed(0, 5, 0b110), Shape::System,   "rd = the cause of the last VM exit";
    Hvret     "hvret"     None           visa_fixed(0, 6, 0b111), Shape::Return,   "return from a trap that Ring -1 took";
}
Vm Kernel {
    Vmexit    "vmexit"    None           visa_fixed(0, 2, 0b111), Shape::WorldSwitch, "leave the guest for Ring -1 of its own will";
}
Paging Hypervisor {
    Ldgptbr   "ldgptbr"   Source         visa_fixed(1, 0, 0b101), Shape::System,   "GPTBR = rs1: the guest's page-table base (its CR3)";
    Ldhptbr   "ldhptbr"   Source         visa_fixed(1, 1, 0b101), Shape::System,   "HPTBR = rs1: the second stage's page-table base, with the VMID";
    Tlbflushv "tlbflushv" OptionalSources visa_fixed(1, 2, 0b001), Shape::System,  "flush combined translations: all, of the VMID in rs1, or of the guest-physical address rs2 in it";
}
Io Hypervisor {
    Iovmap    "iovmap"    Source         visa_fixed(2, 0, 0b101), Shape::System,   "bind a guest-physical range to a virtual device, by the descriptor at the physical address rs1";
    Iovmask   "iovmask"   Sources        visa_fixed(2, 1, 0b001), Shape::System,   "set the policy rs2 for the ports rs1 names: default, pass, trap or absent";
}
Io Kernel {
    Inb       "inb"       PortIn         op3(CUSTOM_1, 0), port_in(1),             "rd = the byte at port rs1 + imm; IN is the same";
    Inh       "inh"       PortIn         op3(CUSTOM_1, 1), port_in(2),             "rd = the 16 bits at port rs1 + imm";
    Inw       "inw"       PortIn         op3(CUSTOM_1, 2), port_in(4),             "rd = the 32 bits at port rs1 + imm, zero-extended";
    Outb      "outb"      PortOut        op3(CUSTOM_1, 4), port_out(1),            "the byte at port rs1 + imm = rs2; OUT is the same";
    Outh      "outh"      PortOut        op3(CUSTOM_1, 5), port_out(2),            "the 16 bits at port rs1 + imm = rs2";
    Outw      "outw"      PortOut        op3(CUSTOM_1, 6), port_out(4),            "the 32 bits at port rs1 + imm = rs2";
}
Vic Kernel {
    VintSend  "vint_send" Source         visa_fixed(3, 0, 0b101), Shape::System,   "make a virtual interrupt pending: vector and target in rs1";
    VintAck   "vint_ack"  OptionalResult visa_fixed(3, 1, 0b110), Shape::System,   "rd = the most urgent pending virtual interrupt, which is no longer pending; 0 if none";
    VintStat  "vint_stat" OptionalResult visa_fixed(3, 2, 0b110), Shape::System,   "rd = the pending virtual interrupts, a bit each";
}
}
