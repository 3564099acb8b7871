//! The registers as a debugger sees them: numbers, names, and the target description made from the ISA's tables.
//!
//! Numbers 0 to 64 and those of the base's CSRs (65 + n) are what GDB gives them itself, so that a debugger that asks
//! before it has read the description asks for the right ones.

use std::num::NonZeroUsize;

use gdbstub::arch::{Arch, RegId, Registers};
use visa_core::Hart;
use visa_embed::Register;
use visa_isa::exit::qualification;
use visa_isa::register::{FLOAT_ABI, INTEGER_ABI};
use visa_isa::{Ring, msr};

/// Number of the PC.
const PC: usize = 32;
/// Number of F0.
const FIRST_FLOAT: usize = 33;
/// Number of CSR 0.
const FIRST_MSR: usize = 65;
/// Number of GDB's pseudo-register for the privilege.
const PRIVILEGE: usize = FIRST_MSR + 4096;
/// Number of V-ISA's name for it.
const RING: usize = PRIVILEGE + 1;
/// Number of CR0.
const FIRST_CONTROL: usize = PRIVILEGE + 16;

/// A register as the debugger numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberedRegister {
    /// One that the machine has by this name.
    Own(Register),
    /// GDB's `priv`: 0 user, 1 supervisor, 2 hypervisor. It cannot be written.
    Privilege,
}

impl NumberedRegister {
    /// Bytes on the wire.
    pub const fn bytes(self) -> usize {
        match self {
            NumberedRegister::Own(Register::Msr(msr::FFLAGS | msr::FRM | msr::FCSR) | Register::Ring) => 4,
            NumberedRegister::Own(_) | NumberedRegister::Privilege => 8,
        }
    }

    /// Its value, cut to its bytes by the caller. `None`: there is none.
    pub fn read(self, hart: &Hart) -> Option<u64> {
        match self {
            NumberedRegister::Own(register) => register.read(hart),
            NumberedRegister::Privilege => Some(match hart.state.ring {
                Ring::User => 0,
                Ring::Kernel => 1,
                Ring::Hypervisor => 2,
            }),
        }
    }

    /// Writes it. `None`: it cannot be written.
    pub fn write(self, hart: &mut Hart, value: u64) -> Option<()> {
        match self {
            NumberedRegister::Own(register) => register.write(hart, value).ok(),
            NumberedRegister::Privilege => None,
        }
    }
}

impl RegId for NumberedRegister {
    fn from_raw_id(id: usize) -> Option<(NumberedRegister, Option<NonZeroUsize>)> {
        let own = match id {
            0..PC => Register::Integer(id as u8),
            PC => Register::Pc,
            FIRST_FLOAT..FIRST_MSR => Register::Float((id - FIRST_FLOAT) as u8),
            FIRST_MSR..PRIVILEGE => Register::Msr((id - FIRST_MSR) as u16),
            PRIVILEGE => {
                let privilege = NumberedRegister::Privilege;
                return Some((privilege, NonZeroUsize::new(privilege.bytes())));
            }
            RING => Register::Ring,
            _ => Register::Control(u8::try_from(id.checked_sub(FIRST_CONTROL)?).ok()?),
        };
        let register = NumberedRegister::Own(own);
        Some((register, NonZeroUsize::new(register.bytes())))
    }
}

/// The registers that are read all at once: R0 to R31, PC, F0 to F31.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CoreRegisters {
    /// R0 to R31.
    pub r: [u64; 32],
    /// The program counter.
    pub pc: u64,
    /// F0 to F31.
    pub f: [u64; 32],
}

impl Registers for CoreRegisters {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.pc
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        for value in self.r.iter().chain([&self.pc]).chain(&self.f) {
            value.to_le_bytes().into_iter().for_each(|byte| write_byte(Some(byte)));
        }
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let mut values = bytes.chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_le_bytes));
        for register in self.r.iter_mut().chain([&mut self.pc]) {
            *register = values.next().ok_or(())?;
        }
        // A debugger that knows no floating-point registers leaves them out.
        self.f.iter_mut().zip(values).for_each(|(register, value)| *register = value);
        Ok(())
    }
}

/// The architecture.
pub enum Visa {}

impl Arch for Visa {
    type Usize = u64;
    type Registers = CoreRegisters;
    type BreakpointKind = usize;
    type RegId = NumberedRegister;
}

/// The target description.
pub fn description() -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n\
         <architecture>riscv:rv64</architecture>\n",
    );
    let mut feature = |name: &str, registers: Vec<String>| {
        xml += &format!("<feature name=\"{name}\">\n{}</feature>\n", registers.concat());
    };
    let integer = |(index, name): (usize, &&str)| {
        let kind = match index {
            1 => "code_ptr",
            2..=4 | 8 => "data_ptr",
            _ => "int",
        };
        line(name, 64, kind, index, "")
    };
    let pc = line("pc", 64, "code_ptr", PC, "");
    feature("org.gnu.gdb.riscv.cpu", INTEGER_ABI.iter().enumerate().map(integer).chain([pc]).collect());

    let float = |(index, name): (usize, &&str)| line(name, 64, "ieee_double", FIRST_FLOAT + index, "float");
    let flags = [("fflags", msr::FFLAGS), ("frm", msr::FRM), ("fcsr", msr::FCSR)];
    let flags = flags.map(|(name, number)| line(name, 32, "int", FIRST_MSR + number as usize, "float"));
    feature("org.gnu.gdb.riscv.fpu", FLOAT_ABI.iter().enumerate().map(float).chain(flags).collect());

    feature("org.gnu.gdb.riscv.virtual", vec![line("priv", 64, "int", PRIVILEGE, "system")]);
    let is_float = |number| matches!(number, msr::FFLAGS | msr::FRM | msr::FCSR);
    let of_base = msr::MSRS.iter().filter(|entry| !msr::is_visa(entry.number) && !is_float(entry.number));
    feature("org.gnu.gdb.riscv.csr", of_base.map(msr_line).collect());

    let own = msr::MSRS.iter().filter(|entry| msr::is_visa(entry.number)).map(msr_line);
    let guest = (0..32).flat_map(|index| {
        let number = |first: u16| FIRST_MSR + (first + index) as usize;
        [
            line(&format!("vmr{index}"), 64, "uint64", number(msr::GUEST_R0), "system"),
            line(&format!("vmf{index}"), 64, "uint64", number(msr::GUEST_F0), "system"),
        ]
    });
    feature("org.v-isa.msr", [qualification_type()].into_iter().chain(own).chain(guest).collect());

    let control = msr::MSRS.iter().filter_map(|entry| entry.cr);
    let control =
        control.map(|cr| line(&format!("cr{cr}"), 64, "uint64", FIRST_CONTROL + cr as usize, "system"));
    feature("org.v-isa.control", control.chain([line("ring", 32, "int32", RING, "system")]).collect());
    xml + "</target>\n"
}

fn msr_line(entry: &msr::Msr) -> String {
    let kind = if entry.number == msr::VMQUAL { QUALIFICATION_TYPE } else { "uint64" };
    line(entry.name, 64, kind, FIRST_MSR + entry.number as usize, "system")
}

/// The type of VMQUAL: gdb shows the flags by name, and the numbers that lie between them.
const QUALIFICATION_TYPE: &str = "vmqual";

fn qualification_type() -> String {
    let fields = qualification::FIELDS.iter().map(|field| {
        let (name, start, end) = (field.name, field.low, field.low + field.width - 1);
        let kind = if field.width == 1 { "bool" } else { "uint64" };
        format!("<field name=\"{name}\" start=\"{start}\" end=\"{end}\" type=\"{kind}\"/>\n")
    });
    format!("<flags id=\"{QUALIFICATION_TYPE}\" size=\"8\">\n{}</flags>\n", fields.collect::<String>())
}

fn line(name: &str, bits: usize, kind: &str, number: usize, group: &str) -> String {
    let group = if group.is_empty() { String::new() } else { format!(" group=\"{group}\"") };
    format!("<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\" regnum=\"{number}\"{group}/>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of an attribute in a line of the description.
    fn attribute<'x>(line: &'x str, name: &str) -> &'x str {
        let rest = line.split(&format!(" {name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap()
    }

    #[test]
    fn every_register_of_the_description_is_read_with_the_size_that_it_says() {
        let hart = Hart::new(0, 0x8000_0000, 0);
        let xml = description();
        let mut seen = std::collections::BTreeSet::new();
        for line in xml.lines().filter(|line| line.starts_with("<reg ")) {
            let number = attribute(line, "regnum").parse().unwrap();
            let (register, size) = NumberedRegister::from_raw_id(number).unwrap();
            assert_eq!(
                attribute(line, "bitsize").parse::<usize>().unwrap(),
                8 * size.unwrap().get(),
                "{line}"
            );
            assert!(register.read(&hart).is_some(), "{line}");
            assert!(seen.insert(number), "twice: {line}");
        }
        assert_eq!(seen.len(), 32 + 1 + 32 + msr::MSRS.len() + 64 + 12 + 2);
    }

    #[test]
    fn the_numbers_are_those_that_gdb_gives_itself() {
        let number = |name: &str| {
            let xml = description();
            let line = xml.lines().find(|line| line.contains(&format!("\"{name}\""))).unwrap().to_string();
            attribute(&line, "regnum").parse::<usize>().unwrap()
        };
        assert_eq!(number("zero"), 0);
        assert_eq!(number("pc"), 32);
        assert_eq!(number("ft0"), 33);
        assert_eq!(number("satp"), 65 + 0x180);
        assert_eq!(number("priv"), 65 + 4096);
    }

    #[test]
    fn cr3_is_satp_and_counters_cannot_be_written() {
        let mut hart = Hart::new(0, 0x8000_0000, 0);
        let value = 8 << 60 | 0x80123;
        let own = NumberedRegister::Own;
        assert_eq!(own(Register::Control(3)).write(&mut hart, value), Some(()));
        assert_eq!(own(Register::Msr(msr::SATP)).read(&hart), Some(value));
        assert_eq!(own(Register::Msr(msr::VMCOUNT_EXIT)).write(&mut hart, 1), None);
        assert_eq!(Register::Ring.read(&hart), Some(u64::MAX));
        assert_eq!(NumberedRegister::from_raw_id(usize::MAX), None);
    }

    #[test]
    fn core_registers_survive_the_wire() {
        let registers = CoreRegisters {
            r: std::array::from_fn(|index| index as u64 * 3),
            pc: 0x8000_0000,
            f: std::array::from_fn(|index| index as u64 * 7),
        };
        let mut bytes = Vec::new();
        registers.gdb_serialize(|byte| bytes.extend(byte));
        let mut read = CoreRegisters::default();
        read.gdb_deserialize(&bytes).unwrap();
        assert_eq!(read, registers);
        assert_eq!(read.gdb_deserialize(&bytes[..100]), Err(()));
    }
}
