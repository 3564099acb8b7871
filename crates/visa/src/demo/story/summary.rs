//! The end of the story: the table of exits, the counters, and what to do next.

use anyhow::Context;
use visa_isa::cause::ExitCause;
use visa_state::Spread;

use super::telling::{handlers, scene};
use crate::demo::page::{Ink, Page};
use crate::demo::protocol::Line;
use crate::demo::record::Recording;
use crate::numbers::grouped;

/// Exits by cause, in the manner of `perf kvm stat`, and the three counters.
pub fn table(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    page.heading("All exits, in the manner of perf kvm stat");
    let mut rows = Vec::new();
    for line in &recording.causes {
        rows.push((line, spread(line)?));
    }
    rows.sort_by_key(|(_, spread)| std::cmp::Reverse((spread.count, spread.total)));
    let count: u64 = rows.iter().map(|(_, spread)| spread.count).sum();
    let total: u64 = rows.iter().map(|(_, spread)| spread.total).sum();
    let head = format!(
        "{:>27} {:>7} {:>8} {:>8} {:>7} {:>5} {:>5} {:>6}",
        "VM-EXIT", "Samples", "Samples%", "Instr.", "Time%", "Min", "Max", "Avg"
    );
    let head = page.ink(Ink::Heading, &head);
    page.line(&head);
    for (line, spread) in &rows {
        page.line(&format!(
            "{:>27} {:>7} {:>7.2}% {:>8} {:>6.2}% {:>5} {:>5} {:>6.2}",
            format!("{:#04x} {}", line.number("number")?, line.text("name")?),
            spread.count,
            percent(spread.count, count),
            grouped(spread.total),
            percent(spread.total, total),
            grouped(spread.minimum),
            grouped(spread.maximum),
            spread.average()
        ));
    }
    let sum = format!("{:>27} {count:>7} {:>8} {:>8}", "total", "", grouped(total));
    let sum = page.ink(Ink::Heading, &sum);
    page.line(&sum);
    let shortest = recording.shortest_round_trip().context("no exit was resumed")?;
    page.remark(&format!(
        "Instr.: instructions of the handlers in Ring -1. The shortest way down and up again, with what visor does for \
         every exit, takes {shortest}."
    ));
    for (name, key, what) in [
        ("VMCOUNT_EXIT", "vmcount_exit", "VM exits"),
        ("VMCOUNT_EMU", "vmcount_emu", "instructions that the hypervisor completed"),
        ("VMCOUNT_TLBMISS", "vmcount_tlbmiss", "misses of the combined TLB"),
    ] {
        let number = page.ink(Ink::Result, &format!("{:>8}", grouped(recording.end.number(key)?)));
        page.line(&format!("{name:>27} {number} {what}"));
    }
    Ok(())
}

fn spread(line: &Line) -> anyhow::Result<Spread> {
    Ok(Spread {
        count: line.number("samples")?,
        total: line.number("total")?,
        minimum: line.number("min")?,
        maximum: line.number("max")?,
    })
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// One line for each scene.
pub fn brief(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    page.heading("V-ISA: a kernel in Ring 0, its hypervisor in Ring -1, scene by scene");
    let head = format!(
        "{:>6}  {:<23}{:>10}{:>10}{:>9}{:>10}{:>10}",
        "scene", "name", "VMTRAPCFG", "VM exits", "TLB miss", "guest", "handlers"
    );
    let head = page.ink(Ink::Heading, &head);
    let above = page.ink(Ink::Heading, &format!("{:>80}", "instructions: "));
    page.line(&above);
    page.line(&head);
    // The last scene is the end itself.
    for number in 1..recording.scenes.len() {
        let scene = scene(recording, number)?;
        page.line(&format!(
            "{number:>6}  {:<23}{:>10}{:>10}{:>9}{:>10}{:>10}",
            scene.line.text("name")?,
            format!("{:#x}", scene.live_filter),
            grouped(scene.done.number("exits")?),
            grouped(scene.done.number("tlbmisses")?),
            grouped(scene.done.number("guest")?),
            grouped(handlers(recording, scene)?),
        ));
    }
    Ok(())
}

/// How many values were compared, and what to do next.
pub fn end(page: &mut Page, checks: usize) {
    page.gap();
    page.result(&format!(
        "{} values of this run were compared with the machine's own state and counts. All agree.",
        grouped(checks as u64)
    ));
    page.gap();
    page.prose("What next:");
    for (command, what) in [
        ("visa asm examples/guest.s && visa run examples/guest.elf", "your own hypervisor"),
        ("visa boot --kernel Image --initrd initramfs.cpio.gz", "Linux under visor"),
        ("visa help", "every command"),
    ] {
        let command = page.ink(Ink::Result, &format!("{command:<58}"));
        page.line(&format!("  {command}{what}"));
    }
}

impl Recording {
    /// Instructions of visor's handler for the call that begins a scene: the shortest of its hypercalls.
    pub fn call_instructions(&self) -> anyhow::Result<u64> {
        let hypercall = ExitCause::Hypercall as u64;
        let line =
            self.causes.iter().find(|line| line.number("number").is_ok_and(|number| number == hypercall));
        line.context("no hypercall was told")?.number("min")
    }

    /// Instructions of Ring -1 from an exit to the next entry, at least.
    pub fn shortest_round_trip(&self) -> Option<u64> {
        self.instance.totals().exit_instructions.values().map(|spread| spread.minimum).min()
    }
}
