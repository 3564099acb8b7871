//! The decoded instruction, and the groups and rings that rows of the table name.

use crate::table::Op;

/// A privilege ring. Ring -1 is the hypervisor's, below the kernel's Ring 0 and the user's Ring 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Ring {
    /// Ring 3: user programs.
    User = 3,
    /// Ring 0: the kernel of a guest (or of the bare machine).
    Kernel = 0,
    /// Ring -1: the hypervisor. The machine resets into it.
    Hypervisor = 0xff,
}

impl Ring {
    /// Whether code in this ring may use what belongs to `owner`.
    pub const fn may_use(self, owner: Ring) -> bool {
        self.rank() >= owner.rank()
    }

    const fn rank(self) -> u8 {
        match self {
            Ring::User => 0,
            Ring::Kernel => 1,
            Ring::Hypervisor => 2,
        }
    }

    /// The ring's name as documents and traces print it.
    pub const fn name(self) -> &'static str {
        match self {
            Ring::User => "Ring 3",
            Ring::Kernel => "Ring 0",
            Ring::Hypervisor => "Ring -1",
        }
    }
}

/// The groups in which tables, interpreter, tests and specification are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Group {
    /// RV64I: integer computation, loads, stores, control transfer, fences.
    Base,
    /// M: multiplication and division.
    Muldiv,
    /// A: atomic memory operations.
    Atomic,
    /// F and D: floating point.
    Float,
    /// Zba, Zbb, Zbs: bit manipulation.
    Bitmanip,
    /// Zicsr and the supervisor architecture's instructions.
    System,
    /// V-ISA: the world switch and its state.
    Vm,
    /// V-ISA: nested paging.
    Paging,
    /// V-ISA: ports and virtual devices.
    Io,
    /// V-ISA: the virtual interrupt controller.
    Vic,
}

impl Group {
    /// All groups, in the order of the specification.
    pub const ALL: [Group; 10] = [
        Group::Base,
        Group::Muldiv,
        Group::Atomic,
        Group::Float,
        Group::Bitmanip,
        Group::System,
        Group::Vm,
        Group::Paging,
        Group::Io,
        Group::Vic,
    ];

    /// The group's name in file names and headings.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Base => "base",
            Group::Muldiv => "muldiv",
            Group::Atomic => "atomic",
            Group::Float => "float",
            Group::Bitmanip => "bitmanip",
            Group::System => "system",
            Group::Vm => "vm",
            Group::Paging => "paging",
            Group::Io => "io",
            Group::Vic => "vic",
        }
    }

    /// Whether the group is V-ISA's own, rather than part of the RISC-V base.
    pub const fn is_visa(self) -> bool {
        matches!(self, Group::Vm | Group::Paging | Group::Io | Group::Vic)
    }
}

/// One decoded instruction: what the engines execute and the encoder takes.
///
/// A field that the instruction's format does not have is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Instruction {
    /// Which instruction.
    pub op: Op,
    /// Destination register, R or F as the row says.
    pub rd: u8,
    /// First source register; the 5-bit immediate of CSRRWI and its like.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Third source register of the fused multiply-adds.
    pub rs3: u8,
    /// Rounding mode (F, D), or acquire and release bits (A): bit 1 is aq, bit 0 is rl.
    pub rm: u8,
    /// Length in bytes: 2 or 4.
    pub length: u8,
    /// Immediate, sign-extended where the format is signed: offset, shift amount, MSR number, port,
    /// or the fence sets (fm, predecessor, successor).
    pub imm: i32,
}

impl Instruction {
    /// An instruction with every operand zero and the full length of four bytes.
    pub const fn new(op: Op) -> Self {
        Instruction { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, length: 4, imm: 0 }
    }
}
