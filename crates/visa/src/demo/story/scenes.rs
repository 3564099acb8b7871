//! The scenes, one function for each part of the story.

use anyhow::Context;
use visa_isa::paging::TableBase;

use super::telling::{contrast, exit, exited, exits, handlers, lines, remarked, scene};
use crate::demo::page::{Ink, Lane, Page};
use crate::demo::record::{Recording, WINDOW};
use crate::demo::walk::Stage;
use crate::demo::words;

/// Scene 1: the concept's execution flow.
pub fn control_register(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 1)?;
    let source = &recording.source;
    let (told, seen) = exits(scene).next().context("scene 1 has no exit")?;
    let (record, stored) = (&seen.record, &told.stored);
    let value = record.value;
    let (_, resumed_at) = seen.entry.context("scene 1 does not resume")?;
    let name = |pc| source.statement(pc).unwrap_or_default();
    page.prose("The guest turns its page tables on. visor has asked to hear of every write of CR3.");
    page.source(source, lines(source, 1)?, &exited(source, scene));
    page.flow(
        Ink::Guest,
        "Ring 0",
        &name(seen.pc),
        &[format!("at {:#x}, with R1 = {:#x}", seen.pc, stored.r1)],
    );
    page.flow(
        Ink::Hardware,
        "hardware",
        "1 Hardware detects trap per VMTRAPCFG",
        &[words::filter(scene.live_filter)],
    );
    page.flow(
        Ink::Hardware,
        "",
        "2 CPU auto-transitions to Ring -1",
        &["by a change of register banks".into()],
    );
    page.flow(
        Ink::Hardware,
        "",
        "3 Sets exit reason in VMCAUSE",
        &[
            format!("VMCAUSE = {}", words::cause(record.cause)),
            format!("VMCODE  = {:#x} (SATP, which is CR3)", record.code),
            format!("VMVALUE = {value:#x}, what it writes"),
            format!("VMQUAL  = {:#x}:", record.qualification),
            words::qualification(record.qualification),
        ],
    );
    page.flow(
        Ink::Hardware,
        "",
        "4 Stores guest state",
        &[
            format!("VMPC = {:#x}, VMRING = {}", stored.pc, stored.ring),
            format!("VMSAVE puts it into memory, at {:#x}:", told.saved.number("address")?),
            format!("+0x100 PC         = {:#x}", stored.pc),
            format!("+0x208 R1         = {:#x}", stored.r1),
            format!("+0x170 CR3        = {:#x}, not yet written", stored.cr3),
            format!("+0x400 EXIT_CAUSE = {:#x}", stored.cause),
        ],
    );
    page.flow(
        Ink::Hypervisor,
        "Ring -1",
        "5 Hypervisor handler executes",
        &[
            format!("LDGPTBR {value:#x}"),
            format!("in {} instructions; the guest's is not decoded", handlers(recording, scene)?),
        ],
    );
    page.flow(
        Ink::Hypervisor,
        "",
        "6 Hypervisor calls VMRESUME",
        &["VMACTION = 1, complete: step past it".into()],
    );
    page.flow(
        Ink::Guest,
        "Ring 0",
        "7 Guest continues execution",
        &[
            format!("at {resumed_at:#x}: {}", name(resumed_at)),
            format!("reads {:#x}", scene.observed.number("r11")?),
        ],
    );
    Ok(())
}

/// Scenes 2 and 3: the same program with the filter's bit set and clear.
pub fn switches(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let source = &recording.source;
    page.prose("A kernel writes CR3 at each context switch. The guest does so 200 times:");
    let first = source.line_of(source.symbol("switch")?).context("the routine has no line")?;
    let trapped = scene(recording, 2)?;
    page.source(source, first..=first + 5, &exited(source, trapped));
    contrast(page, recording, [("VMTRAPCFG b3 set", 2), ("VMTRAPCFG b3 clear", 3)])?;
    let per_exit = handlers(recording, trapped)? / trapped.done.number("exits")?;
    page.result(&format!(
        "The same code, the same result: with the bit clear Ring -1 hears nothing of it. Each exit had cost \
         {per_exit} instructions of handler. TLB misses, for it is tagged by ASID and VMID: {}.",
        scene(recording, 3)?.done.number("tlbmisses")?,
    ));
    Ok(())
}

/// Scenes 4 and 5: IN and OUT.
pub fn ports(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let source = &recording.source;
    let trapped = scene(recording, 4)?;
    page.prose(&format!(
        "IN and OUT have a port space of their own. Scene 4 has {}; IOVMASK has called port 0x500 absent.",
        words::filter(trapped.live_filter)
    ));
    page.source(source, lines(source, 4)?, &exited(source, trapped));
    for (told, seen) in exits(trapped) {
        exit(page, source, told, seen)?;
    }
    page.step(
        Lane::Kernel,
        &format!(
            "R11 = {:#x}, as visor answered; R12 = {:#x} from the absent port: ones, and no exit",
            trapped.observed.number("r11")?,
            trapped.observed.number("r12")?
        ),
    );
    let passed = scene(recording, 5)?;
    page.prose("Scene 5: b0 stays set, but IOVMASK now passes the console's ports. The guest prints:");
    let printed = passed.printed.trim_end();
    let printed = page.ink(Ink::Guest, &format!("{:>5} {printed}", page.choose("»", ">>")));
    page.line(&printed);
    contrast(
        page,
        recording,
        [("2 accesses, trapped", 4), (&format!("{} bytes, passed", printed_bytes(passed)), 5)],
    )?;
    page.result("What exits is decided port by port, and an exit arrives decoded.");
    Ok(())
}

fn printed_bytes(scene: &crate::demo::record::Scene) -> usize {
    scene.printed.len()
}

/// Scene 6: both stages, and the combined TLB.
pub fn translation(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 6)?;
    let source = &recording.source;
    let (line, walk) = scene.translation.as_ref().context("scene 6 told no translation")?;
    page.prose(
        "A guest's address goes through two tables: its own, which CR3 (GPTBR) names, and visor's, which HPTBR \
         names. Hardware walks both; the guest cannot see the second.",
    );
    let loads = lines(source, 6)?.into_iter().filter(|line| source.code(*line).trim().starts_with("LD "));
    let loads: Vec<u32> = loads.collect();
    page.source(source, loads.clone(), &loads);
    let stage = |stage: &Stage, register: &str, tag: &str| {
        let TableBase { root, tag: number, mode } = stage.base;
        format!(
            "{register}: {mode:?}, {tag} {number}, root {root:#x}; {} entries to a page of {}",
            stage.entries,
            words::bytes(stage.page_bytes)
        )
    };
    let down = page.choose("▼", "v").to_owned();
    let address = |page: &mut Page, name: &str, value: u64, more: &str| {
        let value = page.ink(Ink::Result, &format!("{name} {value:#x}"));
        page.line(&format!("      {value}{more}"));
    };
    address(page, "GVA", WINDOW, "");
    let text = page.ink(Ink::Guest, &stage(&walk.first, "CR3", "ASID"));
    page.line(&format!("       {down}  {text}"));
    address(page, "GPA", walk.first.to, "");
    let text = page.ink(Ink::Hypervisor, &stage(&walk.second, "HPTBR", "VMID"));
    page.line(&format!("       {down}  {text}"));
    let held = line.number("value")?;
    address(
        page,
        "HPA",
        walk.second.to,
        &format!("   which holds {held:#x}; the guest's R11 is {:#x}", scene.observed.number("r11")?),
    );
    page.result(&format!(
        "First load: {} TLB miss, {} table entries at most. Second load, same page: {} misses, for the combined TLB \
         holds GVA to HPA. {} exits.",
        scene.observed.number("r12")?,
        walk.references,
        scene.observed.number("r13")?,
        scene.done.number("exits")?,
    ));
    Ok(())
}

/// Scene 7: a nested page fault.
pub fn late_memory(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 7)?;
    let source = &recording.source;
    page.prose("The guest's own tables map this page, visor's do not yet. Only that makes an address exit.");
    let (told, seen) = exits(scene).next().context("scene 7 has no exit")?;
    exit(page, source, told, seen)?;
    page.step(
        Lane::Kernel,
        &format!("the store is done; LD R11 reads {} back, and nothing exits", scene.observed.number("r11")?),
    );
    Ok(())
}

/// Scene 8: the virtual interrupt controller and the timer.
pub fn interrupts(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 8)?;
    let source = &recording.source;
    page.prose("Each virtual CPU has an interrupt controller and a timer in hardware.");
    page.source(source, remarked(source, 8)?, &exited(source, scene));
    let (told, seen) = exits(scene).next().context("scene 8 has no exit")?;
    page.step(Lane::Down, &format!("{}: the guest asks visor for an interrupt", words::exit(seen)?));
    page.step(Lane::Hypervisor, &words::handler(told)?);
    page.step(Lane::Up, &words::resumption(told, seen)?);
    let vectors = scene.observed.number("r11")?;
    let sent =
        [format!("vector {}, from visor", vectors >> 8), format!("vector {}, from itself", vectors & 0xff)];
    let timer = "its own timer, which ended the HLT".to_owned();
    for (trap, what) in scene.traps.iter().zip(sent.into_iter().chain([timer])) {
        page.step(Lane::Kernel, &format!("interrupted before {:#x}: {what}", trap.pc));
    }
    page.result(&format!(
        "{} interrupts taken and acknowledged, {} exit: the hypercall. VINT_SEND, VINT_ACK, CR11 and HLT took none.",
        scene.traps.len(),
        scene.done.number("exits")?
    ));
    Ok(())
}

/// Scene 9: IOVMAP.
pub fn device(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 9)?;
    let source = &recording.source;
    page.prose("IOVMAP has bound a page at 0x60000000 to a device that visor makes up: an adder.");
    for (index, (told, seen)) in exits(scene).enumerate() {
        // The second write is as the first.
        if index != 1 {
            exit(page, source, told, seen)?;
        } else {
            let statement = source.statement(seen.pc).unwrap_or_default();
            let text = format!("{statement}   likewise, with VMVALUE={:#x}", seen.record.value);
            page.step(Lane::Kernel, &text);
        }
    }
    page.result(&format!(
        "R11 = {}: visor has emulated a device without reading one instruction of the guest.",
        scene.observed.number("r11")?
    ));
    Ok(())
}

/// Scenes 10 and 11: containment.
pub fn violations(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let source = &recording.source;
    let kernel = scene(recording, 10)?;
    page.prose(&format!(
        "A kernel reaches for the hypervisor's tools and memory, with {}.",
        words::filter(kernel.live_filter)
    ));
    for (told, seen) in exits(kernel) {
        let statement = source.statement(seen.pc).unwrap_or_default();
        page.step(Lane::Kernel, &format!("{statement}   at {:#x}", seen.pc));
        page.step(Lane::Down, &words::exit(seen)?);
        page.step(Lane::Hypervisor, &words::handler(told)?);
    }
    let user = scene(recording, 11)?;
    let first = user.traps.first().context("scene 11 has no trap")?;
    page.prose("Then a user program writes CR3, with b1 clear. That is between the guest's own rings:");
    page.step(Lane::User, &format!("MOV CR3, R0   at {:#x}: illegal instruction", first.pc));
    page.step(Lane::Kernel, &format!("its trap handler takes it; {} exits", user.done.number("exits")?));
    page.result(&format!(
        "{} attempts, {} exceptions for the guest; HPTBR is still {:#x}, VMCSPTR still {:#x}.",
        kernel.seen.len() + 1,
        kernel.observed.number("r11")? + user.observed.number("r11")?,
        recording.instance.machine().harts[0].state.vm.hptbr,
        recording.instance.machine().harts[0].state.vm.vmcs.unwrap_or(u64::MAX)
    ));
    Ok(())
}

/// Scene 12: page fault, halt, timer, VMEXIT.
pub fn other_causes(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 12)?;
    let source = &recording.source;
    page.prose(&format!(
        "What was the guest's own affair so far exits if one asks for it: {}.",
        words::filter(scene.live_filter)
    ));
    for (told, seen) in exits(scene) {
        let statement = source.statement(seen.pc).unwrap_or_default();
        page.step(Lane::Kernel, &format!("{statement}   at {:#x}", seen.pc));
        page.step(Lane::Down, &words::exit(seen)?);
        page.step(Lane::Hypervisor, &words::handler(told)?);
    }
    Ok(())
}

/// Scene 13: the counters, as the guest reads them.
pub fn counters(page: &mut Page, recording: &Recording) -> anyhow::Result<()> {
    let scene = scene(recording, 13)?;
    let source = &recording.source;
    page.prose(
        "Three counters for each virtual CPU. A guest reads them without an exit; nobody writes them.",
    );
    let lines = lines(source, 13)?;
    let of_counters: Vec<u32> =
        lines.into_iter().filter(|line| source.code(*line).contains("VMCOUNT")).collect();
    page.source(source, of_counters, &[]);
    page.step(
        Lane::Kernel,
        &format!(
            "R11 = {}, R12 = {}, R13 = {}; {} exits, and {} exception for the write",
            scene.observed.number("r11")?,
            scene.observed.number("r12")?,
            scene.observed.number("r13")?,
            scene.done.number("exits")?,
            scene.observed.number("r14")?
        ),
    );
    Ok(())
}
