//! Runs the demonstration and writes down what happened: what visor told, what the guest printed, and what the
//! machine itself knows of both.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use visa_core::Event;
use visa_embed::{End, Image, Instance, Kernel, MachineOptions, Mode, RunOutcome};
use visa_isa::Ring;
use visa_isa::exit::ExitRecord;
use visa_isa::vmcs;
use visa_machine::machine::Machine;

use super::protocol::Line;
use super::source::Source;
use super::walk::{self, Walk};
use crate::exit::Ending;
use crate::symbols::Symbols;

/// The guest's memory.
const MEMORY_BYTES: u64 = 16 << 20;
/// Instructions between two looks at the console. Telling a line takes more, so that what a line is about is still in
/// memory when it has been told.
const SLICE_INSTRUCTIONS: u64 = 100;
/// Far more than the demonstration takes.
const INSTRUCTIONS_MAX: u64 = 20_000_000;
/// The guest-virtual address of the window's first page (scene 6).
pub const WINDOW: u64 = 0xffff_ffc0_0000_0000;

/// An exit that visor told of.
pub struct Told {
    /// The exit record.
    pub exit: Line,
    /// What VMSAVE stored, as visor reads it.
    pub saved: Line,
    /// What the handler did. None: the guest did not go on.
    pub resume: Option<Line>,
    /// Fields of the VMCS as they are in the machine's memory.
    pub stored: Stored,
}

/// Fields of the VMCS page, read from the machine's memory after VMSAVE.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Stored {
    /// REVISION.
    pub revision: u64,
    /// PC.
    pub pc: u64,
    /// RING.
    pub ring: u64,
    /// R1.
    pub r1: u64,
    /// PAGE_TABLE_BASE.
    pub cr3: u64,
    /// TRAPCFG.
    pub trapcfg: u64,
    /// EXIT_CAUSE.
    pub cause: u64,
    /// EXIT_VALUE.
    pub value: u64,
    /// COUNT_EXIT.
    pub exits: u64,
}

/// An exit, as the machine saw it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The ring that it left.
    pub ring: Ring,
    /// VMPC.
    pub pc: u64,
    /// The record.
    pub record: ExitRecord,
    /// The next entry: the resume action and where the guest went on.
    pub entry: Option<(u64, u64)>,
}

/// A trap that went to the guest's own Ring 0.
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    /// The ring that it came from.
    pub from: Ring,
    /// scause.
    pub cause: u64,
    /// Where it came from.
    pub pc: u64,
}

/// A scene.
#[derive(Default)]
pub struct Scene {
    /// `@scene`.
    pub line: Line,
    /// VMTRAPCFG in the machine when it began.
    pub live_filter: u64,
    /// VMCOUNT_TLBMISS in the machine when it began, and when it was done.
    pub live_misses: (u64, u64),
    /// Exits that visor told of.
    pub told: Vec<Told>,
    /// What the guest printed.
    pub printed: String,
    /// `@translation`, and the walk of the same address.
    pub translation: Option<(Line, Walk)>,
    /// `@observed`.
    pub observed: Line,
    /// `@done`.
    pub done: Line,
    /// All its exits, as the machine saw them; not the call that ends it.
    pub seen: Vec<Seen>,
    /// Traps to Ring 0, as the machine saw them.
    pub traps: Vec<Trap>,
    /// Instructions that the guest retired, as the machine counts them.
    pub guest_instructions: u64,
}

/// A run of the demonstration.
pub struct Recording {
    /// `@memory`.
    pub memory: Line,
    /// `@vm`.
    pub vm: Line,
    /// The scenes, from number 1.
    pub scenes: Vec<Scene>,
    /// `@cause`, each.
    pub causes: Vec<Line>,
    /// `@end`.
    pub end: Line,
    /// The machine afterwards.
    pub instance: Instance,
    /// How it ended.
    pub ending: Ending,
    /// Real time.
    pub elapsed: Duration,
    /// The guest's source.
    pub source: Source,
}

/// Boots visor and the guest and runs them to the end.
pub fn record(visor: Image, demo: Image) -> anyhow::Result<Recording> {
    let Image::Bytes(_, image) = demo.clone() else { bail!("the guest is part of the command") };
    let started = Instant::now();
    let mut recorder = Recorder::default();
    let options = MachineOptions { memory_bytes: MEMORY_BYTES, seed: 1, ..MachineOptions::default() };
    let mut instance = options.kernel(Kernel::new(Mode::Demo, demo, visor))?;
    instance.machine_mut().harts[0].observers.keep_events();
    let end = loop {
        let outcome = instance.run(SLICE_INSTRUCTIONS);
        let printed = instance.take_console();
        recorder.take_events(instance.machine_mut());
        recorder.take_console(&printed, instance.machine())?;
        match outcome {
            RunOutcome::Limit | RunOutcome::ConsoleFull => {}
            RunOutcome::Ended(end) => break end,
            other => bail!("the guest neither runs nor ends: {other:?}"),
        }
        ensure!(
            instance.instructions() < INSTRUCTIONS_MAX,
            "the guest does not end: {INSTRUCTIONS_MAX} instructions so far"
        );
    };
    ensure!(
        end == End::Finished(0),
        "the guest did not end well: {}\n{}",
        Ending::Machine(end).describe(&Symbols::default()),
        recorder.text
    );
    recorder.finish(instance, end, &image, started.elapsed())
}

/// What has been written down so far.
#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    /// The line that is not complete yet.
    partial: Vec<u8>,
    /// Everything that was printed, for messages.
    text: String,
    memory: Option<Line>,
    vm: Option<Line>,
    scenes: Vec<Scene>,
    causes: Vec<Line>,
    end: Option<Line>,
    pending: Option<(Line, Option<(Line, Stored)>)>,
}

impl Recorder {
    fn take_events(&mut self, machine: &mut Machine) {
        self.events.append(&mut machine.harts[0].observers.take_events());
    }

    fn take_console(&mut self, bytes: &[u8], machine: &Machine) -> anyhow::Result<()> {
        for &byte in bytes {
            if byte != b'\n' {
                self.partial.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
            let line = line.trim_end_matches('\r');
            self.text += line;
            self.text.push('\n');
            match Line::parse(line) {
                Some(told) => self.take_line(told, machine)?,
                None => {
                    if let Some(scene) = self.scenes.last_mut() {
                        scene.printed += line;
                        scene.printed.push('\n');
                    }
                }
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: Line, machine: &Machine) -> anyhow::Result<()> {
        match line.word.as_str() {
            "memory" => self.memory = Some(line),
            "vm" => self.vm = Some(line),
            "cause" => self.causes.push(line),
            "end" => self.end = Some(line),
            "scene" => {
                let vm = &machine.harts[0].state.vm;
                self.scenes.push(Scene {
                    line,
                    live_filter: vm.trap_filter,
                    live_misses: (vm.count_tlb_miss, 0),
                    ..Scene::default()
                });
            }
            "exit" => {
                self.keep_exit(None);
                self.pending = Some((line, None));
            }
            "vmcs" => {
                let stored = read_vmcs(machine, line.number("address")?)?;
                if let Some(pending) = &mut self.pending {
                    pending.1 = Some((line, stored));
                }
            }
            "resume" => self.keep_exit(Some(line)),
            "translation" => {
                let walk = walk::walk(machine, WINDOW)?;
                self.scene()?.translation = Some((line, walk));
            }
            // What came before the first scene is not told.
            "observed" if line.number("n")? != 0 => self.scene()?.observed = line,
            "done" if line.number("n")? != 0 => {
                let scene = self.scene()?;
                scene.live_misses.1 = machine.harts[0].state.vm.count_tlb_miss;
                scene.done = line;
            }
            "observed" | "done" => {}
            other => bail!("visor told of {other:?}, which this command does not know"),
        }
        Ok(())
    }

    /// Files the exit that is being told.
    fn keep_exit(&mut self, resume: Option<Line>) {
        if let Some((exit, Some((saved, stored)))) = self.pending.take()
            && let Some(scene) = self.scenes.last_mut()
        {
            scene.told.push(Told { exit, saved, resume, stored });
        }
    }

    fn scene(&mut self) -> anyhow::Result<&mut Scene> {
        self.scenes.last_mut().context("visor told of something before the first scene")
    }

    fn finish(
        mut self,
        instance: Instance,
        end: End,
        image: &[u8],
        elapsed: Duration,
    ) -> anyhow::Result<Recording> {
        self.keep_exit(None);
        let memory = self.memory.context("visor did not tell where the guest's memory is")?;
        let source = Source::assemble(image, memory.number("guest")?, memory.number("physical")?)?;
        distribute(&self.events, &source.scene_calls()?, &mut self.scenes);
        Ok(Recording {
            memory,
            vm: self.vm.context("visor did not tell of the VM")?,
            scenes: self.scenes,
            causes: self.causes,
            end: self.end.context("visor did not tell the counters")?,
            instance,
            ending: Ending::Machine(end),
            elapsed,
            source,
        })
    }
}

/// Gives each scene the events from the call that begins it to the call that begins the next.
fn distribute(events: &[Event], calls: &[u64], scenes: &mut [Scene]) {
    let mut begun = 0;
    let mut entered = 0;
    for event in events {
        if let Event::Exit { pc, instructions, .. } = event
            && calls.get(begun) == Some(pc)
        {
            if let Some(scene) = begun.checked_sub(1).and_then(|index| scenes.get_mut(index)) {
                scene.guest_instructions += instructions - entered;
            }
            begun += 1;
            continue;
        }
        let scene = begun.checked_sub(1).and_then(|index| scenes.get_mut(index));
        match event {
            Event::Enter { instructions, pc, action, .. } => {
                entered = *instructions;
                if let Some(last) = scene.and_then(|scene| scene.seen.last_mut()) {
                    last.entry = Some((*action, *pc));
                }
            }
            Event::Exit { instructions, ring, pc, record, .. } => {
                if let Some(scene) = scene {
                    scene.guest_instructions += instructions - entered;
                    scene.seen.push(Seen { ring: *ring, pc: *pc, record: *record, entry: None });
                }
            }
            Event::Trap { from, to: Ring::Kernel, cause, pc, .. } => {
                if let Some(scene) = scene {
                    scene.traps.push(Trap { from: *from, cause: *cause, pc: *pc });
                }
            }
            Event::Trap { .. } | Event::EntryFailure { .. } => {}
        }
    }
}

fn read_vmcs(machine: &Machine, address: u64) -> anyhow::Result<Stored> {
    let field = |offset: u16| -> anyhow::Result<u64> {
        let mut bytes = [0; 8];
        machine.read_physical(address + u64::from(offset), &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    };
    Ok(Stored {
        revision: field(vmcs::REVISION)?,
        pc: field(vmcs::PC)?,
        ring: field(vmcs::RING)?,
        r1: field(vmcs::REGISTERS + 8)?,
        cr3: field(vmcs::PAGE_TABLE_BASE)?,
        trapcfg: field(vmcs::TRAPCFG)?,
        cause: field(vmcs::EXIT_CAUSE)?,
        value: field(vmcs::EXIT_VALUE)?,
        exits: field(vmcs::COUNT_EXIT)?,
    })
}
