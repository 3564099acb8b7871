//! Instruction formats: operands, and how text shows them.

use crate::operand::Operand;

macro_rules! formats {
    ($( $(#[$doc:meta])* $name:ident $syntax:literal [$($operand:ident)*] $(optional $optional:literal)? ; )*) => {
        /// An instruction format: the operands, and how text shows them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Format { $( $(#[$doc])* $name, )* }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Format] = &[ $(Format::$name),* ];

            /// The operands, in the order of the text.
            pub const fn operands(self) -> &'static [Operand] {
                match self { $(Format::$name => &[$(Operand::$operand),*],)* }
            }

            /// How text shows them: operand names ([`Operand::name`]) and punctuation. A rounding mode and the
            /// atomics' ordering are not in the string: the one is an optional last operand, the other a suffix.
            pub const fn syntax(self) -> &'static str {
                match self { $(Format::$name => $syntax,)* }
            }

            /// How many of the last operands may be left out; they then are zero.
            pub const fn optional(self) -> usize {
                match self { $(Format::$name => 0 $( + $optional )?,)* }
            }
        }
    };
}

formats! {
    /// Register, register, register.
    R "rd, rs1, rs2" [Rd Rs1 Rs2];
    /// One source.
    Unary "rd, rs1" [Rd Rs1];
    /// Immediate.
    I "rd, rs1, imm" [Rd Rs1 ImmI];
    /// Shift by a six-bit immediate.
    Shift "rd, rs1, shamt" [Rd Rs1 Shamt6];
    /// Shift by a five-bit immediate.
    ShiftW "rd, rs1, shamtw" [Rd Rs1 Shamt5];
    /// Load, and JALR.
    Load "rd, imm(rs1)" [Rd ImmI Rs1];
    /// Store.
    Store "rs2, offset(rs1)" [Rs2 ImmS Rs1];
    /// Branch.
    Branch "rs1, rs2, target" [Rs1 Rs2 ImmB];
    /// Upper immediate.
    Upper "rd, upper" [Rd ImmU];
    /// Jump.
    Jump "rd, jump" [Rd ImmJ];
    /// FENCE.
    Fence "pred, succ" [Pred Succ];
    /// No operands.
    None "" [];
    /// MSR and register.
    Csr "rd, msr, rs1" [Rd Msr Rs1];
    /// MSR and five-bit immediate.
    CsrImmediate "rd, msr, uimm" [Rd Msr Uimm5];
    /// Two sources: SFENCE.VMA.
    Rs1Rs2 "rs1, rs2" [Rs1 Rs2] optional 2;
    /// LR.
    LoadReserved "rd, (rs1)" [Rd Rs1 AqRl];
    /// SC and the AMOs.
    Amo "rd, rs2, (rs1)" [Rd Rs2 Rs1 AqRl];
    /// Floating-point load.
    FloatLoad "fd, imm(rs1)" [Fd ImmI Rs1];
    /// Floating-point store.
    FloatStore "fs2, offset(rs1)" [Fs2 ImmS Rs1];
    /// Fused multiply-add.
    Fma "fd, fs1, fs2, fs3" [Fd Fs1 Fs2 Fs3 Rm];
    /// Two floating-point sources, rounded.
    FloatR "fd, fs1, fs2" [Fd Fs1 Fs2 Rm];
    /// Two floating-point sources, exact.
    FloatExact "fd, fs1, fs2" [Fd Fs1 Fs2];
    /// One floating-point source, rounded.
    FloatUnary "fd, fs1" [Fd Fs1 Rm];
    /// Floating-point to integer, rounded.
    FloatToInteger "rd, fs1" [Rd Fs1 Rm];
    /// Integer to floating point, rounded.
    IntegerToFloat "fd, rs1" [Fd Rs1 Rm];
    /// Comparison.
    FloatCompare "rd, fs1, fs2" [Rd Fs1 Fs2];
    /// Bits of a floating-point register to an integer register; classification.
    MoveToInteger "rd, fs1" [Rd Fs1];
    /// Bits of an integer register to a floating-point register.
    MoveToFloat "fd, rs1" [Fd Rs1];
    /// One source register and no result.
    Source "rs1" [Rs1];
    /// One source register that may be left out.
    OptionalSource "rs1" [Rs1] optional 1;
    /// Two sources that may be left out: TLBFLUSHV.
    OptionalSources "rs1, rs2" [Rs1 Rs2] optional 2;
    /// Two sources and no result.
    Sources "rs1, rs2" [Rs1 Rs2];
    /// A result alone.
    Result "rd" [Rd];
    /// A result that may be left out.
    OptionalResult "rd" [Rd] optional 1;
    /// IN.
    PortIn "rd, port(rs1)" [Rd PortIn Rs1];
    /// OUT.
    PortOut "portout(rs1), rs2" [PortOut Rs1 Rs2];
}
