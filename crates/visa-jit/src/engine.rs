//! Which code runs next.

use std::collections::BTreeSet;

use visa_core::Hart;
use visa_core::memory::ResolvedAccess;
use visa_interp::{Begin, CodeStatistics, Engine, GeneratedCode, Interpreter, RunEnd};
use visa_mem::Platform;

use crate::cache::Cache;
use crate::coverage;
use crate::optimise::Addresses;
use crate::optimise::policy::Policy;
use crate::optimise::trace::{Step as Traced, TRACE_LENGTH, Trace, page_of};
use crate::predicted;
use crate::runtime::{Environment, Exit};
use crate::settings::{CheckedCode, Settings};

/// Most instructions between two looks around.
const SPAN: u64 = 1 << 40;

/// The engine.
pub struct Jit {
    /// For what is cold, and for observers.
    interpreter: Interpreter,
    /// `None`: the host gives no memory for code.
    cache: Option<Cache>,
    /// What is optimised.
    policy: Policy,
    /// The breakpoints that the code in the cache knows of.
    breakpoints: BTreeSet<u64>,
    /// The address on the host of the RAM that the code in the cache is for.
    ram: u64,
}

impl Jit {
    /// An engine that has translated nothing yet.
    pub fn new(settings: Settings) -> Jit {
        let Settings { threshold, optimise, code_limit, check } = settings;
        let mut interpreter = Interpreter::new();
        interpreter.remember_dropped();
        let mut cache = Cache::new().ok();
        if let Some(cache) = &mut cache {
            cache.threshold = threshold.unwrap_or(cache.threshold);
            if let Some(bytes) = code_limit {
                cache.set_limit(bytes);
            }
            if let Some(CheckedCode { per_million, seed }) = check {
                (cache.checked, cache.checked_blocks) = (!coverage::ON, (per_million, seed));
            }
        }
        let mut policy = Policy::new();
        if let Some(period) = optimise {
            policy.at_once(period);
        }
        Jit { interpreter, cache, policy, breakpoints: BTreeSet::new(), ram: 0 }
    }
}

impl GeneratedCode for Jit {
    fn statistics(&self) -> CodeStatistics {
        self.cache.as_ref().map_or(CodeStatistics::default(), |cache| CodeStatistics {
            blocks: cache.translated,
            optimised: cache.optimised,
            predictions: cache.predictions.len() as u64,
            code_bytes: cache.bytes() as u64,
            reclaimed: cache.reclaimed,
        })
    }

    fn faults(&self) -> Vec<String> {
        let faults = self.cache.iter().flat_map(|cache| &cache.faults);
        faults.map(|fault| fault.to_string()).collect()
    }
}

impl<P: Platform> Engine<P> for Jit {
    fn name(&self) -> &'static str {
        "jit"
    }

    fn interpreter(&mut self) -> &mut Interpreter {
        &mut self.interpreter
    }

    fn generated(&self) -> Option<&dyn GeneratedCode> {
        Some(self)
    }

    fn run(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        let Some(cache) = &mut self.cache else { return self.interpreter.run(hart, platform, limit) };
        if self.breakpoints != self.interpreter.breakpoints {
            self.breakpoints.clone_from(&self.interpreter.breakpoints);
            cache.drop_all();
            self.policy.drop_all();
        }
        let bias = platform.ram().host_pointer() as u64;
        if self.ram != bias {
            self.ram = bias;
            cache.drop_all();
            self.policy.drop_all();
        }
        if hart.mmu.tlb.bias() != bias {
            hart.mmu.tlb.set_bias(bias);
        }
        let (interpreter, policy) = (&mut self.interpreter, &mut self.policy);
        let mut run = Run { interpreter, cache, policy, breakpoints: &self.breakpoints };
        run.until_end(hart, platform, limit)
    }
}

/// How generated code was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    /// By a link, whose target is the hart's PC.
    By(u32),
    /// Because the block at the PC computes floating point.
    ForFloat,
    /// Because it is time for a sample: in blocks, or (true) in an optimised loop.
    ForSample(bool),
    /// Otherwise, or not at all.
    Elsewhere,
}

/// One run.
struct Run<'a> {
    interpreter: &'a mut Interpreter,
    cache: &'a mut Cache,
    policy: &'a mut Policy,
    breakpoints: &'a BTreeSet<u64>,
}

impl Run<'_> {
    fn until_end<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        let mut environment = Environment::new(platform, self.cache.jumps());
        loop {
            let begin = self.interpreter.prepare(hart, platform, limit);
            for page in self.interpreter.take_dropped() {
                self.cache.drop_page(page);
                self.policy.drop_page(page);
            }
            match begin {
                Begin::Run(until) => {
                    if let Err(end) = self.until(hart, platform, &mut environment, until) {
                        return end;
                    }
                }
                Begin::Again => {}
                Begin::End(end) => return end,
            }
        }
    }

    /// Executes until so many instructions have retired, or the hart wants attention.
    fn until<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        environment: &mut Environment,
        until: u64,
    ) -> Result<(), RunEnd> {
        let mut left = Left::Elsewhere;
        while hart.state.instructions < until && !hart.pending_work {
            if let Left::ForSample(optimised) = left {
                left = Left::Elsewhere;
                let before = hart.state.instructions;
                self.sample(hart, platform, environment, optimised, until)?;
                if hart.state.instructions == before {
                    self.advance(hart, platform, environment, until)?;
                }
                continue;
            }
            self.install(platform);
            if !self.breakpoints.is_empty() && self.breakpoints.contains(&hart.state.bank.pc) {
                return Err(RunEnd::Breakpoint);
            }
            let Some(offset) = self.interpreter.locate(hart, platform, environment.resolved_fetch.take())?
            else {
                return Ok(());
            };
            let pc = hart.state.bank.pc;
            let reclaimed = self.cache.reclaimed;
            let Some(code) = self.code(hart, platform, offset, pc) else {
                self.interpret(hart, platform, offset, until, environment.resolved_access.take())?;
                left = Left::Elsewhere;
                continue;
            };
            if let Left::By(link) = left
                && reclaimed == self.cache.reclaimed
            {
                let addend = hart.mmu.tlb.bias().wrapping_add(offset).wrapping_sub(pc);
                self.cache.close_loop(link, platform.ram(), offset, self.breakpoints);
                self.cache.connect(link, offset, addend);
            }
            let before_sample = self.policy.next_sample(hart.state.instructions) - hart.state.instructions;
            let span = (until - hart.state.instructions).min(SPAN).min(before_sample);
            environment.budget = span as i64;
            environment.base = hart.state.instructions + span;
            environment.end = Ok(());
            if left == Left::ForFloat && !environment.use_float(hart) {
                self.interpret(hart, platform, offset, until, environment.resolved_access.take())?;
                left = Left::Elsewhere;
                continue;
            }
            environment.use_platform(platform);
            predicted::enter_epoch(hart, self.cache.epoch);
            // SAFETY: the code is that of a block in the cache, for the instruction that was just fetched; `run` has set
            // the bias; the environment is the platform's, which is borrowed here.
            unsafe { self.cache.trampolines.enter(code, hart, environment) };
            left = self.leave(hart, platform, environment, until)?;
            if environment.revise != 0 {
                self.revise(platform, environment);
            }
        }
        Ok(())
    }

    /// The code for the next instruction, if it is translated or worth it.
    fn code<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        offset: u64,
        pc: u64,
    ) -> Option<usize> {
        if let Some(code) = self.cache.code(platform.ram(), offset, pc) {
            return Some(code);
        }
        if !self.cache.is_hot(offset) {
            return None;
        }
        self.interpreter.visit(hart, platform, offset);
        let translated = self.cache.translate(platform.ram(), offset, pc, self.breakpoints);
        translated.then(|| self.cache.code(platform.ram(), offset, pc)).flatten()
    }

    /// Brings the hart to where generated code has left it.
    fn leave<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        environment: &mut Environment,
        until: u64,
    ) -> Result<Left, RunEnd> {
        if environment.exit == Exit::Interpreted as u64 {
            return environment.end.map(|()| Left::Elsewhere);
        }
        hart.state.instructions = environment.instructions();
        if environment.exit == Exit::Link as u64 {
            let link = environment.link as u32;
            hart.state.bank.pc = self.cache.target(link);
            return Ok(Left::By(link));
        }
        if environment.exit == Exit::Float as u64 {
            return Ok(Left::ForFloat);
        }
        let lacked = environment.exit == Exit::Budget as u64 || environment.exit == Exit::Short as u64;
        if lacked && environment.base < until {
            return Ok(Left::ForSample(environment.exit == Exit::Short as u64));
        }
        if lacked
            && hart.state.instructions < until
            && let Some(offset) =
                self.interpreter.locate(hart, platform, environment.resolved_fetch.take())?
        {
            self.interpret(hart, platform, offset, until, environment.resolved_access.take())?;
        }
        Ok(Left::Elsewhere)
    }

    fn interpret<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        offset: u64,
        until: u64,
        resolved: Option<ResolvedAccess>,
    ) -> Result<(), RunEnd> {
        let until = self.interpreter.before_breakpoint(hart, until).unwrap_or(until);
        self.interpreter.run_located(hart, platform, offset, until, resolved)
    }

    /// Has the interpreter execute one instruction: code that takes more at once than there are between two samples would lack
    /// them each time.
    fn advance<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        environment: &mut Environment,
        until: u64,
    ) -> Result<(), RunEnd> {
        if hart.pending_work || self.breakpoints.contains(&hart.state.bank.pc) {
            return Ok(());
        }
        let Some(offset) = self.interpreter.locate(hart, platform, environment.resolved_fetch.take())? else {
            return Ok(());
        };
        self.interpret(
            hart,
            platform,
            offset,
            until.min(hart.state.instructions + 1),
            environment.resolved_access.take(),
        )
    }

    /// Looks whether what is executed is worth optimising.
    fn sample<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        environment: &mut Environment,
        optimised: bool,
        until: u64,
    ) -> Result<(), RunEnd> {
        self.policy.restart();
        let rounds = self.cache.predictions.iter();
        predicted::replenish(hart, rounds.map(|&round| self.policy.wrong_predictions(round)));
        let cache = &self.cache;
        let data = |block| cache.region_data(block).map(|data| (data.entries, data.retired));
        for block in self.policy.unworthy(data) {
            self.cache.give_up(block);
            self.policy.gave_up(block);
        }
        if optimised || !self.breakpoints.is_empty() {
            return Ok(());
        }
        if self.policy.is_full() {
            self.cache.drop_all();
            self.policy.drop_all();
        }
        let Some(offset) = self.interpreter.locate(hart, platform, environment.resolved_fetch.take())? else {
            return Ok(());
        };
        if self.policy.sample(page_of(offset)) {
            self.cache.predict_in(page_of(offset), platform.ram(), self.breakpoints);
            let trace = self.trace(hart, platform, environment, until)?;
            self.policy.traced(&trace, self.addresses(platform));
        }
        Ok(())
    }

    /// Has the interpreter execute some thousand instructions, and notes them.
    fn trace<P: Platform>(
        &mut self,
        hart: &mut Hart,
        platform: &mut P,
        environment: &mut Environment,
        until: u64,
    ) -> Result<Trace, RunEnd> {
        let mut trace = Trace::new();
        let until = until.min(hart.state.instructions + TRACE_LENGTH);
        while hart.state.instructions < until && !hart.pending_work {
            let Some(offset) = self.interpreter.locate(hart, platform, environment.resolved_fetch.take())?
            else {
                break;
            };
            let pc = hart.state.bank.pc;
            let resolved = environment.resolved_access.take();
            self.interpret(hart, platform, offset, hart.state.instructions + 1, resolved)?;
            let noted =
                Traced::at(platform.ram(), &hart.mmu.tlb, pc, offset).is_some_and(|step| trace.push(step));
            if !noted {
                trace.interrupt();
            }
        }
        Ok(trace)
    }

    fn addresses<P: Platform>(&self, platform: &P) -> Addresses {
        let trampolines = &self.cache.trampolines;
        let ram = platform.ram().host_pointer() as u64;
        Addresses { ram, find: trampolines.find, forget: trampolines.forget }
    }

    /// Enters loops that have been optimised meanwhile.
    fn install<P: Platform>(&mut self, platform: &P) {
        while let Some((compiled, plan)) = self.policy.finished() {
            let number = compiled.number;
            let block = self.cache.install(platform.ram(), compiled, &plan, self.breakpoints);
            self.policy.installed(number, block);
        }
    }

    /// A loop has predicted wrongly too often, or is not worth it.
    fn revise<P: Platform>(&mut self, platform: &P, environment: &mut Environment) {
        let number = std::mem::take(&mut environment.revise) - 1;
        let give_up = std::mem::take(&mut environment.give_up);
        let Some(block) = self.policy.block(number) else { return };
        if give_up {
            self.cache.give_up(block);
            self.policy.gave_up(block);
        } else if let Some(data) = self.cache.region_data(block) {
            let addresses = self.addresses(platform);
            self.policy.revise(number, data, addresses);
        }
    }
}
