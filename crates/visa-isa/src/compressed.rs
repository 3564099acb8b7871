//! The table of compressed (16-bit) forms. Each names the instruction that it stands for.

use crate::operand::Operand;
use crate::table::Op;

/// What a compressed form's operands must satisfy beyond their bits; other words are reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Constraint {
    /// Nothing.
    Any,
    /// The immediate is not zero.
    Immediate,
    /// The destination is not R0.
    Destination,
    /// The first source is not R0.
    Source1,
    /// The second source is not R0.
    Source2,
}

/// A row of the compressed table. Rows stand in the order in which a word is compared with them.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The mnemonic, in lower case.
    pub mnemonic: &'static str,
    /// How text shows the operands.
    pub syntax: &'static str,
    /// The operands, in the order of the text, then implied ones.
    pub operands: &'static [Operand],
    /// Fixed bits: mask.
    pub mask: u16,
    /// Fixed bits: value.
    pub value: u16,
    /// What else must hold.
    pub constraint: Constraint,
    /// The instruction it stands for; operands that the form lacks are zero.
    pub op: Op,
}

macro_rules! compressed {
    ($( $mnemonic:literal $syntax:literal [$($operand:ident)*] $mask:literal $value:literal $constraint:ident $op:ident; )*) => {
        /// The rows.
        pub static ROWS: &[Row] = &[ $( Row {
            mnemonic: $mnemonic, syntax: $syntax, operands: &[$(Operand::$operand),*],
            mask: $mask, value: $value, constraint: Constraint::$constraint, op: Op::$op,
        }, )* ];
    };
}

compressed! {
    "c.addi4spn" "crd', sp, cimm4spn"  [CRdShort CAddi4spn ImpliedRs1Sp]  0xe003 0x0000 Immediate Addi;
    "c.fld"  "cfd', coffsetd(crs1')"   [CFdShort COffsetD CRs1Short]      0xe003 0x2000 Any Fld;
    "c.lw"   "crd', coffsetw(crs1')"   [CRdShort COffsetW CRs1Short]      0xe003 0x4000 Any Lw;
    "c.ld"   "crd', coffsetd(crs1')"   [CRdShort COffsetD CRs1Short]      0xe003 0x6000 Any Ld;
    "c.fsd"  "cfs2', coffsetd(crs1')"  [CFs2Short COffsetD CRs1Short]     0xe003 0xa000 Any Fsd;
    "c.sw"   "crs2', coffsetw(crs1')"  [CRs2Short COffsetW CRs1Short]     0xe003 0xc000 Any Sw;
    "c.sd"   "crs2', coffsetd(crs1')"  [CRs2Short COffsetD CRs1Short]     0xe003 0xe000 Any Sd;
    "c.nop"  ""                        []                                 0xffff 0x0001 Any Addi;
    "c.addi" "crd_rs1, cimm"           [CRdRs1 CImm6]                     0xe003 0x0001 Any Addi;
    "c.addiw" "crd_rs1, cimm"          [CRdRs1 CImm6]                     0xe003 0x2001 Destination Addiw;
    "c.li"   "crd, cimm"               [CRd CImm6]                        0xe003 0x4001 Any Addi;
    "c.addi16sp" "sp, cimm16sp"        [CAddi16sp ImpliedRdRs1Sp]         0xef83 0x6101 Immediate Addi;
    "c.lui"  "crd, cupper"             [CRd CUpper]                       0xe003 0x6001 Immediate Lui;
    "c.srli" "crd_rs1', cshamt"        [CRdRs1Short CShamt]               0xec03 0x8001 Any Srli;
    "c.srai" "crd_rs1', cshamt"        [CRdRs1Short CShamt]               0xec03 0x8401 Any Srai;
    "c.andi" "crd_rs1', cimm"          [CRdRs1Short CImm6]                0xec03 0x8801 Any Andi;
    "c.sub"  "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x8c01 Any Sub;
    "c.xor"  "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x8c21 Any Xor;
    "c.or"   "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x8c41 Any Or;
    "c.and"  "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x8c61 Any And;
    "c.subw" "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x9c01 Any Subw;
    "c.addw" "crd_rs1', crs2'"         [CRdRs1Short CRs2Short]            0xfc63 0x9c21 Any Addw;
    "c.j"    "cjump"                   [CJump]                            0xe003 0xa001 Any Jal;
    "c.beqz" "crs1', cbranch"          [CRs1Short CBranch]                0xe003 0xc001 Any Beq;
    "c.bnez" "crs1', cbranch"          [CRs1Short CBranch]                0xe003 0xe001 Any Bne;
    "c.slli" "crd_rs1, cshamt"         [CRdRs1 CShamt]                    0xe003 0x0002 Any Slli;
    "c.fldsp" "cfd, cloadspd(sp)"      [CFd CLoadSpD ImpliedRs1Sp]        0xe003 0x2002 Any Fld;
    "c.lwsp" "crd, cloadspw(sp)"       [CRd CLoadSpW ImpliedRs1Sp]        0xe003 0x4002 Destination Lw;
    "c.ldsp" "crd, cloadspd(sp)"       [CRd CLoadSpD ImpliedRs1Sp]        0xe003 0x6002 Destination Ld;
    "c.jr"   "crs1"                    [CRs1]                             0xf07f 0x8002 Source1 Jalr;
    "c.mv"   "crd, crs2"               [CRd CRs2]                         0xf003 0x8002 Source2 Add;
    "c.ebreak" ""                      []                                 0xffff 0x9002 Any Ebreak;
    "c.jalr" "crs1"                    [CRs1 ImpliedRdRa]                 0xf07f 0x9002 Source1 Jalr;
    "c.add"  "crd_rs1, crs2"           [CRdRs1 CRs2]                      0xf003 0x9002 Source2 Add;
    "c.fsdsp" "cfs2, cstorespd(sp)"    [CFs2 CStoreSpD ImpliedRs1Sp]      0xe003 0xa002 Any Fsd;
    "c.swsp" "crs2, cstorespw(sp)"     [CRs2 CStoreSpW ImpliedRs1Sp]      0xe003 0xc002 Any Sw;
    "c.sdsp" "crs2, cstorespd(sp)"     [CRs2 CStoreSpD ImpliedRs1Sp]      0xe003 0xe002 Any Sd;
}
