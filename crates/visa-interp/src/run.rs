//! Running a hart: blocks, interrupts, and when to come back.

use std::collections::BTreeSet;

use visa_core::clock::NANOSECONDS_PER_TICK;
use visa_core::memory::{MemoryPort, ResolvedAccess};
use visa_core::model::{Model, Off};
use visa_core::{Hart, Stop, Wait};
use visa_isa::cause::Exception;
use visa_isa::{Ring, decode, trap_filter};
use visa_mem::{Platform, Trial};

use crate::block::{BlockCache, Slot};
use crate::execute::execute;
use crate::flow::Flow;

/// Why a run came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnd {
    /// The limit of retired instructions is reached.
    Limit,
    /// The hart halts until an interrupt.
    Halted,
    /// A device asked for the run to end.
    Stopped,
    /// The hart has something to tell others (`Hart::outgoing`).
    Message,
    /// The PC is at one of [`Interpreter::breakpoints`].
    Breakpoint,
    /// Ring -1 raised three exceptions in a row: cause, value and PC of the last.
    Dead {
        /// HVCAUSE.
        cause: u64,
        /// HVTVAL.
        value: u64,
        /// HVEPC.
        pc: u64,
    },
}

/// What an engine is to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// Execute, up to so many retired instructions.
    Run(u64),
    /// Ask again.
    Again,
    /// Come back.
    End(RunEnd),
}

/// What an interpreter had noted at some moment.
#[derive(Clone, Debug)]
pub struct Mark {
    code_pages: u64,
    seen: Vec<u64>,
    dropped: usize,
}

/// One step of [`Interpreter::step`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Ring and PC before it.
    pub ring: Ring,
    /// The PC.
    pub pc: u64,
    /// The bits of the instruction that was executed, or tried; `None` if an interrupt or a fetch fault came first.
    pub bits: Option<u32>,
}

/// The interpreter: decoded blocks, shared by all harts of a machine.
pub struct Interpreter {
    /// Addresses at which [`Interpreter::run`] comes back before it executes the instruction; steps ignore them.
    pub breakpoints: BTreeSet<u64>,
    cache: BlockCache,
    /// How often a page came to have code; each hart's view of it in `seen`.
    code_pages: u64,
    seen: Vec<u64>,
    /// Offsets of RAM of the pages whose blocks were dropped, for an engine with blocks of its own.
    dropped: Option<Vec<u64>>,
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}

impl Interpreter {
    /// An interpreter that has decoded nothing yet.
    pub fn new() -> Self {
        Interpreter {
            breakpoints: BTreeSet::new(),
            cache: BlockCache::new(),
            code_pages: 0,
            seen: Vec::new(),
            dropped: None,
        }
    }

    /// From now on remembers the pages whose blocks it drops, until [`Interpreter::take_dropped`].
    pub fn remember_dropped(&mut self) {
        self.dropped = Some(Vec::new());
    }

    /// Offsets of RAM of the pages that were written, so that their blocks were dropped, since the last call. Whatever
    /// is made of their code is no longer what is there.
    pub fn take_dropped(&mut self) -> Vec<u64> {
        self.dropped.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What [`Interpreter::take_back`] needs, at the start of a trial ([`visa_mem::Ram::begin_trial`]).
    pub fn mark(&self) -> Mark {
        let dropped = self.dropped.as_ref().map_or(0, Vec::len);
        Mark { code_pages: self.code_pages, seen: self.seen.clone(), dropped }
    }

    /// Takes back what this interpreter has noted since: RAM is again as it was then, so that what was decoded of pages in
    /// which it was not is no longer right, and that they have code is news.
    pub fn take_back(&mut self, mark: Mark, trial: &Trial) {
        (self.code_pages, self.seen) = (mark.code_pages, mark.seen);
        if let Some(dropped) = &mut self.dropped {
            dropped.truncate(mark.dropped);
        }
        trial.written.iter().for_each(|page| self.cache.drop_page(page.offset));
        trial.code_pages.iter().for_each(|page| self.cache.drop_page(*page));
    }

    /// Runs a hart until it has retired `limit` instructions in all, or something else ends the run.
    pub fn run<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        self.run_watched(hart, platform, &mut Off, limit)
    }

    /// The same under the eyes of a cycle model.
    pub fn run_watched<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
        limit: u64,
    ) -> RunEnd {
        self.see_other_harts(hart);
        loop {
            let until = match self.begin(hart, platform, model, limit) {
                Begin::Run(until) => until,
                Begin::Again => continue,
                Begin::End(end) => return end,
            };
            while hart.state.instructions < until && !hart.pending_work {
                let Some(until) = self.before_breakpoint(hart, until) else { return RunEnd::Breakpoint };
                if let Err(wait) = self.run_block(hart, platform, model, until) {
                    return end_of(wait);
                }
            }
        }
    }

    /// What comes before instructions are executed: code that was written, interrupts, single steps.
    fn begin<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
        limit: u64,
    ) -> Begin {
        if let Some(end) = self.look_around(hart, platform, model) {
            return Begin::End(end);
        }
        if hart.state.instructions >= limit {
            return Begin::End(RunEnd::Limit);
        }
        if hart.state.in_guest() && hart.filter(trap_filter::STEP) {
            if self.breakpoints.contains(&hart.state.bank.pc) {
                return Begin::End(RunEnd::Breakpoint);
            }
            self.step_guest(hart, platform, model);
            return Begin::Again;
        }
        let device = platform.next_event().and_then(|ticks| ticks.checked_mul(NANOSECONDS_PER_TICK));
        let device = device.and_then(|due_ns| hart.instructions_at(due_ns));
        let due = hart.timer_deadline().into_iter().chain(device).min();
        Begin::Run(due.map_or(limit, |due| due.clamp(hart.state.instructions + 1, limit)))
    }

    /// [`Interpreter::run`]'s first part, for an engine that executes in its own way: call it before the first
    /// instruction, and again whenever the hart's `attention` is set or the count that it gave is reached.
    pub fn prepare<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> Begin {
        self.see_other_harts(hart);
        self.begin(hart, platform, &mut Off, limit)
    }

    /// Where the next instruction is in RAM, for such an engine, which may have resolved the fetch already. `None`: it could not be fetched,
    /// and the exception or exit has been taken; or the hart has pending work first.
    pub fn locate<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        resolved: Option<ResolvedAccess>,
    ) -> Result<Option<u64>, RunEnd> {
        match hart.fetch(&mut MemoryPort::resolved(platform, resolved), hart.state.bank.pc) {
            // The walk has set A in a page of code: `pending_work` is set, and what was made of that code goes first.
            Ok(_) if platform.ram().any_code_written() => Ok(None),
            Ok(offset) => Ok(Some(offset)),
            Err(stop) => take_fetch_stop(hart, platform, &mut Off, stop).map(|()| None).map_err(end_of),
        }
    }

    /// What the first execution of the block at an offset of RAM does beside executing it: its page has code from then
    /// on. For an engine that translates code before it is executed.
    pub fn visit<P: Platform>(&mut self, hart: &mut Hart, platform: &P, offset: u64) {
        if self.cache.block(platform.ram(), offset).1 {
            self.code_pages += mark_code(hart, platform, offset);
            self.seen[hart.state.id as usize] = self.code_pages;
        }
    }

    /// Executes the block at the PC, which [`Interpreter::locate`] has found at `offset`, up to `until` retired
    /// instructions. What was resolved is of the first one's access.
    pub fn run_located<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        offset: u64,
        until: u64,
        resolved: Option<ResolvedAccess>,
    ) -> Result<(), RunEnd> {
        self.run_block_at(hart, platform, &mut Off, offset, until, resolved).map_err(end_of)
    }

    /// How far a block may run, up to `until` retired instructions, without passing a breakpoint: straight on there
    /// are at most four bytes to an instruction, and a jump ends the block. `None`: the hart is at one.
    #[inline]
    pub fn before_breakpoint(&self, hart: &Hart, until: u64) -> Option<u64> {
        if self.breakpoints.is_empty() {
            return Some(until);
        }
        let pc = hart.state.bank.pc;
        match self.breakpoints.range(pc..).next() {
            None => Some(until),
            Some(&next) if next == pc => None,
            Some(&next) => Some(until.min(hart.state.instructions + ((next - pc) / 4).max(1))),
        }
    }

    /// Executes at most one instruction: for debuggers and traces.
    pub fn step<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P) -> (Step, Option<RunEnd>) {
        self.step_watched(hart, platform, &mut Off)
    }

    /// The same under the eyes of a cycle model.
    pub fn step_watched<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
    ) -> (Step, Option<RunEnd>) {
        self.see_other_harts(hart);
        let before = (hart.state.instructions, hart.state.ring, hart.state.bank.pc);
        if let Some(end) = self.look_around(hart, platform, model) {
            return (Step { ring: hart.state.ring, pc: hart.state.bank.pc, bits: None }, Some(end));
        }
        if before != (hart.state.instructions, hart.state.ring, hart.state.bank.pc) {
            return (Step { ring: before.1, pc: before.2, bits: None }, None);
        }
        let bits = peek(hart, platform);
        let step = Step { ring: hart.state.ring, pc: hart.state.bank.pc, bits };
        if hart.state.in_guest() && hart.filter(trap_filter::STEP) {
            self.step_guest(hart, platform, model);
            return (step, None);
        }
        let until = hart.state.instructions + 1;
        let end = self.run_block(hart, platform, model, until).err().map(end_of);
        (step, end)
    }

    /// Drops stores that the hart knows the way of, if other harts' code came to be in their pages since.
    fn see_other_harts(&mut self, hart: &mut Hart) {
        let id = hart.state.id as usize;
        if self.seen.len() <= id {
            self.seen.resize(id + 1, 0);
        }
        if self.seen[id] != self.code_pages {
            self.seen[id] = self.code_pages;
            hart.mmu.tlb.flush_first_level();
        }
    }

    /// What must be done before the next instruction when `attention` is set or a timer may be due.
    fn look_around<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
    ) -> Option<RunEnd> {
        if platform.ram().any_code_written() {
            self.drop_written(platform);
        }
        hart.pending_work = false;
        if let Some(due) = platform.next_event()
            && hart.ticks() >= due
        {
            platform.tell_time(hart.ticks());
        }
        if platform.stop_requested() {
            return Some(RunEnd::Stopped);
        }
        if !hart.state.outgoing.is_empty() {
            return Some(RunEnd::Message);
        }
        hart.state.external_to_hypervisor = platform.external_interrupt(hart.state.id as usize, true);
        hart.state.external_to_kernel = platform.external_interrupt(hart.state.id as usize, false);
        let (from, pc) = (hart.state.ring, hart.state.bank.pc);
        let taken = hart.take_interrupts();
        if (from, pc) != (hart.state.ring, hart.state.bank.pc) {
            model.diverted(hart, platform.ram(), from);
        }
        taken.err().map(end_of)
    }

    fn drop_written<P: Platform>(&mut self, platform: &mut P) {
        for page in platform.ram().take_written() {
            self.cache.drop_page(page);
            platform.ram().unmark_code(page);
            if let Some(dropped) = &mut self.dropped {
                dropped.push(page);
            }
        }
    }

    /// One instruction of a guest whose hypervisor single-steps it (VMTRAPCFG b9).
    fn step_guest<P: Platform, M: Model>(&mut self, hart: &mut Hart, platform: &mut P, model: &mut M) {
        let retired = hart.state.instructions;
        // A guest cannot make the hart dead.
        let _ = self.run_block(hart, platform, model, retired + 1);
        if hart.state.in_guest() && hart.state.instructions != retired {
            let from = hart.state.ring;
            hart.exit_by_step();
            model.diverted(hart, platform.ram(), from);
        }
    }

    /// Executes the block at the PC, up to `until` retired instructions.
    fn run_block<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
        until: u64,
    ) -> Result<(), Wait> {
        let offset = match hart.fetch(&mut MemoryPort::new(platform), hart.state.bank.pc) {
            Ok(offset) => offset,
            Err(stop) => return take_fetch_stop(hart, platform, model, stop),
        };
        // The walk may have set A in a page of code, this one too.
        if platform.ram().any_code_written() {
            self.drop_written(platform);
        }
        self.run_block_at(hart, platform, model, offset, until, None)
    }

    fn run_block_at<P: Platform, M: Model>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        model: &mut M,
        offset: u64,
        until: u64,
        mut resolved: Option<ResolvedAccess>,
    ) -> Result<(), Wait> {
        let (slots, fresh) = self.cache.block(platform.ram(), offset);
        if fresh {
            self.code_pages += mark_code(hart, platform, offset);
            self.seen[hart.state.id as usize] = self.code_pages;
        }
        if slots.is_empty() {
            return run_alone(hart, platform, model);
        }
        for slot in slots {
            match execute_watched(hart, &mut MemoryPort::resolved(platform, resolved.take()), model, slot) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(stop) => return take_stop(hart, platform, model, stop, slot),
            }
            if hart.state.instructions >= until || hart.pending_work {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Executes one instruction at the PC, for an engine that has decoded it, and may have resolved its access. It retires, or its exception or
/// exit is taken.
pub fn execute_slot<P: Platform>(
    hart: &mut Hart,
    platform: &mut P,
    slot: &Slot,
    resolved: Option<ResolvedAccess>,
) -> Result<(), RunEnd> {
    match execute_watched(hart, &mut MemoryPort::resolved(platform, resolved), &mut Off, slot) {
        Ok(_) => Ok(()),
        Err(stop) => take_stop(hart, platform, &mut Off, stop, slot).map_err(end_of),
    }
}

/// Executes the instruction at the PC, which reaches into the next page or is illegal, likewise.
pub fn execute_alone<P: Platform>(hart: &mut Hart, platform: &mut P) -> Result<(), RunEnd> {
    run_alone(hart, platform, &mut Off).map_err(end_of)
}

/// Executes an instruction, moves the PC on and counts it; false if it switched worlds.
#[inline(always)]
fn execute_watched<P: Platform, M: Model>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    model: &mut M,
    slot: &Slot,
) -> Result<bool, Stop> {
    let pc = hart.state.bank.pc;
    let before = model.before(hart, memory.platform.ram(), &slot.instruction);
    match execute(hart, memory, &slot.instruction) {
        Ok(Flow::Next) => hart.state.bank.pc = pc.wrapping_add(slot.instruction.length as u64),
        Ok(Flow::Jump(target)) => hart.state.bank.pc = target,
        Ok(Flow::Switched) => {
            model.switched(hart, memory.platform.ram(), &slot.instruction, before, pc);
            return Ok(false);
        }
        Err(stop) => {
            model.stopped(hart, memory.platform.ram(), &slot.instruction, before);
            return Err(stop);
        }
    }
    hart.state.instructions += 1;
    model.retired(hart, memory.platform.ram(), &slot.instruction, before, pc);
    Ok(true)
}

fn end_of(wait: Wait) -> RunEnd {
    match wait {
        Wait::Interrupt => RunEnd::Halted,
        Wait::Dead { cause, value, pc } => RunEnd::Dead { cause, value, pc },
    }
}

/// Marks the page of a new block as one with code; 1 if it was not.
fn mark_code<P: Platform>(hart: &mut Hart, platform: &P, offset: u64) -> u64 {
    let ram = platform.ram();
    if ram.has_code(offset) {
        return 0;
    }
    ram.mark_code(offset);
    hart.mmu.tlb.forget_stores_to(offset);
    1
}

/// Executes an instruction that no block holds: it reaches into the next page, or it is illegal.
fn run_alone<P: Platform, M: Model>(hart: &mut Hart, platform: &mut P, model: &mut M) -> Result<(), Wait> {
    let bits = match fetch_bits(hart, platform, hart.state.bank.pc) {
        Ok(bits) => bits,
        Err(stop) => return take_fetch_stop(hart, platform, model, stop),
    };
    let Some(instruction) = decode(bits) else {
        let from = hart.state.ring;
        model.fetch_stopped(hart, platform.ram());
        let taken = if hart.exits_by_exception(Exception::IllegalInstruction, bits as u64) {
            hart.describe_undecoded(bits);
            hart.leave_guest();
            Ok(())
        } else {
            hart.take_exception(Exception::IllegalInstruction, bits as u64)
        };
        model.diverted(hart, platform.ram(), from);
        return taken;
    };
    let slot = Slot { instruction, bits };
    match execute_watched(hart, &mut MemoryPort::new(platform), model, &slot) {
        Ok(_) => Ok(()),
        Err(stop) => take_stop(hart, platform, model, stop, &slot),
    }
}

/// The bits of the instruction at an address, fetched in halves.
fn fetch_bits<P: Platform>(hart: &mut Hart, platform: &mut P, address: u64) -> Result<u32, Stop> {
    let fault = |address| Stop::Exception(Exception::FetchAccessFault, address);
    let offset = hart.fetch(&mut MemoryPort::new(platform), address)?;
    let low = platform.ram().load_u16(offset).ok_or(fault(address))? as u32;
    if low & 3 != 3 {
        return Ok(low);
    }
    let second = address.wrapping_add(2);
    let offset = hart.fetch(&mut MemoryPort::new(platform), second)?;
    let high = platform.ram().load_u16(offset).ok_or(fault(second))? as u32;
    Ok(high << 16 | low)
}

/// The bits at the PC for observers, who leave no trace: nothing is counted, remembered or set. `None`: it cannot be fetched.
fn peek<P: Platform>(hart: &Hart, platform: &P) -> Option<u32> {
    let ram = platform.ram();
    let half = |address| {
        hart.mmu
            .foresee_fetch(&hart.state, ram, address)
            .and_then(|offset| ram.load_u16(offset))
            .map(u32::from)
    };
    let low = half(hart.state.bank.pc)?;
    if low & 3 == 3 { Some(half(hart.state.bank.pc.wrapping_add(2))? << 16 | low) } else { Some(low) }
}

/// Takes the stop of an instruction, which has had no effect.
#[cold]
fn take_stop<P: Platform, M: Model>(
    hart: &mut Hart,
    platform: &P,
    model: &mut M,
    stop: Stop,
    slot: &Slot,
) -> Result<(), Wait> {
    let from = hart.state.ring;
    let exception = match stop {
        Stop::Illegal => Some((Exception::IllegalInstruction, slot.bits as u64)),
        Stop::Exception(exception, value) => Some((exception, value)),
        Stop::Exit => None,
    };
    let taken = match exception {
        Some((exception, value)) if !hart.exits_by_exception(exception, value) => {
            hart.take_exception(exception, value)
        }
        _ => {
            hart.describe_exit(&slot.instruction, slot.bits);
            hart.leave_guest();
            Ok(())
        }
    };
    model.diverted(hart, platform.ram(), from);
    taken
}

/// Takes the stop of a fetch: there is no instruction to describe.
#[cold]
fn take_fetch_stop<P: Platform, M: Model>(
    hart: &mut Hart,
    platform: &P,
    model: &mut M,
    stop: Stop,
) -> Result<(), Wait> {
    hart.pending_work = true;
    let from = hart.state.ring;
    model.fetch_stopped(hart, platform.ram());
    let taken = match stop {
        Stop::Illegal => hart.take_exception(Exception::IllegalInstruction, 0),
        Stop::Exception(exception, value) => hart.take_exception(exception, value),
        Stop::Exit => {
            hart.leave_guest();
            Ok(())
        }
    };
    model.diverted(hart, platform.ram(), from);
    taken
}
