//! The story: each scene as it happened, in words for a reader who has not met V-ISA before.

mod scenes;
mod summary;
mod telling;

use super::page::{Ink, Page};
use super::record::Recording;
use super::words;

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
