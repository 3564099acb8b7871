//! Operands: which bits of an instruction word hold them. The one mapping serves encoder and decoder.

use crate::instruction::Instruction;

/// A run of bits that an operand's value contributes to an instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Lowest bit in the instruction word.
    pub word: u8,
    /// Number of bits.
    pub len: u8,
    /// Lowest bit in the operand's value.
    pub value: u8,
}

const fn s(word: u8, len: u8, value: u8) -> Slice {
    Slice { word, len, value }
}

/// What an operand is, apart from where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An integer register, R0 to R31.
    Integer,
    /// A floating-point register, F0 to F31.
    Float,
    /// A signed immediate.
    Signed,
    /// An unsigned immediate.
    Unsigned,
    /// A signed distance from this instruction's address, in bytes.
    PcRelative,
    /// The upper 20 bits of a 32-bit value (written as the 20-bit number).
    Upper,
    /// An MSR (CSR) number.
    Msr,
    /// A rounding mode; optional in text, dynamic when left out.
    Rounding,
    /// Acquire and release bits; in text a suffix of the mnemonic (`.aq`, `.rl`, `.aqrl`).
    Ordering,
    /// A set of `i o r w`, as FENCE takes two.
    FenceSet,
    /// A port number of the port space.
    Port,
    /// A register that the encoding implies; it has no bits and no text.
    Implied,
}

/// Which field of [`Instruction`] an operand fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// `rd`
    Rd,
    /// `rs1`
    Rs1,
    /// `rs2`
    Rs2,
    /// `rs3`
    Rs3,
    /// `rd` and `rs1` alike (compressed two-operand forms).
    RdRs1,
    /// `rm`
    Rm,
    /// `imm`
    Imm,
}

macro_rules! operands {
    ($( $(#[$doc:meta])* $name:ident $text:literal $kind:ident $target:ident [$($slice:expr),*] $( + $bias:literal )? ; )*) => {
        /// An operand in a definite place. The name in syntax strings is [`Operand::name`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Operand { $( $(#[$doc])* $name, )* }

        impl Operand {
            /// Every operand.
            pub const ALL: &'static [Operand] = &[ $(Operand::$name),* ];

            /// The name under which syntax strings and documents show the operand.
            pub const fn name(self) -> &'static str {
                match self { $(Operand::$name => $text,)* }
            }

            /// What kind of thing the operand is.
            pub const fn kind(self) -> Kind {
                match self { $(Operand::$name => Kind::$kind,)* }
            }

            /// The field of [`Instruction`] that it fills.
            pub const fn target(self) -> Target {
                match self { $(Operand::$name => Target::$target,)* }
            }

            /// The bits that hold it.
            pub const fn slices(self) -> &'static [Slice] {
                match self { $(Operand::$name => const { &[$($slice),*] },)* }
            }

            /// What is added to the bits' value: 8 for the three-bit registers, the number of an implied one.
            pub const fn bias(self) -> i32 {
                match self { $(Operand::$name => 0 $( + $bias )?,)* }
            }
        }
    };
}

operands! {
    /// Destination.
    Rd "rd" Integer Rd [s(7, 5, 0)];
    /// First source.
    Rs1 "rs1" Integer Rs1 [s(15, 5, 0)];
    /// Second source.
    Rs2 "rs2" Integer Rs2 [s(20, 5, 0)];
    /// Floating-point destination.
    Fd "fd" Float Rd [s(7, 5, 0)];
    /// First floating-point source.
    Fs1 "fs1" Float Rs1 [s(15, 5, 0)];
    /// Second floating-point source.
    Fs2 "fs2" Float Rs2 [s(20, 5, 0)];
    /// Third floating-point source.
    Fs3 "fs3" Float Rs3 [s(27, 5, 0)];
    /// I-type immediate.
    ImmI "imm" Signed Imm [s(20, 12, 0)];
    /// S-type immediate.
    ImmS "offset" Signed Imm [s(7, 5, 0), s(25, 7, 5)];
    /// B-type distance.
    ImmB "target" PcRelative Imm [s(8, 4, 1), s(25, 6, 5), s(7, 1, 11), s(31, 1, 12)];
    /// U-type immediate: bits 31 to 12 of the value.
    ImmU "upper" Upper Imm [s(12, 20, 12)];
    /// J-type distance.
    ImmJ "jump" PcRelative Imm [s(21, 10, 1), s(20, 1, 11), s(12, 8, 12), s(31, 1, 20)];
    /// Shift amount of 64-bit shifts.
    Shamt6 "shamt" Unsigned Imm [s(20, 6, 0)];
    /// Shift amount of 32-bit shifts.
    Shamt5 "shamtw" Unsigned Imm [s(20, 5, 0)];
    /// MSR number.
    Msr "msr" Msr Imm [s(20, 12, 0)];
    /// Five-bit immediate in the place of rs1.
    Uimm5 "uimm" Unsigned Rs1 [s(15, 5, 0)];
    /// Rounding mode.
    Rm "rm" Rounding Rm [s(12, 3, 0)];
    /// Acquire (bit 1) and release (bit 0).
    AqRl "aqrl" Ordering Rm [s(25, 2, 0)];
    /// Predecessor set of FENCE.
    Pred "pred" FenceSet Imm [s(24, 4, 4)];
    /// Successor set of FENCE.
    Succ "succ" FenceSet Imm [s(20, 4, 0)];
    /// Port, as IN has it: zero-extended, added to rs1.
    PortIn "port" Port Imm [s(20, 12, 0)];
    /// Port, as OUT has it: zero-extended, added to rs1.
    PortOut "portout" Port Imm [s(7, 5, 0), s(25, 7, 5)];

    /// Compressed: destination, any register.
    CRd "crd" Integer Rd [s(7, 5, 0)];
    /// Compressed: destination and first source, any register.
    CRdRs1 "crd_rs1" Integer RdRs1 [s(7, 5, 0)];
    /// Compressed: first source, any register.
    CRs1 "crs1" Integer Rs1 [s(7, 5, 0)];
    /// Compressed: second source, any register.
    CRs2 "crs2" Integer Rs2 [s(2, 5, 0)];
    /// Compressed: floating-point destination, any register.
    CFd "cfd" Float Rd [s(7, 5, 0)];
    /// Compressed: floating-point second source, any register.
    CFs2 "cfs2" Float Rs2 [s(2, 5, 0)];
    /// Compressed: destination, R8 to R15, in bits 4:2.
    CRdShort "crd'" Integer Rd [s(2, 3, 0)] + 8;
    /// Compressed: destination and first source, R8 to R15.
    CRdRs1Short "crd_rs1'" Integer RdRs1 [s(7, 3, 0)] + 8;
    /// Compressed: first source, R8 to R15.
    CRs1Short "crs1'" Integer Rs1 [s(7, 3, 0)] + 8;
    /// Compressed: second source, R8 to R15.
    CRs2Short "crs2'" Integer Rs2 [s(2, 3, 0)] + 8;
    /// Compressed: floating-point destination, F8 to F15.
    CFdShort "cfd'" Float Rd [s(2, 3, 0)] + 8;
    /// Compressed: floating-point second source, F8 to F15.
    CFs2Short "cfs2'" Float Rs2 [s(2, 3, 0)] + 8;
    /// Compressed: six-bit signed immediate.
    CImm6 "cimm" Signed Imm [s(2, 5, 0), s(12, 1, 5)];
    /// Compressed: six-bit shift amount.
    CShamt "cshamt" Unsigned Imm [s(2, 5, 0), s(12, 1, 5)];
    /// Compressed: upper immediate of C.LUI.
    CUpper "cupper" Upper Imm [s(2, 5, 12), s(12, 1, 17)];
    /// Compressed: C.ADDI4SPN's immediate.
    CAddi4spn "cimm4spn" Unsigned Imm [s(6, 1, 2), s(5, 1, 3), s(11, 2, 4), s(7, 4, 6)];
    /// Compressed: C.ADDI16SP's immediate.
    CAddi16sp "cimm16sp" Signed Imm [s(6, 1, 4), s(2, 1, 5), s(5, 1, 6), s(3, 2, 7), s(12, 1, 9)];
    /// Compressed: offset of word loads and stores.
    COffsetW "coffsetw" Unsigned Imm [s(6, 1, 2), s(10, 3, 3), s(5, 1, 6)];
    /// Compressed: offset of double loads and stores.
    COffsetD "coffsetd" Unsigned Imm [s(10, 3, 3), s(5, 2, 6)];
    /// Compressed: offset of word loads from the stack.
    CLoadSpW "cloadspw" Unsigned Imm [s(4, 3, 2), s(12, 1, 5), s(2, 2, 6)];
    /// Compressed: offset of double loads from the stack.
    CLoadSpD "cloadspd" Unsigned Imm [s(5, 2, 3), s(12, 1, 5), s(2, 3, 6)];
    /// Compressed: offset of word stores to the stack.
    CStoreSpW "cstorespw" Unsigned Imm [s(9, 4, 2), s(7, 2, 6)];
    /// Compressed: offset of double stores to the stack.
    CStoreSpD "cstorespd" Unsigned Imm [s(10, 3, 3), s(7, 3, 6)];
    /// Compressed: branch distance.
    CBranch "cbranch" PcRelative Imm [s(3, 2, 1), s(10, 2, 3), s(2, 1, 5), s(5, 2, 6), s(12, 1, 8)];
    /// Compressed: jump distance.
    CJump "cjump" PcRelative Imm [s(3, 3, 1), s(11, 1, 4), s(2, 1, 5), s(7, 1, 6), s(6, 1, 7), s(9, 2, 8), s(8, 1, 10), s(12, 1, 11)];
    /// Implied: the destination is R1.
    ImpliedRdRa "=ra" Implied Rd [] + 1;
    /// Implied: destination and first source are the stack pointer, R2.
    ImpliedRdRs1Sp "=sp" Implied RdRs1 [] + 2;
    /// Implied: the first source is the stack pointer, R2.
    ImpliedRs1Sp "(sp)" Implied Rs1 [] + 2;
}

impl Operand {
    /// Number of bits up to and including the highest one that the operand's value can have.
    pub const fn width(self) -> u32 {
        let slices = self.slices();
        let (mut index, mut width) = (0, 0);
        while index < slices.len() {
            let top = (slices[index].value + slices[index].len) as u32;
            if top > width {
                width = top;
            }
            index += 1;
        }
        width
    }

    /// Number of low bits that are always zero: an immediate must be a multiple of two to this power.
    pub const fn alignment_bits(self) -> u32 {
        let slices = self.slices();
        let (mut index, mut low) = (0, 32);
        while index < slices.len() {
            if (slices[index].value as u32) < low {
                low = slices[index].value as u32;
            }
            index += 1;
        }
        if low == 32 { 0 } else { low }
    }

    /// Whether the value is sign-extended from its highest bit.
    pub const fn is_signed(self) -> bool {
        matches!(self.kind(), Kind::Signed | Kind::PcRelative | Kind::Upper)
    }

    /// The lowest and the highest value that the operand can hold.
    pub const fn range(self) -> (i64, i64) {
        let width = self.width();
        let bias = self.bias() as i64;
        let step = 1i64 << self.alignment_bits();
        match self.is_signed() {
            true => (-(1i64 << (width - 1)), (1i64 << (width - 1)) - step),
            false => (bias, (1i64 << width) - step + bias),
        }
    }

    /// The operand's value in an instruction word.
    pub const fn extract(self, word: u32) -> i32 {
        let slices = self.slices();
        let (mut index, mut value) = (0, 0u32);
        while index < slices.len() {
            let slice = slices[index];
            value |= ((word >> slice.word) & ((1 << slice.len) - 1)) << slice.value;
            index += 1;
        }
        let unused = 32 - self.width();
        if self.is_signed() && unused > 0 {
            return ((value << unused) as i32) >> unused;
        }
        value as i32 + self.bias()
    }

    /// The bits that a value of the operand contributes to an instruction word. The value must be in
    /// [`Operand::range`] and aligned; excess bits are dropped.
    pub const fn insert(self, value: i32) -> u32 {
        let value = (value - self.bias()) as u32;
        let slices = self.slices();
        let (mut index, mut word) = (0, 0u32);
        while index < slices.len() {
            let slice = slices[index];
            word |= ((value >> slice.value) & ((1 << slice.len) - 1)) << slice.word;
            index += 1;
        }
        word
    }

    /// Reads the operand's value from a decoded instruction.
    pub const fn get(self, instruction: &Instruction) -> i32 {
        match self.target() {
            Target::Rd | Target::RdRs1 => instruction.rd as i32,
            Target::Rs1 => instruction.rs1 as i32,
            Target::Rs2 => instruction.rs2 as i32,
            Target::Rs3 => instruction.rs3 as i32,
            Target::Rm => instruction.rm as i32,
            Target::Imm => match self {
                Operand::Pred => instruction.imm & 0xf0,
                Operand::Succ => instruction.imm & 0x0f,
                _ => instruction.imm,
            },
        }
    }

    /// Writes the operand's value into a decoded instruction. The two fence sets share `imm`.
    pub const fn set(self, instruction: &mut Instruction, value: i32) {
        match self.target() {
            Target::Rd => instruction.rd = value as u8,
            Target::Rs1 => instruction.rs1 = value as u8,
            Target::Rs2 => instruction.rs2 = value as u8,
            Target::Rs3 => instruction.rs3 = value as u8,
            Target::Rm => instruction.rm = value as u8,
            Target::RdRs1 => {
                instruction.rd = value as u8;
                instruction.rs1 = value as u8;
            }
            Target::Imm => match self {
                Operand::Pred => instruction.imm = instruction.imm & !0xf0 | value & 0xf0,
                Operand::Succ => instruction.imm = instruction.imm & !0x0f | value & 0x0f,
                _ => instruction.imm = value,
            },
        }
    }
}
