//! The registers that instructions read and write.

use crate::instruction::Instruction;
use crate::operand::{Kind, Operand, Target};
use crate::table::Op;

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

impl Op {
    /// The file of the register that a field of the instruction names; `None`: the field names none.
    pub const fn file(self, field: Target) -> Option<RegisterFile> {
        let operands = self.row().format.operands();
        let mut index = 0;
        while index < operands.len() {
            if operands[index].target() as u8 == field as u8 {
                return operands[index].file();
            }
            index += 1;
        }
        None
    }

    /// Whether it has an immediate or a distance.
    pub const fn has_immediate(self) -> bool {
        let operands = self.row().format.operands();
        let mut index = 0;
        while index < operands.len() {
            if matches!(operands[index].target(), Target::Imm) {
                return true;
            }
            index += 1;
        }
        false
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

    /// These and others.
    pub const fn and(self, others: Registers) -> Registers {
        Registers { integer: self.integer | others.integer, float: self.float | others.float }
    }
}

impl Instruction {
    /// The registers that it reads.
    pub const fn reads(&self) -> Registers {
        let mut registers = Registers { integer: 0, float: 0 };
        let sources = [(Target::Rs1, self.rs1), (Target::Rs2, self.rs2), (Target::Rs3, self.rs3)];
        let mut index = 0;
        while index < sources.len() {
            if let Some(file) = self.op.file(sources[index].0) {
                registers = registers.and(Registers::one(file, sources[index].1));
            }
            index += 1;
        }
        registers
    }

    /// The registers that it writes.
    pub const fn writes(&self) -> Registers {
        match self.op.file(Target::Rd) {
            Some(file) => Registers::one(file, self.rd),
            None => Registers { integer: 0, float: 0 },
        }
    }
}
