//! Registers by name, and how they are read and written from outside.

use visa_core::Hart;
use visa_isa::register::{FLOAT_ABI, INTEGER_ABI};
use visa_isa::{Ring, msr};

/// A register of a hart, in the bank that it has in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// R0 to R31, 64 bits. R0 is 0, and stays that.
    Integer(u8),
    /// The program counter: the virtual address of the next instruction, which is even.
    Pc,
    /// F0 to F31, as 64 bits.
    Float(u8),
    /// An MSR by number, the windows on the guest's bank included.
    Msr(u16),
    /// A control register by number: another name of an MSR.
    Control(u8),
    /// The ring in use: 3, 0 or, for Ring -1, all ones. It cannot be written.
    Ring,
}

/// Why a register was not read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegisterError {
    /// The machine has no such hart.
    #[error("there is no hart {hart}: the machine has {harts}")]
    NoHart {
        /// The number asked for, from 0.
        hart: usize,
        /// How many there are.
        harts: usize,
    },
    /// A hart has no such register.
    #[error("there is no register {register:?}")]
    NoRegister {
        /// What was asked for.
        register: Register,
    },
    /// The register cannot be written.
    #[error("{register:?} cannot be written")]
    ReadOnly {
        /// What was to be written.
        register: Register,
    },
}

impl Register {
    /// The register of a name, in lower case: `pc`, `ring`, `r5`, `t0`, `f8`, `fs0`, `cr3`, or an MSR's (`satp`, `hvepc`).
    pub fn named(name: &str) -> Option<Register> {
        let number = |prefix| name.strip_prefix(prefix)?.parse::<u8>().ok();
        let in_list = |list: &[&str]| list.iter().position(|abi| *abi == name).map(|index| index as u8);
        match name {
            "pc" => return Some(Register::Pc),
            "ring" => return Some(Register::Ring),
            _ => {}
        }
        let integer = number("r").filter(|number| *number < 32).or_else(|| in_list(&INTEGER_ABI));
        let float = number("f").filter(|number| *number < 32).or_else(|| in_list(&FLOAT_ABI));
        let control = number("cr").filter(|number| msr::by_control_register(*number).is_some());
        let msr = || msr::MSRS.iter().find(|msr| msr.name == name).map(|msr| Register::Msr(msr.number));
        (integer.map(Register::Integer))
            .or(float.map(Register::Float))
            .or(control.map(Register::Control))
            .or_else(msr)
    }

    /// Its value. `None`: a hart has none of this kind with this number.
    pub fn read(self, hart: &Hart) -> Option<u64> {
        match self {
            Register::Integer(index @ 0..32) => Some(hart.state.r(index)),
            Register::Float(index @ 0..32) => Some(hart.state.f(index)),
            Register::Pc => Some(hart.state.bank.pc),
            Register::Msr(number) => hart.read_msr(number),
            Register::Control(number) => hart.read_msr(msr::by_control_register(number)?.number),
            Register::Ring => Some(match hart.state.ring {
                Ring::User => 3,
                Ring::Kernel => 0,
                Ring::Hypervisor => -1i64 as u64,
            }),
            Register::Integer(_) | Register::Float(_) => None,
        }
    }

    /// Writes it, as far as its bits can be written.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NoRegister`] and [`RegisterError::ReadOnly`]; then nothing is changed.
    pub fn write(self, hart: &mut Hart, value: u64) -> Result<(), RegisterError> {
        if self.read(hart).is_none() {
            return Err(RegisterError::NoRegister { register: self });
        }
        match self {
            Register::Integer(index) => hart.state.set_r(index, value),
            Register::Float(index) => hart.state.set_f(index, value),
            Register::Pc => hart.state.bank.pc = value & !1,
            Register::Msr(number) if !msr::is_read_only(number) => {
                hart.write_msr(number, value);
                hart.update_translation_context();
            }
            Register::Control(number) => {
                let msr = msr::by_control_register(number);
                let msr = msr.ok_or(RegisterError::NoRegister { register: self })?;
                return Register::Msr(msr.number).write(hart, value);
            }
            Register::Msr(_) | Register::Ring => return Err(RegisterError::ReadOnly { register: self }),
        }
        Ok(())
    }
}
