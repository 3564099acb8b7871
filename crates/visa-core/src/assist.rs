//! Decode assist: what an exiting instruction says, for the exit record; and the resume action *complete*, which uses
//! it (specification, 2.4 and 2.5).

use visa_isa::cause::ExitCause;
use visa_isa::operand::Target;
use visa_isa::shape::{Atomic, Direction, Extend, Load, Port, RegisterFile, Store};
use visa_isa::vmcs::qualification;
use visa_isa::{Instruction, Op, Shape};

use crate::hart::Hart;

impl Hart {
    /// Adds to the exit record what the instruction says. The instruction has had no effect, so its source registers
    /// still hold what it would have used.
    pub fn describe_exit(&mut self, instruction: &Instruction, bits: u32) {
        let mut record = self.exit;
        record.instruction = bits as u64;
        record.qualification |= (instruction.length as u64) << qualification::LENGTH_SHIFT;
        let shape = instruction.op.shape();
        if let Some(file) = instruction.op.file(Target::Rd) {
            record.qualification |=
                (instruction.rd as u64) << qualification::REGISTER_SHIFT | qualification::READ;
            if file == RegisterFile::Float {
                record.qualification |= qualification::FLOAT;
            }
        }
        record.qualification |= reading(shape);
        if let Some(value) = self.written_value(instruction) {
            record.value = value;
        }
        if let Shape::Port(port) = shape
            && record.cause == ExitCause::IllegalPrivileged as u64
        {
            // A port access in the wrong ring has not come to where the others' records begin.
            record.code = self.r(instruction.rs1).wrapping_add(instruction.imm as i64 as u64) as u16 as u64;
            record.qualification |= port.bytes as u64 | direction(port.direction);
        }
        self.exit = record;
    }

    /// Adds to the exit record what is known of an instruction that cannot be decoded.
    pub fn describe_undecoded(&mut self, bits: u32) {
        let length = if bits & 3 == 3 { 4 } else { 2 };
        self.exit.instruction = bits as u64;
        self.exit.qualification |= length << qualification::LENGTH_SHIFT;
    }

    /// Takes out of the exit record what only decoding the instruction tells, for a machine without decode assist. What
    /// is left is what the memory path and the interrupt logic know by themselves: the addresses of an access, its
    /// direction, the cookie, and the number of an exception or interrupt.
    pub(crate) fn forget_decoded(&mut self) {
        use ExitCause as C;
        let cause = C::from_number(self.exit.cause);
        let mut known = qualification::EXECUTE | qualification::WALK | qualification::HOST;
        if matches!(cause, Some(C::PageFault | C::NestedPageFault | C::DeviceAccess)) {
            let writes = self.exit.qualification & qualification::WRITE != 0;
            known |= if writes { qualification::WRITE } else { qualification::READ };
        }
        let numbered = matches!(
            cause,
            Some(
                C::PageFault
                    | C::Timer
                    | C::ExternalInterrupt
                    | C::SoftwareInterrupt
                    | C::Shutdown
                    | C::Exception
            )
        );
        let record = &mut self.exit;
        record.qualification &= known;
        record.instruction = 0;
        record.value = 0;
        if !numbered {
            record.code = 0;
        }
        if cause == Some(C::TlbFlush) {
            record.guest_virtual = 0;
        }
        self.vm.result = 0;
    }

    /// What a store, an atomic, OUT or VINT_SEND writes, as far as the instruction alone says. MSR writes need the old value:
    /// where they exit, the record already has it.
    fn written_value(&self, instruction: &Instruction) -> Option<u64> {
        let (bytes, file) = match instruction.op.shape() {
            Shape::Store(Store { bytes, file }) => (bytes, file),
            Shape::Atomic(Atomic { bytes, .. })
            | Shape::Port(Port { bytes, direction: Direction::Write }) => (bytes, RegisterFile::Integer),
            _ if instruction.op == Op::VintSend => return Some(self.r(instruction.rs1)),
            _ => return None,
        };
        let value = match file {
            RegisterFile::Integer => self.r(instruction.rs2),
            RegisterFile::Float => self.f(instruction.rs2),
        };
        Some(value & (u64::MAX >> (64 - 8 * bytes)))
    }

    /// Writes VMRESULT to the register as decoded and steps past the instruction. Ring -1 is in use, so the guest's
    /// bank is the other one.
    pub(crate) fn complete_instruction(&mut self) {
        let decoded = self.exit.qualification;
        let register = (decoded >> qualification::REGISTER_SHIFT & 31) as usize;
        let bytes = decoded & qualification::SIZE;
        if decoded & qualification::READ != 0 {
            let value = extend(self.vm.result, bytes, decoded & qualification::SIGNED != 0);
            if decoded & qualification::FLOAT != 0 {
                let boxed = if bytes == 4 { value | 0xffff_ffff << 32 } else { value };
                self.other.f[register] = boxed;
                self.supervisor.sstatus |= visa_isa::msr::sstatus::FS;
            } else {
                self.other.r[register] = value;
                self.other.r[0] = 0;
            }
        }
        self.other.pc = self.other.pc.wrapping_add(decoded >> qualification::LENGTH_SHIFT & 15);
        self.vm.count_emu += 1;
        self.statistics.emulated += 1;
    }
}

/// Cuts a value to a number of bytes and extends it. Anything but 1, 2 and 4 bytes leaves it whole.
fn extend(value: u64, bytes: u64, signed: bool) -> u64 {
    match (bytes, signed) {
        (1, false) => value as u8 as u64,
        (1, true) => value as i8 as u64,
        (2, false) => value as u16 as u64,
        (2, true) => value as i16 as u64,
        (4, false) => value as u32 as u64,
        (4, true) => value as i32 as u64,
        _ => value,
    }
}

/// The direction of a port access.
fn direction(direction: Direction) -> u64 {
    match direction {
        Direction::Read => qualification::READ,
        Direction::Write => qualification::WRITE,
    }
}

/// Size and extension of what an instruction reads from memory or a port. What fills a register is not extended.
fn reading(shape: Shape) -> u64 {
    let signed = |bytes: u8| if bytes < 8 { bytes as u64 | qualification::SIGNED } else { bytes as u64 };
    match shape {
        Shape::Load(Load { bytes, extend: Extend::Sign, .. }) | Shape::Atomic(Atomic { bytes, .. }) => {
            signed(bytes)
        }
        Shape::Load(Load { bytes, .. }) | Shape::Port(Port { bytes, direction: Direction::Read }) => {
            bytes as u64
        }
        _ => 0,
    }
}
