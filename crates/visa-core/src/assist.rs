//! Decode assist: what an exiting instruction says, for the exit record; and the resume action *complete*, which uses
//! it (specification, 2.4 and 2.5).

use visa_isa::cause::ExitCause;
use visa_isa::exit::{
    AccessKind, Denied, DeviceAccess, Exit, MemoryAccess, MsrAccess, NestedPageFault, PageFault, PortAccess,
    Qualification, RaisedException, TlbFlush,
};
use visa_isa::operand::Target;
use visa_isa::shape::{Atomic, Direction, Extend, Load, Port, RegisterFile, Store};
use visa_isa::{Instruction, Op, Shape};

use crate::hart::Hart;

impl Hart {
    /// Adds to the exit record what the instruction says. The instruction has had no effect, so its source registers
    /// still hold what it would have used.
    pub fn describe_exit(&mut self, instruction: &Instruction, bits: u32) {
        let mut record = self.state.exit;
        record.instruction = bits as u64;
        record.qualification |= Qualification::of_length(instruction.length as u64);
        let shape = instruction.op.shape();
        if let Some(file) = instruction.op.file(Target::Rd) {
            record.qualification |= Qualification::of_register(instruction.rd) | Qualification::READ;
            if file == RegisterFile::Float {
                record.qualification |= Qualification::FLOAT;
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
            record.code =
                self.state.r(instruction.rs1).wrapping_add(instruction.imm as i64 as u64) as u16 as u64;
            record.qualification |= Qualification::of_bytes(port.bytes as u64) | direction(port.direction);
        }
        self.state.exit = record;
    }

    /// Adds to the exit record what is known of an instruction that cannot be decoded.
    pub fn describe_undecoded(&mut self, bits: u32) {
        let length = if bits & 3 == 3 { 4 } else { 2 };
        self.state.exit.instruction = bits as u64;
        self.state.exit.qualification |= Qualification::of_length(length);
    }

    /// Takes out of the exit record what only decoding the instruction tells, for a machine without decode assist. What
    /// is left is what the memory path and the interrupt logic know by themselves: the addresses of an access, its
    /// direction, the cookie, and the number of an exception or interrupt.
    pub(crate) fn forget_decoded(&mut self) {
        if let Ok(exit) = Exit::from_record(&self.state.exit) {
            self.state.exit = undecoded(exit).record();
        }
        self.state.vm.result = 0;
    }

    /// What a store, an atomic, OUT or VINT_SEND writes, as far as the instruction alone says. MSR writes need the old value:
    /// where they exit, the record already has it.
    fn written_value(&self, instruction: &Instruction) -> Option<u64> {
        let (bytes, file) = match instruction.op.shape() {
            Shape::Store(Store { bytes, file }) => (bytes, file),
            Shape::Atomic(Atomic { bytes, .. })
            | Shape::Port(Port { bytes, direction: Direction::Write }) => (bytes, RegisterFile::Integer),
            _ if instruction.op == Op::VintSend => return Some(self.state.r(instruction.rs1)),
            _ => return None,
        };
        let value = match file {
            RegisterFile::Integer => self.state.r(instruction.rs2),
            RegisterFile::Float => self.state.f(instruction.rs2),
        };
        Some(value & (u64::MAX >> (64 - 8 * bytes)))
    }

    /// Writes VMRESULT to the register as decoded and steps past the instruction. Ring -1 is in use, so the guest's
    /// bank is the other one.
    pub(crate) fn complete_instruction(&mut self) {
        let decoded = self.state.exit.qualification;
        let register = decoded.register() as usize;
        if decoded.reads() {
            let value = decoded.completed(self.state.vm.result);
            if decoded.is_float() {
                let boxed = if decoded.bytes() == 4 { value | 0xffff_ffff << 32 } else { value };
                self.state.inactive[0].bank.f[register] = boxed;
                self.state.supervisor.sstatus |= visa_isa::msr::sstatus::FS;
            } else {
                self.state.inactive[0].bank.r[register] = value;
                self.state.inactive[0].bank.r[0] = 0;
            }
        }
        self.state.inactive[0].bank.pc = self.state.inactive[0].bank.pc.wrapping_add(decoded.length());
        self.state.vm.count_emu += 1;
        self.state.statistics.emulated += 1;
    }
}

/// What is known of an exit if nothing looks at the instruction.
fn undecoded(exit: Exit) -> Exit {
    let known = |access: MemoryAccess| MemoryAccess {
        bytes: 0,
        written: None,
        kind: match access.kind {
            AccessKind::Fetch => AccessKind::Fetch,
            AccessKind::Load => AccessKind::Load,
            AccessKind::Store | AccessKind::Atomic => AccessKind::Store,
        },
        ..access
    };
    match exit {
        Exit::IllegalPrivileged(_) => Exit::IllegalPrivileged(Denied::default()),
        Exit::VisaInstruction(_) => Exit::VisaInstruction(Denied::default()),
        Exit::IoAccess(_) => Exit::IoAccess(PortAccess::default()),
        Exit::PciConfiguration(_) => Exit::PciConfiguration(PortAccess::default()),
        Exit::ControlRegister(_) => Exit::ControlRegister(MsrAccess::default()),
        Exit::MsrAccess(_) => Exit::MsrAccess(MsrAccess::default()),
        Exit::PageFault(fault) => Exit::PageFault(PageFault { access: known(fault.access), ..fault }),
        Exit::NestedPageFault(fault) => {
            Exit::NestedPageFault(NestedPageFault { access: known(fault.access), ..fault })
        }
        Exit::DeviceAccess(device) => {
            Exit::DeviceAccess(DeviceAccess { access: known(device.access), ..device })
        }
        Exit::Exception(raised) => Exit::Exception(RaisedException { written: 0, ..raised }),
        Exit::TlbFlush(_) => Exit::TlbFlush(TlbFlush::default()),
        Exit::Timer(_)
        | Exit::ExternalInterrupt(_)
        | Exit::SoftwareInterrupt(_)
        | Exit::Hypercall
        | Exit::Halt
        | Exit::VmexitInstruction
        | Exit::Shutdown(_)
        | Exit::EntryFailure(_)
        | Exit::SingleStep
        | Exit::DirtyLogFull
        | Exit::Pause => exit,
    }
}

/// The direction of a port access.
fn direction(direction: Direction) -> Qualification {
    match direction {
        Direction::Read => Qualification::READ,
        Direction::Write => Qualification::WRITE,
    }
}

/// Size and extension of what an instruction reads from memory or a port. What fills a register is not extended.
fn reading(shape: Shape) -> Qualification {
    let of = |bytes: u8| Qualification::of_bytes(bytes as u64);
    let signed = |bytes| if bytes < 8 { of(bytes) | Qualification::SIGNED } else { of(bytes) };
    match shape {
        Shape::Load(Load { bytes, extend: Extend::Sign, .. }) | Shape::Atomic(Atomic { bytes, .. }) => {
            signed(bytes)
        }
        Shape::Load(Load { bytes, .. }) | Shape::Port(Port { bytes, direction: Direction::Read }) => {
            of(bytes)
        }
        _ => Qualification::default(),
    }
}
