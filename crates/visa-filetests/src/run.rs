//! Runs a program and makes its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use visa_core::Event;
use visa_isa::Ring;
use visa_isa::cause::INTERRUPT;
use visa_isa::exit::{Exit, InvalidField, Qualification, qualification};
use visa_isa::msr;
use visa_isa::msr::sstatus;
use visa_machine::board::{Board, BoardConfig};
use visa_machine::machine::{self, EngineKind, Machine, Progress, TimeSource};
use visa_mem::Platform;

use crate::check::{Check, Words};
use crate::program::{Checkpoint, End, Program};
use crate::state::{self, Picture, differences, picture};

/// What runs the program. The same file must give the same results on every one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// The interpreter, running freely.
    Interpreter,
    /// The interpreter, called for each instruction anew.
    InterpreterByOne,
    /// The interpreter step by step, as a trace looks at each instruction before it is executed.
    InterpreterTraced,
    /// The JIT, running freely, which translates everything before it is executed.
    Jit,
    /// The same with slices of a few instructions.
    JitBySlices,
    /// The JIT without stops at checks, which it never guesses or optimises around; compared with the interpreter at the end.
    JitWithoutStops,
}

impl Engine {
    /// Every engine that this build has: without a JIT the interpreter alone.
    pub fn all() -> impl Iterator<Item = Engine> {
        let generates = machine::GENERATES_CODE;
        Engine::ALL.into_iter().filter(move |engine| generates || engine.kind() == EngineKind::Interpreter)
    }

    /// Every engine, the reference first.
    const ALL: [Engine; 6] = [
        Engine::Interpreter,
        Engine::InterpreterByOne,
        Engine::InterpreterTraced,
        Engine::Jit,
        Engine::JitBySlices,
        Engine::JitWithoutStops,
    ];

    /// The engine's name in the names of tests.
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Interpreter => "interpreter",
            Engine::InterpreterByOne => "interpreter-by-one",
            Engine::InterpreterTraced => "interpreter-traced",
            Engine::Jit => "jit",
            Engine::JitBySlices => "jit-by-slices",
            Engine::JitWithoutStops => "jit-without-stops",
        }
    }

    /// The machine's engine.
    fn kind(self) -> EngineKind {
        match self {
            Engine::Interpreter | Engine::InterpreterByOne | Engine::InterpreterTraced => {
                EngineKind::Interpreter
            }
            _ => EngineKind::Jit { threshold: Some(0), optimise: Some(50) },
        }
    }

    /// Most instructions of a slice. Where a slice ends, no turn of several harts does.
    fn slice(self) -> u64 {
        match self {
            Engine::JitBySlices => 7,
            Engine::InterpreterByOne => 1,
            _ => u64::MAX,
        }
    }
}

/// A test that failed: where, and what was expected and found.
#[derive(Clone, Debug)]
pub struct Failure {
    place: String,
    message: String,
    trace: Vec<String>,
}

impl Failure {
    /// A failure without a trace.
    pub(crate) fn plain(place: &str, message: String) -> Failure {
        Failure { place: place.into(), message, trace: Vec::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if !self.trace.is_empty() {
            write!(f, "\nlast instructions:")?;
        }
        self.trace.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for Failure {}

/// Most rounds without an instruction before a run counts as stuck.
const MOST_IDLE_ROUNDS: u32 = 10_000;
/// Instructions that a failure shows.
const TRACE_LENGTH: usize = 16;

/// Runs a program on an engine; returns the log of its events.
pub fn run(program: &Program, engine: Engine) -> Result<Vec<String>, Failure> {
    let mut run = Run::new(program, engine).map_err(|message| Failure::plain(&program.name, message))?;
    let result = match engine {
        Engine::JitWithoutStops => run.compare_at_end(),
        _ => run.run_to_end(),
    };
    match result {
        Ok(()) => Ok(run.log),
        Err((line, message)) => {
            let place = match line {
                0 => program.name.clone(),
                line => format!("{}:{line}", program.name),
            };
            Err(Failure { place, message, trace: trace(program, run.machine.instructions()) })
        }
    }
}

/// A failed check: the line (0: none) and the message.
type Failed = (u32, String);

struct Run<'a> {
    program: &'a Program,
    engine: Engine,
    machine: Machine,
    reached: BTreeSet<u32>,
    mark: Option<Picture>,
    /// Instructions at the mark, for counters that are not in the picture.
    mark_values: BTreeMap<String, u64>,
    log: Vec<String>,
    /// Exceptions of Ring -1 that no check has named yet.
    unnamed: Vec<String>,
}

fn machine_of(program: &Program) -> Result<Machine, String> {
    let directives = &program.directives;
    let config = BoardConfig { ram_bytes: directives.ram, harts: directives.harts, start_time_ns: 0 };
    let board = Board::new(&config).map_err(|error| error.to_string())?;
    for section in program.sections() {
        let outside = || format!("section {} is outside of RAM", section.name);
        let offset = board.ram().offset_of(section.address, section.size).ok_or_else(outside)?;
        board.ram().write_bytes(offset, &section.data).ok_or_else(outside)?;
    }
    let mut machine = Machine::new(board, program.object.entry, 0, TimeSource::Instructions);
    machine.harts.iter_mut().for_each(|hart| hart.observers.keep_events());
    Ok(machine)
}

impl<'a> Run<'a> {
    fn new(program: &'a Program, engine: Engine) -> Result<Run<'a>, String> {
        let mut machine = machine_of(program)?;
        machine.set_engine(engine.kind());
        *machine.breakpoints_mut() = program.checkpoints.keys().copied().collect();
        Ok(Run {
            program,
            engine,
            machine,
            reached: BTreeSet::new(),
            mark: None,
            mark_values: BTreeMap::new(),
            log: Vec::new(),
            unnamed: Vec::new(),
        })
    }

    /// Runs without checks, and compares the end and all events with those of the interpreter.
    fn compare_at_end(&mut self) -> Result<(), Failed> {
        let mut reference = Run::new(self.program, Engine::Interpreter).map_err(|message| (0, message))?;
        let [expected, found] = [&mut reference, &mut *self].map(|run| {
            run.machine.breakpoints_mut().clear();
            let end = run.until_end();
            run.collect_events()?;
            end
        });
        let (expected, found) = (format!("{:?}", expected?), format!("{:?}", found?));
        same("the run's end", &expected, &found)?;
        same("instructions", &reference.machine.instructions(), &self.machine.instructions())?;
        for (number, (one, other)) in reference.log.iter().zip(&self.log).enumerate() {
            same(&format!("event {number}"), one, other)?;
        }
        same("events", &reference.log.len(), &self.log.len())?;
        for (one, other) in reference.machine.harts.iter().zip(&self.machine.harts) {
            let [before, now] = [(&reference.machine, one), (&self.machine, other)]
                .map(|(machine, hart)| picture(machine, hart));
            let differing = differences(&before, &now, &[]);
            if !differing.is_empty() {
                return Err((
                    0,
                    format!("at the end this is not as the interpreter has it: {}", differing.join(", ")),
                ));
            }
        }
        Ok(())
    }

    fn run_to_end(&mut self) -> Result<(), Failed> {
        let end = self.until_end()?;
        self.collect_events()?;
        let expected = self.program.directives.end;
        if end != expected {
            return Err((
                0,
                format!("the run's end\n  expected {expected:?}\n  found    {end:?}{}", self.last_words()),
            ));
        }
        let lines = self.program.checkpoints.values().flatten().map(|checkpoint| checkpoint.line);
        if let Some(line) = lines.into_iter().find(|line| !self.reached.contains(line)) {
            return Err((line, "this is never reached".into()));
        }
        if let (Some(trap), false) = (self.unnamed.first(), matches!(end, End::Dead(_))) {
            return Err((0, format!("Ring -1 took an exception that no check names: {trap}")));
        }
        self.check_exits()
    }

    /// What helps to see why a run ended as it did not have to.
    fn last_words(&self) -> String {
        let hart = &self.machine.harts[0];
        format!(
            "\n  {} at {:#x}, VMCAUSE {:#x}, VMQUAL {:#x}, VMPC {:#x}, HVCAUSE {:#x}, HVEPC {:#x}",
            hart.state.ring.name(),
            hart.state.bank.pc,
            hart.state.exit.cause,
            hart.state.exit.qualification,
            hart.state.guest_bank().pc,
            hart.state.hypervisor.hvcause,
            hart.state.hypervisor.hvepc
        )
    }

    fn until_end(&mut self) -> Result<End, Failed> {
        let limit = self.program.directives.limit;
        let mut idle_rounds = 0;
        loop {
            let before = self.machine.instructions();
            if before >= limit {
                return Err((0, format!("{limit} instructions did not end it{}", self.last_words())));
            }
            let mut progress = self.advance(limit - before);
            if let Progress::Breakpoint(hart) = progress {
                self.checkpoint(hart)?;
                progress = self.machine.step(hart).1;
            }
            match progress {
                Progress::Ended(machine::End::Finished(code)) => return Ok(End::Finished(code)),
                Progress::Ended(machine::End::Reset) => return Ok(End::Reset),
                Progress::Ended(machine::End::Dead { cause, .. }) => return Ok(End::Dead(cause)),
                Progress::Idle(_) => return Ok(End::Idle),
                Progress::Running | Progress::Breakpoint(_) => {}
            }
            idle_rounds = if self.machine.instructions() == before { idle_rounds + 1 } else { 0 };
            if idle_rounds > MOST_IDLE_ROUNDS {
                return Err((0, format!("it does not go on{}", self.last_words())));
            }
        }
    }

    /// Runs a slice, or a step of the hart that is the next to execute.
    fn advance(&mut self, most: u64) -> Progress {
        if self.engine == Engine::InterpreterTraced {
            let next = self.machine.next_hart();
            let (waits, pc) =
                (self.machine.harts[next].state.waiting, self.machine.harts[next].state.bank.pc);
            if !waits && !self.machine.breakpoints_mut().contains(&pc) {
                return self.machine.step(next).1;
            }
        }
        self.machine.run_slice(u64::MAX, self.engine.slice().min(most))
    }

    fn check_exits(&self) -> Result<(), Failed> {
        let Some(expected) = &self.program.directives.exits else { return Ok(()) };
        let totals = self.machine.totals().exits;
        let found = totals.iter().map(|(cause, &count)| (cause.name().to_string(), count)).collect();
        match *expected == found {
            true => Ok(()),
            false => Err((0, format!("VM exits by cause\n  expected {expected:?}\n  found    {found:?}"))),
        }
    }

    fn collect_events(&mut self) -> Result<(), Failed> {
        for hart in &mut self.machine.harts {
            for event in hart.observers.take_events() {
                if let Event::Exit { record, .. } = &event
                    && let Some(message) = crate::event::unexplained(record)
                {
                    return Err((0, message));
                }
                let line = crate::event::line(&event, &|address| show(self.program, address));
                let is_own = matches!(event, Event::Trap { to: Ring::Hypervisor, cause, .. } if cause & INTERRUPT == 0);
                if is_own {
                    self.unnamed.push(line.clone());
                }
                self.log.push(line);
            }
        }
        Ok(())
    }

    /// Makes the checks at the PC of a hart.
    fn checkpoint(&mut self, hart: usize) -> Result<(), Failed> {
        self.collect_events()?;
        let pc = self.machine.harts[hart].state.bank.pc;
        for checkpoint in self.program.checkpoints.get(&pc).into_iter().flatten() {
            self.reached.insert(checkpoint.line);
            self.make(checkpoint, hart).map_err(|message| (checkpoint.line, message))?;
        }
        Ok(())
    }

    fn make(&mut self, checkpoint: &Checkpoint, hart: usize) -> Result<(), String> {
        for check in &checkpoint.checks {
            match check {
                Check::Equal(name, value) => {
                    let (expected, found) = (self.evaluate(hart, value)?, self.evaluate(hart, name)?);
                    equal(name, expected, found)?;
                }
                Check::Grown(name, value) => {
                    let before = *self.mark_values.get(name.as_str()).ok_or("there is no mark")?;
                    let expected = before.wrapping_add(self.evaluate(hart, value)?);
                    equal(name, expected, self.evaluate(hart, name)?)?;
                }
                Check::Mark => self.set_mark(hart),
                Check::Same(except) => self.check_same(hart, except)?,
                Check::Exit(words) => self.check_exit(hart, words)?,
                Check::Refused(offset) => self.check_refused(hart, offset)?,
                Check::Trap(words) => self.check_trap(hart, words)?,
                Check::Hypervisor(words) => self.check_hypervisor(hart, words)?,
            }
        }
        Ok(())
    }

    fn evaluate(&self, hart: usize, text: &str) -> Result<u64, String> {
        let name = |name: &str| self.named(hart, name);
        crate::expression::evaluate(text, &name)
    }

    /// The value of a symbol, a register, or memory.
    fn named(&self, hart: usize, name: &str) -> Option<u64> {
        let hart_state = &self.machine.harts[hart];
        if let Some((width, address)) = name.strip_prefix("mem").and_then(|rest| rest.split_once('[')) {
            let address = self.evaluate(hart, address.strip_suffix(']')?).ok()?;
            return state::memory(&self.machine, width.parse().ok()?, address);
        }
        if name == "WALK_REFERENCES" {
            return Some(hart_state.state.statistics.walk_references);
        }
        self.program.object.symbol(name).or_else(|| state::value(hart_state, name))
    }

    fn set_mark(&mut self, hart: usize) {
        let grown = self.program.checkpoints.values().flatten().flat_map(|checkpoint| &checkpoint.checks);
        let names: BTreeSet<String> = grown
            .filter_map(|check| match check {
                Check::Grown(name, _) => Some(name.clone()),
                _ => None,
            })
            .collect();
        self.mark_values = names
            .into_iter()
            .filter_map(|name| self.evaluate(hart, &name).ok().map(|value| (name, value)))
            .collect();
        self.mark = Some(picture(&self.machine, &self.machine.harts[hart]));
    }

    fn check_same(&self, hart: usize, except: &[String]) -> Result<(), String> {
        let before = self.mark.as_ref().ok_or("there is no mark")?;
        let now = picture(&self.machine, &self.machine.harts[hart]);
        let changed = differences(before, &now, except);
        match changed.is_empty() {
            true => Ok(()),
            false => Err(format!("this changed since the mark: {}", changed.join(", "))),
        }
    }

    fn check_refused(&self, hart: usize, offset: &str) -> Result<(), String> {
        let state = &self.machine.harts[hart].state;
        equal("RING", u64::MAX, state::value(&self.machine.harts[hart], "RING").unwrap_or_default())?;
        let expected = Exit::EntryFailure(InvalidField(self.evaluate(hart, offset)? as u16)).record();
        equal("VMCAUSE", expected.cause, state.exit.cause)?;
        equal_qualification(expected.qualification, state.exit.qualification)?;
        self.check_same(hart, &["VMCAUSE".into(), "VMQUAL".into()])
    }

    /// The whole exit record: what the words do not name must be zero.
    fn check_exit(&self, hart: usize, words: &Words) -> Result<(), String> {
        let state = &self.machine.harts[hart].state;
        if state.ring != Ring::Hypervisor {
            return Err(format!("expected Ring -1 after an exit, found {}", state.ring.name()));
        }
        let value = |key: &str| words.get(key).map_or(Ok(0), |text| self.evaluate(hart, text));
        equal("VMCAUSE", self.evaluate(hart, &words.cause)?, state.exit.cause)?;
        let ring = if value("ring")? == Ring::User as u64 { Ring::User } else { Ring::Kernel };
        let mut qualification = Qualification::of_bytes(value("size")?)
            | Qualification::of_register(value("reg")? as u8)
            | Qualification::of_ring(ring);
        let mut instruction = value("inst")?;
        let mut length = value("len")?;
        if let Some(text) = words.get("at") {
            let address = self.evaluate(hart, text)?;
            equal("VMPC", address, state.guest_bank().pc)?;
            let bits = self.program.bits_at(address).ok_or(format!("there is no code at `{text}`"))?;
            instruction = u64::from(bits);
            length = if bits & 3 == 3 { 4 } else { 2 };
        }
        for flag in &words.flags {
            qualification |= self::flag(flag);
        }
        qualification |= Qualification::of_length(length);
        equal_qualification(qualification, state.exit.qualification)?;
        if words.get("pc").is_some() {
            equal("VMPC", value("pc")?, state.guest_bank().pc)?;
        }
        equal("VMINST", instruction, state.exit.instruction)?;
        equal("VMGVA", value("gva")?, state.exit.guest_virtual)?;
        equal("VMGPA", value("gpa")?, state.exit.guest_physical)?;
        equal("VMVALUE", value("value")?, state.exit.value)?;
        equal("VMCODE", value("code")?, state.exit.code)?;
        equal("VMCOOKIE", value("cookie")?, state.exit.cookie)?;
        equal("VMRESULT", value("result")?, state.vm.result)?;
        equal("VMRING", value("ring")?, state.inactive[0].ring)?;
        equal("VMACTION", 0, state.vm.action)
    }

    /// A trap to Ring 0, after which the handler of the prelude left by VMEXIT.
    fn check_trap(&self, hart: usize, words: &Words) -> Result<(), String> {
        let state = &self.machine.harts[hart].state;
        let supervisor = &state.supervisor;
        let value = |key: &str| words.get(key).map_or(Ok(0), |text| self.evaluate(hart, text));
        let interrupt = if words.has("interrupt") { INTERRUPT } else { 0 };
        equal("VMCAUSE", 0x0c, state.exit.cause)?;
        let handler = self.program.object.symbol("guest_trap").unwrap_or_default();
        if interrupt == 0 {
            equal("VMPC", handler, state.guest_bank().pc)?;
        }
        equal("SCAUSE", self.evaluate(hart, &words.cause)? | interrupt, supervisor.scause)?;
        if let Some(at) = words.get("at").or(words.get("pc")) {
            equal("SEPC", self.evaluate(hart, at)?, supervisor.sepc)?;
        }
        let tval = match words.get("tval") {
            Some("inst") => {
                u64::from(self.program.bits_at(value("at")?).ok_or("there is no code at the label")?)
            }
            _ => value("tval")?,
        };
        equal("STVAL", tval, supervisor.stval)?;
        let from = if supervisor.sstatus & sstatus::SPP == 0 { 3 } else { 0 };
        equal("the ring before the trap", value("from")?, from)
    }

    fn check_hypervisor(&mut self, hart: usize, words: &Words) -> Result<(), String> {
        let taken = std::mem::take(&mut self.unnamed);
        if taken.len() != 1 {
            return Err(format!(
                "expected one exception of Ring -1, found {}: {}",
                taken.len(),
                taken.join("; ")
            ));
        }
        let of_hart = &self.machine.harts[hart];
        let own = &of_hart.state.hypervisor;
        equal("HVCAUSE", self.evaluate(hart, &words.cause)?, own.hvcause)?;
        let value = |key: &str| words.get(key).map_or(Ok(0), |text| self.evaluate(hart, text));
        if words.get("at").is_some() {
            // The handler of the prelude has stepped HVEPC past the instruction.
            equal("HVEPC", value("at")?, own.hvepc.wrapping_sub(4))?;
        }
        let tval = match words.get("tval") {
            Some("inst") => {
                u64::from(self.program.bits_at(value("at")?).ok_or("there is no code at the label")?)
            }
            _ => value("tval")?,
        };
        equal("HVTVAL", tval, of_hart.read_msr(msr::HVTVAL).unwrap_or_default())
    }
}

fn same<T: PartialEq + fmt::Display>(name: &str, expected: &T, found: &T) -> Result<(), Failed> {
    match expected == found {
        true => Ok(()),
        false => Err((0, format!("{name}\n  interpreter {expected}\n  JIT         {found}"))),
    }
}

fn equal(name: &str, expected: u64, found: u64) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{name}\n  expected {expected:#x}\n  found    {found:#x}")),
    }
}

fn equal_qualification(expected: Qualification, found: Qualification) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let show = |value: Qualification| {
        let field = |field: &qualification::Field| {
            let part = value.bits() >> field.low & ((1 << field.width) - 1);
            (part != 0).then(|| format!("{} {part:#x}", field.name))
        };
        qualification::FIELDS.iter().filter_map(field).collect::<Vec<_>>().join(", ")
    };
    Err(format!(
        "VMQUAL\n  expected {expected:#x} ({})\n  found    {found:#x} ({})",
        show(expected),
        show(found)
    ))
}

fn flag(name: &str) -> Qualification {
    match name {
        "write" => Qualification::WRITE,
        "signed" => Qualification::SIGNED,
        "execute" => Qualification::FETCH,
        "float" => Qualification::FLOAT,
        "walk" => Qualification::WALK,
        "read" => Qualification::READ,
        _ => Qualification::OF_HYPERVISOR,
    }
}

/// Runs the program again up to so many retired instructions, one by one, and shows the last.
fn trace(program: &Program, until: u64) -> Vec<String> {
    let Ok(mut machine) = machine_of(program) else { return Vec::new() };
    let mut lines = std::collections::VecDeque::new();
    for _ in 0..until.saturating_mul(2).saturating_add(TRACE_LENGTH as u64) {
        if machine.instructions() >= until {
            break;
        }
        let (step, progress) = machine.step(0);
        if let Some(bits) = step.bits {
            let text = visa_asm::format_instruction(bits, step.pc);
            lines.push_back(format!(
                "{:>7} {:#x}: {text}{}",
                step.ring.name(),
                step.pc,
                near(program, step.pc)
            ));
            if lines.len() > TRACE_LENGTH {
                lines.pop_front();
            }
        }
        if !matches!(progress, Progress::Running) {
            break;
        }
    }
    lines.into()
}

/// The symbol at or closely before an address, for the end of a line.
fn near(program: &Program, address: u64) -> String {
    symbol_at(program, address).map_or(String::new(), |(name, distance)| format!("\t<{name}+{distance:#x}>"))
}

/// An address of the program as a symbol, so that a log does not change with what stands before; others in hexadecimal.
fn show(program: &Program, address: u64) -> String {
    match symbol_at(program, address) {
        Some((name, 0)) => name.into(),
        Some((name, distance)) => format!("{name}+{distance:#x}"),
        None => format!("{address:#x}"),
    }
}

/// The label closest before an address in the program's sections, and the distance.
fn symbol_at(program: &Program, address: u64) -> Option<(&str, u64)> {
    program.sections().find(|section| address.wrapping_sub(section.address) < section.size)?;
    let symbols = program.object.symbols.iter().filter(|symbol| symbol.section.is_some());
    let known = symbols.filter(|symbol| symbol.value <= address && !symbol.name.starts_with("__check"));
    known.max_by_key(|symbol| symbol.value).map(|symbol| (symbol.name.as_str(), address - symbol.value))
}
