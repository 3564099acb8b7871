//! The story: each scene as it happened, in words for a reader who has not met V-ISA before.

mod scenes;
mod summary;

use super::page::{Ink, Lane, Page};
use super::record::{Recording, Scene, Seen, Told};
use super::source::Source;
use super::{verify, words};
use crate::report::grouped;

pub use summary::{brief, end, table};

/// A part of the story: the scenes that it tells of, its heading, and what writes it.
pub struct Part {
    /// The scenes, by number.
    pub scenes: &'static [usize],
    /// Its heading, without the numbers.
    pub title: &'static str,
    tell: fn(&mut Page, &Recording) -> anyhow::Result<()>,
}

/// All parts, in their order.
#[rustfmt::skip]
pub const PARTS: &[Part] = &[
    Part { scenes: &[1], title: "a privileged operation, step by step", tell: scenes::control_register },
    Part { scenes: &[2, 3], title: "the trap filter, 200 exits or none", tell: scenes::switches },
    Part { scenes: &[4, 5], title: "ports trapped, absent and passed", tell: scenes::ports },
    Part { scenes: &[6], title: "nested translation in hardware", tell: scenes::translation },
    Part { scenes: &[7], title: "memory on demand", tell: scenes::late_memory },
    Part { scenes: &[8], title: "interrupts and time, without exits", tell: scenes::interrupts },
    Part { scenes: &[9], title: "a device that is not there", tell: scenes::device },
    Part { scenes: &[10, 11], title: "what a guest may not do", tell: scenes::violations },
    Part { scenes: &[12], title: "the other reasons to exit", tell: scenes::other_causes },
    Part { scenes: &[13], title: "the counters", tell: scenes::counters },
];

impl Part {
    /// The heading with the numbers of the scenes.
    pub fn heading(&self) -> String {
        match self.scenes {
            [one] => format!("Scene {one}: {}", self.title),
            [first, .., last] => format!("Scenes {first} and {last}: {}", self.title),
            [] => self.title.into(),
        }
    }

    /// Writes it.
    pub fn write(&self, page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
        page.heading(&self.heading());
        (self.tell)(page, recording)
    }
}

/// The opening: who is where.
pub fn opening(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let memory = &recording.memory;
    page.heading("V-ISA: an instruction set with a ring below the kernel");
    let edge = page.choose("├──────────┤", "+----------+").to_owned();
    let bar = page.choose("│", "|").to_owned();
    let row = |page: &mut Page, ink, ring: &str, what: &str| {
        let cell = page.ink(ink, &format!("{bar} {ring:<8} {bar}"));
        page.line(&format!("   {cell}  {what}"));
    };
    let top = page.choose("┌──────────┐", "+----------+").to_owned();
    let bottom = page.choose("└──────────┘", "+----------+").to_owned();
    let door = page.choose("╞═▼══════▲═╡", "+=v======^=+").to_owned();
    page.line(&format!("   {top}"));
    row(page, Ink::Guest, "Ring 3", "programs of the guest");
    page.line(&format!("   {edge}"));
    row(page, Ink::Guest, "Ring 0", "a kernel that takes the machine for its own: guest/demo/demo.s");
    let door = page.ink(Ink::Hardware, &door);
    page.line(&format!("   {door}  down by a VM exit, up by VMENTER or VMRESUME, and no other way"));
    row(page, Ink::Hypervisor, "Ring -1", "the hypervisor, visor: says what exits (VMTRAPCFG) and what");
    row(page, Ink::Hypervisor, "", "memory a guest has (HPTBR), and keeps the state of each");
    row(page, Ink::Hypervisor, "", "virtual CPU in a page, the VMCS");
    page.line(&format!("   {bottom}"));
    page.prose(&format!(
        "The guest has {} at guest-physical {:#x}; in the machine they are at {:#x}. Its VMCS is at {:#x}. \
         Every number below is from this run.",
        words::bytes(memory.number("length")?),
        memory.number("guest")?,
        memory.number("physical")?,
        recording.vm.number("vmcs")?,
    ));
    Ok(())
}

/// A scene by its number, which the checker has made sure of.
fn scene(recording: &Recording, number: usize) -> anyhow::Result<&Scene> {
    recording.scenes.get(number - 1).ok_or_else(|| anyhow::anyhow!("there was no scene {number}"))
}

/// What visor told and the machine saw of the same exits.
fn exits(scene: &Scene) -> impl Iterator<Item = (&Told, &Seen)> {
    scene.told.iter().zip(verify::told_ones(&scene.seen))
}

/// The steps of an exit: the guest's instruction, the way down, the handler, the way up.
fn exit(page: &mut Page, source: &Source, told: &Told, seen: &Seen) -> anyhow::Result<()> {
    let statement = source.statement(seen.pc).unwrap_or_default();
    page.step(Lane::Kernel, &format!("{statement}   at {:#x}", seen.pc));
    page.step(Lane::Down, &words::exit(seen)?);
    page.step(Lane::Hypervisor, &words::handler(told)?);
    page.step(Lane::Up, &words::resumption(told, seen)?);
    Ok(())
}

/// The lines of a scene that are behind the call that begins it.
fn lines(source: &Source, number: usize) -> anyhow::Result<Vec<u32>> {
    let all: Vec<u32> = source.scene_lines(number)?.collect();
    let call = all.iter().position(|line| source.code(*line).trim() == "ECALL");
    Ok(all[call.map_or(0, |call| call + 1)..].to_vec())
}

/// Those of them that have a comment: the ones that the scene is about.
fn remarked(source: &Source, number: usize) -> anyhow::Result<Vec<u32>> {
    let mut lines = lines(source, number)?;
    lines.retain(|line| !source.comment(*line).is_empty() && !source.code(*line).trim().is_empty());
    Ok(lines)
}

/// Those of them that exited.
fn exited(source: &Source, scene: &Scene) -> Vec<u32> {
    let mut lines: Vec<u32> = scene.seen.iter().filter_map(|exit| source.line_of(exit.pc)).collect();
    lines.dedup();
    lines
}

/// Instructions that visor's handlers took in a scene, without the call that ends it.
fn handlers(recording: &Recording, scene: &Scene) -> anyhow::Result<u64> {
    Ok(scene.done.number("handlers")?.saturating_sub(recording.call_instructions()?))
}

/// Two scenes side by side: exits, and instructions of the guest and of Ring -1.
fn contrast(page: &mut Page, recording: &Recording, rows: [(&str, usize); 2]) -> anyhow::Result<()> {
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
