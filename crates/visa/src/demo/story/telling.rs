//! How the scenes are told: what several of them do alike.

use crate::demo::page::{Ink, Lane, Page};
use crate::demo::record::{Recording, Scene, Seen, Told};
use crate::demo::source::Source;
use crate::demo::{verify, words};
use crate::numbers::grouped;

/// A scene by its number, which the checker has made sure of.
pub(super) fn scene(recording: &Recording, number: usize) -> anyhow::Result<&Scene> {
    recording.scenes.get(number - 1).ok_or_else(|| anyhow::anyhow!("there was no scene {number}"))
}

/// What visor told and the machine saw of the same exits.
pub(super) fn exits(scene: &Scene) -> impl Iterator<Item = (&Told, &Seen)> {
    scene.told.iter().zip(verify::told_ones(&scene.seen))
}

/// The steps of an exit: the guest's instruction, the way down, the handler, the way up.
pub(super) fn exit(page: &mut Page, source: &Source, told: &Told, seen: &Seen) -> anyhow::Result<()> {
    let statement = source.statement(seen.pc).unwrap_or_default();
    page.step(Lane::Kernel, &format!("{statement}   at {:#x}", seen.pc));
    page.step(Lane::Down, &words::exit(seen)?);
    page.step(Lane::Hypervisor, &words::handler(told)?);
    page.step(Lane::Up, &words::resumption(told, seen)?);
    Ok(())
}

/// The lines of a scene that are behind the call that begins it.
pub(super) fn lines(source: &Source, number: usize) -> anyhow::Result<Vec<u32>> {
    let all: Vec<u32> = source.scene_lines(number)?.collect();
    let call = all.iter().position(|line| source.code(*line).trim() == "ECALL");
    Ok(all[call.map_or(0, |call| call + 1)..].to_vec())
}

/// Those of them that have a comment: the ones that the scene is about.
pub(super) fn remarked(source: &Source, number: usize) -> anyhow::Result<Vec<u32>> {
    let mut lines = lines(source, number)?;
    lines.retain(|line| !source.comment(*line).is_empty() && !source.code(*line).trim().is_empty());
    Ok(lines)
}

/// Those of them that exited.
pub(super) fn exited(source: &Source, scene: &Scene) -> Vec<u32> {
    let mut lines: Vec<u32> = scene.seen.iter().filter_map(|exit| source.line_of(exit.pc)).collect();
    lines.dedup();
    lines
}

/// Instructions that visor's handlers took in a scene, without the call that ends it.
pub(super) fn handlers(recording: &Recording, scene: &Scene) -> anyhow::Result<u64> {
    Ok(scene.done.number("handlers")?.saturating_sub(recording.call_instructions()?))
}

/// Two scenes side by side: exits, and instructions of the guest and of Ring -1.
pub(super) fn contrast(
    page: &mut Page,
    recording: &Recording,
    rows: [(&str, usize); 2],
) -> anyhow::Result<()> {
    let head = format!("{:<32}{:>12}{:>16}{:>18}", "", "VM exits", "guest's instr.", "handlers' instr.");
    let head = page.ink(Ink::Faint, &head);
    page.line(&format!("  {head}"));
    for (text, number) in rows {
        let scene = scene(recording, number)?;
        let name = format!("scene {number}: {text}");
        let numbers = format!(
            "{:>12}{:>16}{:>18}",
            grouped(scene.done.number("exits")?),
            grouped(scene.done.number("guest")?),
            grouped(handlers(recording, scene)?)
        );
        let numbers = page.ink(Ink::Result, &numbers);
        page.line(&format!("  {name:<32}{numbers}"));
    }
    Ok(())
}
