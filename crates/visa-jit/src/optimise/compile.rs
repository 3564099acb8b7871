//! Compiles plans, on a thread of its own or at once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::data::RegionData;
use super::lower::{Addresses, Lowering, SideExit, signature};
use super::plan::Plan;

/// A loop to compile.
pub struct Job {
    /// Number of the region to be.
    pub number: u64,
    /// The loop.
    pub plan: Arc<Plan>,
    /// Lines whose accesses go by the TLB's first level alone.
    pub plain: Vec<usize>,
    /// What the code has built in.
    pub addresses: Addresses,
}

/// A compiled loop.
pub struct Compiled {
    /// As in the job.
    pub number: u64,
    /// A function of [`signature`], for any address.
    pub code: Vec<u8>,
    /// How execution goes on, by the number that the function returns.
    pub side_exits: Vec<SideExit>,
    /// What the code names by address.
    pub data: Box<RegionData>,
}

/// What compiles.
pub struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    functions: FunctionBuilderContext,
}

impl Compiler {
    /// A compiler for this host. `None`: Cranelift does not know it.
    pub fn new() -> Option<Compiler> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "speed"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("regalloc_checker", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("unwind_info", "false"),
            ("enable_probestack", "false"),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?.finish(Flags::new(flags)).ok()?;
        Some(Compiler { isa, context: Context::new(), functions: FunctionBuilderContext::new() })
    }

    /// Compiles a loop. The number comes with what came of it: nothing, if Cranelift refuses.
    pub fn compile(&mut self, job: &Job) -> (u64, Option<Compiled>) {
        self.context.clear();
        self.context.func.signature = signature();
        let mut data = Box::new(RegionData::new(job.number, job.plan.lines.len()));
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.functions);
        let mut lowering = Lowering::new(&mut builder, &job.plan, &mut data, job.addresses, &job.plain);
        lowering.function();
        let side_exits = std::mem::take(&mut lowering.side_exits);
        builder.finalize(self.isa.frontend_config());
        let compiled = self.context.compile(&*self.isa, &mut ControlPlane::default());
        let code = match compiled {
            // Nothing needs to be relocated: calls go by addresses in registers.
            Ok(compiled) if compiled.buffer.relocs().is_empty() => Some(compiled.code_buffer().to_vec()),
            _ => None,
        };
        (job.number, code.map(|code| Compiled { number: job.number, code, side_exits, data }))
    }
}

/// A compiler on a thread of its own, which ends when this is dropped.
pub struct Worker {
    jobs: Sender<Job>,
    results: Receiver<(u64, Option<Compiled>)>,
}

impl Worker {
    /// Starts the thread. `None`: the host gives none.
    pub fn start() -> Option<Worker> {
        let (jobs, to_do) = channel::<Job>();
        let (done, results) = channel();
        let work = move || {
            let Some(mut compiler) = Compiler::new() else { return };
            // Ends when there can be no more jobs, or nobody waits for results.
            for job in to_do {
                if done.send(compiler.compile(&job)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("visa-jit".into()).spawn(work).ok()?;
        Some(Worker { jobs, results })
    }

    /// Gives it a job; false if it is gone.
    pub fn give(&self, job: Job) -> bool {
        self.jobs.send(job).is_ok()
    }

    /// What it has finished, if anything.
    pub fn take(&self) -> Option<(u64, Option<Compiled>)> {
        self.results.try_recv().ok()
    }
}
