//! The demonstration as data: the report of a run, and each scene.

use serde::Serialize;
use visa_isa::cause::ExitCause;

use super::record::{Recording, Scene};
use super::verify::Checks;
use crate::report::Report;
use crate::symbols::Symbols;

/// The JSON object: the fields of every run's report, and the demonstration's own.
#[derive(Serialize, Debug)]
pub struct DemoReport {
    #[serde(flatten)]
    report: Report,
    /// Values that were compared with the machine.
    checks: usize,
    /// What the guest's last reading gave.
    counters: Counters,
    /// Each scene but the end.
    scenes: Vec<SceneReport>,
}

#[derive(Serialize, Debug)]
struct Counters {
    vmcount_exit: u64,
    vmcount_emu: u64,
    vmcount_tlbmiss: u64,
}

#[derive(Serialize, Debug)]
struct SceneReport {
    scene: usize,
    name: String,
    vmtrapcfg: u64,
    exits: u64,
    emulated: u64,
    tlb_misses: u64,
    instructions_guest: u64,
    /// Traps that the guest took in its own Ring 0.
    guest_traps: usize,
    /// The exits that the text shows.
    told: Vec<ExitReport>,
}

#[derive(Serialize, Debug)]
struct ExitReport {
    cause: u64,
    name: &'static str,
    pc: u64,
    instruction: String,
    value: u64,
    handler: String,
    action: String,
}

/// The object of a run.
pub fn report(recording: &Recording, checks: &Checks) -> anyhow::Result<DemoReport> {
    let end = &recording.end;
    let scenes = recording.scenes.iter().enumerate().filter(|(_, scene)| !scene.done.word.is_empty());
    let ending = (recording.ending, recording.ending.describe(&Symbols::default()));
    let report =
        Report::new("demo", "virtual", recording.instance.machine(), ending, recording.elapsed, None);
    Ok(DemoReport {
        report,
        checks: checks.count,
        counters: Counters {
            vmcount_exit: end.number("vmcount_exit")?,
            vmcount_emu: end.number("vmcount_emu")?,
            vmcount_tlbmiss: end.number("vmcount_tlbmiss")?,
        },
        scenes: scenes
            .map(|(index, scene)| of_scene(recording, index + 1, scene))
            .collect::<anyhow::Result<_>>()?,
    })
}

fn of_scene(recording: &Recording, number: usize, scene: &Scene) -> anyhow::Result<SceneReport> {
    let mut told = Vec::new();
    for exit in &scene.told {
        let cause = exit.exit.number("cause")?;
        let pc = exit.exit.number("pc")?;
        let resume = |name: &str| -> anyhow::Result<String> {
            Ok(match &exit.resume {
                Some(line) => line.text(name)?.to_owned(),
                None => "none".into(),
            })
        };
        told.push(ExitReport {
            cause,
            name: ExitCause::from_number(cause).map_or("unknown", ExitCause::name),
            pc,
            instruction: recording.source.statement(pc).unwrap_or_default(),
            value: exit.exit.number("value")?,
            handler: resume("handler")?,
            action: resume("action")?,
        });
    }
    Ok(SceneReport {
        scene: number,
        name: scene.line.text("name")?.to_owned(),
        vmtrapcfg: scene.live_filter,
        exits: scene.done.number("exits")?,
        emulated: scene.done.number("emulated")?,
        tlb_misses: scene.done.number("tlbmisses")?,
        instructions_guest: scene.guest_instructions,
        guest_traps: scene.traps.len(),
        told,
    })
}
