//! The trace of `-d`: what is executed, by steps; traps and world switches, as harts tell of them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context;
use visa_bench::sbi;
use visa_core::data_access::DataAccess;
use visa_core::{Event, Hart};
use visa_isa::cause::{Exception, ExitCause, INTERRUPT};
use visa_isa::exit::{Exit, ExitRecord, Qualification};
use visa_isa::operand::{Kind, Target};
use visa_isa::vmcs::{Action, field_at};
use visa_isa::{Instruction, Ring, decode, msr};
use visa_machine::machine::{Machine, Progress};

use crate::options::{RunOptions, TraceItem};
use crate::output::{self, Out};
use crate::symbols::Symbols;

/// Instructions that in_asm remembers. A guest that makes ever new ones is shown some of them again.
const SEEN_MAX: usize = 1 << 20;

/// A trace and where it goes.
pub struct Trace {
    in_asm: bool,
    exec: bool,
    commit: bool,
    interrupts: bool,
    /// What in_asm has shown: ring, address and bits.
    seen: HashSet<(u8, u64, u32)>,
    out: BufWriter<Out>,
}

impl Trace {
    /// As the options ask for. `None`: they ask for nothing.
    pub fn new(options: &RunOptions, machine: &mut Machine) -> anyhow::Result<Option<Trace>> {
        if options.trace.is_empty() {
            return Ok(None);
        }
        let out = match &options.trace_file {
            None => output::errors(),
            Some(path) => {
                Out::to(File::create(path).with_context(|| format!("-D: cannot write {}", path.display()))?)
            }
        };
        let wants = |item| options.trace.contains(&item);
        if wants(TraceItem::Int) {
            for hart in &mut machine.harts {
                hart.observers.keep_events();
            }
        }
        Ok(Some(Trace {
            in_asm: wants(TraceItem::InAsm),
            exec: wants(TraceItem::Exec),
            commit: wants(TraceItem::Commit),
            interrupts: wants(TraceItem::Int),
            seen: HashSet::new(),
            out: BufWriter::new(out),
        }))
    }

    /// Whether each instruction must be looked at.
    pub fn wants_steps(&self) -> bool {
        self.in_asm || self.exec || self.commit
    }

    /// Executes at most one instruction of a hart, and writes it down.
    pub fn step(
        &mut self,
        machine: &mut Machine,
        hart: usize,
        symbols: &Symbols,
    ) -> anyhow::Result<Progress> {
        let access = if self.commit { next_access(machine, hart) } else { None };
        let retired = machine.harts[hart].state.instructions;
        let (step, progress) = machine.step(hart);
        let did_retire = machine.harts[hart].state.instructions != retired;
        if let Some(bits) = step.bits {
            let where_it_is = || symbols.describe(step.ring, step.pc);
            if self.seen.len() == SEEN_MAX {
                self.seen.clear();
            }
            if self.in_asm && self.seen.insert((step.ring as u8, step.pc, bits)) {
                let text = visa_asm::format_instruction(bits, step.pc);
                let line = format!("{:#018x}  {}  {text:<32} {}", step.pc, hex_bits(bits), where_it_is());
                self.line(format_args!("asm   {:<7} {}", step.ring.name(), line.trim_end()))?;
            }
            if self.exec {
                let text = visa_asm::format_instruction(bits, step.pc);
                let line = format!("{:#018x}  {}  {text:<32} {}", step.pc, hex_bits(bits), where_it_is());
                let note = if did_retire { "" } else { " (does not retire)" };
                self.line(format_args!("hart {hart} {:<7} {}{note}", step.ring.name(), line.trim_end()))?;
            }
            if self.commit && did_retire {
                let line = commit_line(&machine.harts[hart], hart, step.ring, step.pc, bits, access);
                self.line(format_args!("{line}"))?;
            }
        }
        self.note_events(machine, symbols)?;
        Ok(progress)
    }

    /// Writes down the traps and world switches since the last call.
    pub fn note_events(&mut self, machine: &mut Machine, symbols: &Symbols) -> anyhow::Result<()> {
        if !self.interrupts {
            return Ok(());
        }
        for index in 0..machine.harts.len() {
            for event in machine.harts[index].observers.take_events() {
                let text = describe_event(&event, symbols);
                self.line(format_args!("int   hart {index} {text}"))?;
            }
        }
        Ok(())
    }

    /// Writes out what is buffered.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.out.flush().context("cannot write the trace")
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        writeln!(self.out, "{text}").context("cannot write the trace")
    }
}

fn hex_bits(bits: u32) -> String {
    if bits & 3 == 3 { format!("{bits:08x}") } else { format!("{:04x}    ", bits as u16) }
}

/// The instruction that a hart will execute next, if nothing comes in between and its memory can be read.
fn next_instruction(machine: &Machine, hart: usize) -> Option<Instruction> {
    let pc = machine.harts[hart].state.bank.pc;
    let mut bytes = [0; 4];
    machine.read_virtual(hart, pc, &mut bytes[..2]).ok()?;
    if bytes[0] & 3 == 3 {
        machine.read_virtual(hart, pc.wrapping_add(2), &mut bytes[2..]).ok()?;
    }
    decode(u32::from_le_bytes(bytes))
}

fn next_access(machine: &Machine, hart: usize) -> Option<DataAccess> {
    machine.harts[hart].data_access(&next_instruction(machine, hart)?)
}

/// A line of Spike's commit log: core, privilege, address, bits, the register written, memory read or written.
fn commit_line(
    hart: &Hart,
    index: usize,
    ring: Ring,
    pc: u64,
    bits: u32,
    access: Option<DataAccess>,
) -> String {
    let privilege = match ring {
        Ring::Hypervisor => 3,
        Ring::Kernel => 1,
        Ring::User => 0,
    };
    let shown = if bits & 3 == 3 { format!("0x{bits:08x}") } else { format!("0x{:04x}", bits as u16) };
    let mut line = format!("core{index:>4}: {privilege} 0x{pc:016x} ({shown})");
    let Some(instruction) = decode(bits) else { return line };
    // After a world switch the registers are another bank's.
    if hart.state.ring == ring || (ring != Ring::Hypervisor && hart.state.in_guest()) {
        for operand in instruction.op.row().format.operands() {
            match (operand.target(), operand.kind()) {
                (Target::Rd, Kind::Integer) if instruction.rd != 0 => {
                    line += &format!(" x{:<2} 0x{:016x}", instruction.rd, hart.state.r(instruction.rd));
                }
                (Target::Rd, Kind::Float) => {
                    line += &format!(" f{:<2} 0x{:016x}", instruction.rd, hart.state.f(instruction.rd));
                }
                _ => {}
            }
        }
    }
    if let Some(access) = access {
        line += &format!(" mem 0x{:016x}", access.address);
        if access.writes && !access.reads {
            let is_float = instruction.op.row().format == visa_isa::table::Format::FloatStore;
            let value = if is_float { hart.state.f(instruction.rs2) } else { hart.state.r(instruction.rs2) };
            let digits = 2 * access.bytes as usize;
            let value = value & (u64::MAX >> (64 - 8 * access.bytes));
            line += &format!(" 0x{value:0digits$x}");
        }
    }
    line
}

fn describe_event(event: &Event, symbols: &Symbols) -> String {
    match event {
        Event::Trap { instructions, from, to, cause, value, pc } => {
            let place = symbols.describe(*from, *pc);
            format!(
                "{instructions:>12} trap  {} to {}: {} at {pc:#x} {place} value {value:#x}",
                from.name(),
                to.name(),
                trap_name(*cause)
            )
        }
        Event::Enter { instructions, who, ring, pc, action } => {
            let vmcs = who.vmcs;
            let action = match Action::from_number(*action) {
                Some(Action::Retry) => "retry",
                Some(Action::Complete) => "complete",
                Some(Action::Inject) => "inject",
                None => "unknown action",
            };
            let place = symbols.describe(*ring, *pc);
            format!(
                "{instructions:>12} enter {} at {pc:#x} {place} vmcs {vmcs:#x} action {action}",
                ring.name()
            )
        }
        Event::Exit { instructions, ring, pc, record, call: [extension, function] } => {
            let place = symbols.describe(*ring, *pc);
            let is_call = record.cause == ExitCause::Hypercall as u64;
            let call = sbi::name(*extension, *function).filter(|_| is_call);
            let call = call.map_or(String::new(), |name| format!(" SBI {name}"));
            format!(
                "{instructions:>12} exit  {} at {pc:#x} {place} {}{call}",
                ring.name(),
                describe_exit(record)
            )
        }
        Event::EntryFailure { instructions, pc, field } => {
            let place = symbols.describe(Ring::Hypervisor, *pc);
            let name = field_at(*field).map_or("none", |field| field.name);
            format!(
                "{instructions:>12} entry refused: invalid VMCS field {name} ({field:#x}); Ring -1 goes on at {pc:#x} {place}"
            )
        }
    }
}

/// An exception or interrupt by the number in scause or HVCAUSE.
pub fn trap_name(cause: u64) -> String {
    if cause & INTERRUPT != 0 {
        return format!("interrupt {}", cause & !INTERRUPT);
    }
    match Exception::from_number(cause) {
        Some(exception) => format!("{} ({cause})", exception.name()),
        None => format!("exception {cause}"),
    }
}

/// An exit record in words: the cause, and what of the rest means something.
pub fn describe_exit(record: &ExitRecord) -> String {
    let exit = Exit::from_record(record).ok();
    let name = exit.map_or("unknown", |exit| exit.cause().name());
    let mut text = format!("cause {:#04x} {name}", record.cause);
    if let Some(Exit::EntryFailure(field)) = exit {
        let name = field_at(field.0).map_or("none", |field| field.name);
        return text + &format!(" field {name} ({:#x})", field.0);
    }
    text += &describe_qualification(record.qualification);
    if record.instruction != 0 {
        text += &format!(" [{}]", visa_asm::format_instruction(record.instruction as u32, 0));
    }
    text += &describe_code(exit, record.code);
    for (name, value) in [
        ("gva", record.guest_virtual),
        ("gpa", record.guest_physical),
        ("value", record.value),
        ("cookie", record.cookie),
    ] {
        if value != 0 {
            text += &format!(" {name} {value:#x}");
        }
    }
    text
}

/// VMCODE, if there is one: the name of an MSR, other numbers as they are.
fn describe_code(exit: Option<Exit>, code: u64) -> String {
    if let Some(Exit::MsrAccess(access) | Exit::ControlRegister(access)) = exit
        && let Some(msr) = msr::by_number(access.number)
    {
        return format!(" msr {}", msr.name);
    }
    if code == 0 { String::new() } else { format!(" code {code:#x}") }
}

fn describe_qualification(decoded: Qualification) -> String {
    let mut text = String::new();
    let flags = [
        (decoded.reads(), "read"),
        (decoded.writes(), "write"),
        (decoded.is_fetch(), "fetch"),
        (decoded.is_walk(), "walk"),
        (decoded.is_signed(), "signed"),
        (decoded.is_of_hypervisor(), "host's"),
    ];
    let named: Vec<&str> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
    if !named.is_empty() {
        text += &format!(" {}", named.join("+"));
    }
    if decoded.bytes() != 0 {
        text += &format!(" {} bytes", decoded.bytes());
    }
    if decoded.reads() {
        let kind = if decoded.is_float() { 'F' } else { 'R' };
        text += &format!(" into {kind}{}", decoded.register());
    }
    text
}
