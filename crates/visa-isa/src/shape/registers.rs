//! The registers that instructions read and write.

use crate::instruction::Instruction;
use crate::operand::{Kind, Operand, Target};
use crate::table::{Format, Op};

/// A file of registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterFile {
    /// R0 to R31.
    Integer,
    /// F0 to F31.
    Float,
}

/// Registers of both files, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    /// R1 to R31. R0 is no register to be read or written.
    pub integer: u32,
    /// F0 to F31.
    pub float: u32,
}

/// What the fields of a format hold.
#[derive(Clone, Copy)]
struct Fields {
    rd: Option<RegisterFile>,
    rs1: Option<RegisterFile>,
    rs2: Option<RegisterFile>,
    rs3: Option<RegisterFile>,
    immediate: bool,
}

impl Fields {
    const NONE: Fields = Fields { rd: None, rs1: None, rs2: None, rs3: None, immediate: false };

    const fn of(format: Format) -> Fields {
        let operands = format.operands();
        let (mut fields, mut index) = (Fields::NONE, 0);
        while index < operands.len() {
            let file = operands[index].file();
            match operands[index].target() {
                Target::Rd => fields.rd = file,
                Target::Rs1 => fields.rs1 = file,
                Target::Rs2 => fields.rs2 = file,
                Target::Rs3 => fields.rs3 = file,
                Target::Imm => fields.immediate = true,
                Target::Rm => {}
                Target::RdRs1 => panic!("a format has one operand for each field"),
            }
            index += 1;
        }
        fields
    }
}

/// By `Format as usize`: compilers of guest code ask for each instruction.
static FIELDS: [Fields; Format::ALL.len()] = {
    let (mut fields, mut index) = ([Fields::NONE; Format::ALL.len()], 0);
    while index < fields.len() {
        assert!(Format::ALL[index] as usize == index);
        fields[index] = Fields::of(Format::ALL[index]);
        index += 1;
    }
    fields
};

impl Op {
    const fn fields(self) -> &'static Fields {
        &FIELDS[self.row().format as usize]
    }

    /// The file of the register that a field of the instruction names; `None`: the field names none.
    pub const fn file(self, field: Target) -> Option<RegisterFile> {
        let fields = self.fields();
        match field {
            Target::Rd => fields.rd,
            Target::Rs1 => fields.rs1,
            Target::Rs2 => fields.rs2,
            Target::Rs3 => fields.rs3,
            Target::RdRs1 | Target::Rm | Target::Imm => None,
        }
    }

    /// Whether it has an immediate or a distance.
    pub const fn has_immediate(self) -> bool {
        self.fields().immediate
    }
}

impl Operand {
    /// The file of the register that it names, if it names one.
    pub const fn file(self) -> Option<RegisterFile> {
        match self.kind() {
            Kind::Integer | Kind::Implied => Some(RegisterFile::Integer),
            Kind::Float => Some(RegisterFile::Float),
            _ => None,
        }
    }
}

impl Registers {
    /// One register.
    pub const fn one(file: RegisterFile, number: u8) -> Registers {
        let bit = 1 << (number & 31);
        match file {
            RegisterFile::Integer => Registers { integer: bit & !1, float: 0 },
            RegisterFile::Float => Registers { integer: 0, float: bit },
        }
    }

    /// What a field names, if it names a register.
    const fn of(file: Option<RegisterFile>, number: u8) -> Registers {
        match file {
            Some(file) => Registers::one(file, number),
            None => Registers { integer: 0, float: 0 },
        }
    }

    /// These and others.
    pub const fn and(self, others: Registers) -> Registers {
        Registers { integer: self.integer | others.integer, float: self.float | others.float }
    }
}

impl Instruction {
    /// The registers that it reads.
    pub const fn reads(&self) -> Registers {
        let Fields { rs1, rs2, rs3, .. } = *self.op.fields();
        Registers::of(rs1, self.rs1).and(Registers::of(rs2, self.rs2)).and(Registers::of(rs3, self.rs3))
    }

    /// The registers that it writes.
    pub const fn writes(&self) -> Registers {
        Registers::of(self.op.fields().rd, self.rd)
    }
}
