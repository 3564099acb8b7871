//! Holds what visor told, what the guest saw and what the story says against the machine itself.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::Context;
use visa_isa::Ring;
use visa_isa::cause::{Exception, ExitCause, INTERRUPT, interrupt};
use visa_isa::trap_filter as filter;
use visa_isa::vmcs::{Action, REVISION_VALUE};
use visa_mem::Platform;

use super::protocol::Line;
use super::record::{Recording, Scene, Seen, Told};
use super::walk;

/// Exits of a cause that visor tells in a scene; more are counted alone.
const TOLD_MAX: usize = 3;
/// Guest-physical address of the memory that is not there until the guest asks for it (scene 7).
const LATE_MEMORY: u64 = 0x5000_0000;

const VIRTUAL_INTERRUPT: u64 = INTERRUPT | interrupt::SUPERVISOR_EXTERNAL as u64;
const TIMER_INTERRUPT: u64 = INTERRUPT | interrupt::SUPERVISOR_TIMER as u64;
const ILLEGAL: u64 = Exception::IllegalInstruction as u64;
const STORE_ACCESS: u64 = Exception::StoreAccessFault as u64;
const LOAD_PAGE: u64 = Exception::LoadPageFault as u64;

/// What a scene must come to.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// visor's name of it.
    pub name: &'static str,
    /// VMTRAPCFG.
    pub filter: u64,
    /// Exits by cause; all others never.
    pub exits: &'static [(ExitCause, u64)],
    /// Instructions that the hypervisor completed.
    pub emulated: u64,
    /// What the guest saw, in R11 to R14 as far as the scene is about them.
    pub observed: &'static [(&'static str, u64)],
    /// Traps to Ring 0: the ring that they came from, and scause.
    pub traps: &'static [(Ring, u64)],
}

const fn expected(
    name: &'static str,
    filter: u64,
    exits: &'static [(ExitCause, u64)],
    emulated: u64,
    observed: &'static [(&'static str, u64)],
    traps: &'static [(Ring, u64)],
) -> Expected {
    Expected { name, filter, exits, emulated, observed, traps }
}

use ExitCause::{
    ControlRegister, DeviceAccess, Halt, Hypercall, IllegalPrivileged, IoAccess, NestedPageFault, PageFault,
    Timer, VmexitInstruction,
};
use Ring::{Kernel, User};

/// The scenes, from number 1, as guest/demo/README.md tells them.
#[rustfmt::skip]
pub const EXPECTED: [Expected; 14] = [
    expected("control-register", filter::CR3, &[(ControlRegister, 1)], 1, &[], &[]),
    expected("switches-trapped", filter::CR3, &[(ControlRegister, 200)], 200, &[], &[]),
    expected("switches-filtered", 0, &[], 0, &[], &[]),
    expected("ports-trapped", filter::IO, &[(IoAccess, 2)], 2, &[("r11", 0x60), ("r12", 0xff)], &[]),
    expected("ports-passed", filter::IO, &[], 0, &[], &[]),
    expected("translation", 0, &[], 0, &[("r11", 0x00c0_ffee), ("r12", 1), ("r13", 0)], &[]),
    expected("late-memory", 0, &[(NestedPageFault, 1)], 0, &[("r11", 42)], &[]),
    expected("interrupts", 0, &[(Hypercall, 1)], 1, &[("r11", 0x507), ("r12", 0), ("r13", 1)],
        &[(Kernel, VIRTUAL_INTERRUPT), (Kernel, VIRTUAL_INTERRUPT), (Kernel, TIMER_INTERRUPT)]),
    expected("virtual-device", 0, &[(DeviceAccess, 3)], 3, &[("r11", 42)], &[]),
    expected("violations", filter::PRIV, &[(IllegalPrivileged, 2), (NestedPageFault, 1)], 0,
        &[("r11", 3), ("r12", STORE_ACCESS)],
        &[(Kernel, ILLEGAL), (Kernel, ILLEGAL), (Kernel, STORE_ACCESS)]),
    expected("user-violation", 0, &[], 0, &[("r11", 1), ("r12", ILLEGAL)], &[(User, ILLEGAL)]),
    expected("other-causes", filter::PF | filter::TIMER | filter::HALT,
        &[(PageFault, 1), (Halt, 1), (Timer, 1), (VmexitInstruction, 1)], 2,
        &[("r11", 0x00c0_ffee), ("r12", 1)], &[(Kernel, LOAD_PAGE), (Kernel, TIMER_INTERRUPT)]),
    expected("counters", 0, &[], 0, &[("r14", 1)], &[(Kernel, ILLEGAL)]),
    expected("end", 0, &[(Hypercall, 1)], 0, &[], &[]),
];

/// Values that have been compared.
#[derive(Debug, Default)]
pub struct Checks {
    /// How many.
    pub count: usize,
    /// Those that differ, each in a sentence.
    pub failures: Vec<String>,
}

impl Checks {
    /// Compares two numbers.
    pub fn equal(&mut self, what: impl Display, told: u64, is: u64) {
        self.count += 1;
        if told != is {
            self.failures.push(format!("{what}: should be {told} ({told:#x}), but is {is} ({is:#x})"));
        }
    }

    /// Holds a number against an upper bound.
    pub fn at_most(&mut self, what: impl Display, bound: u64, is: u64) {
        self.count += 1;
        if is > bound {
            self.failures.push(format!("{what}: should be {bound} at most, but is {is}"));
        }
    }

    /// Compares two texts.
    pub fn same(&mut self, what: impl Display, told: &str, is: &str) {
        self.count += 1;
        if told != is {
            self.failures.push(format!("{what}: should be {told:?}, but is {is:?}"));
        }
    }
}

/// Checks a whole run against what it should come to.
pub fn verify(recording: &Recording, expected: &[Expected]) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    checks.equal("scenes", expected.len() as u64, recording.scenes.len() as u64);
    for (number, (scene, expected)) in (1..).zip(recording.scenes.iter().zip(expected)) {
        check_scene(&mut checks, number, scene, expected)?;
        check_told(&mut checks, number, scene)?;
    }
    check_first(&mut checks, recording)?;
    check_printed(&mut checks, recording);
    check_memory(&mut checks, recording)?;
    check_containment(&mut checks, recording)?;
    check_counters(&mut checks, recording)?;
    check_totals(&mut checks, recording)?;
    Ok(checks)
}

/// Exits of a scene by cause number.
fn by_cause(seen: &[Seen]) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for exit in seen {
        *counts.entry(exit.record.cause).or_default() += 1;
    }
    counts
}

fn check_scene(checks: &mut Checks, number: u64, scene: &Scene, expected: &Expected) -> anyhow::Result<()> {
    let at = format!("scene {number} ({})", expected.name);
    checks.equal(format!("{at}: its number"), number, scene.line.number("n")?);
    checks.same(format!("{at}: its name"), expected.name, scene.line.text("name")?);
    checks.equal(
        format!("{at}: VMTRAPCFG, as visor tells it"),
        expected.filter,
        scene.line.number("vmtrapcfg")?,
    );
    checks.equal(format!("{at}: VMTRAPCFG in the machine"), expected.filter, scene.live_filter);
    let seen = by_cause(&scene.seen);
    for &(cause, count) in expected.exits {
        let is = seen.get(&(cause as u64)).copied().unwrap_or(0);
        checks.equal(format!("{at}: exits with cause {:#04x} {}", cause as u64, cause.name()), count, is);
    }
    let total = expected.exits.iter().map(|(_, count)| count).sum();
    checks.equal(format!("{at}: exits in the machine"), total, scene.seen.len() as u64);
    let traps: Vec<_> = scene.traps.iter().map(|trap| (trap.from, trap.cause)).collect();
    checks.same(format!("{at}: traps to Ring 0"), &format!("{:?}", expected.traps), &format!("{traps:?}"));
    // The last scene ends the machine: nobody tells what it came to.
    if scene.done == Line::default() {
        return Ok(());
    }
    checks.equal(format!("{at}: VMCOUNT_EXIT's increase"), total, scene.done.number("exits")?);
    let completed = scene.seen.iter().filter(|exit| is_completed(exit)).count() as u64;
    checks.equal(format!("{at}: instructions completed in the machine"), expected.emulated, completed);
    checks.equal(format!("{at}: VMCOUNT_EMU's increase"), completed, scene.done.number("emulated")?);
    checks.equal(
        format!("{at}: the guest's instructions"),
        scene.guest_instructions,
        scene.done.number("guest")?,
    );
    let (before, after) = scene.live_misses;
    checks.equal(
        format!("{at}: VMCOUNT_TLBMISS's increase"),
        after.saturating_sub(before),
        scene.done.number("tlbmisses")?,
    );
    for (register, value) in expected.observed {
        checks.equal(format!("{at}: the guest's {register}"), *value, scene.observed.number(register)?);
    }
    Ok(())
}

fn is_completed(exit: &Seen) -> bool {
    exit.entry.is_some_and(|(action, _)| action == Action::Complete as u64)
}

/// Exits of a scene that visor tells: the first few of each cause.
pub fn told_ones(seen: &[Seen]) -> Vec<&Seen> {
    let mut counts = BTreeMap::<u64, usize>::new();
    let is_told = |exit: &&Seen| {
        let count = counts.entry(exit.record.cause).or_default();
        *count += 1;
        *count <= TOLD_MAX
    };
    seen.iter().filter(is_told).collect()
}

fn check_told(checks: &mut Checks, number: u64, scene: &Scene) -> anyhow::Result<()> {
    let seen = told_ones(&scene.seen);
    checks.equal(
        format!("scene {number}: exits that visor tells"),
        seen.len() as u64,
        scene.told.len() as u64,
    );
    for (index, (told, seen)) in (1..).zip(scene.told.iter().zip(seen)) {
        let at = format!("scene {number}, exit {index}");
        check_record(checks, &at, told, seen)?;
        check_stored(checks, &at, told, seen, scene)?;
        check_resumption(checks, &at, told, seen)?;
    }
    Ok(())
}

/// The exit record that visor read by its MSRs against the machine's.
fn check_record(checks: &mut Checks, at: &str, told: &Told, seen: &Seen) -> anyhow::Result<()> {
    let record = &seen.record;
    let decoded = record.qualification;
    for (name, value) in [
        ("cause", record.cause),
        ("pc", seen.pc),
        ("ring", decoded.ring() as u64),
        ("length", decoded.length()),
        ("instruction", record.instruction),
        ("size", decoded.bytes()),
        ("write", decoded.writes().into()),
        ("read", decoded.reads().into()),
        ("register", decoded.register().into()),
        ("code", record.code),
        ("value", record.value),
        ("gva", record.guest_virtual),
        ("gpa", record.guest_physical),
        ("cookie", record.cookie),
    ] {
        checks.equal(format!("{at}: {name} of the exit record"), value, told.exit.number(name)?);
    }
    Ok(())
}

/// What VMSAVE stored, in memory and as visor tells it.
fn check_stored(
    checks: &mut Checks,
    at: &str,
    told: &Told,
    seen: &Seen,
    scene: &Scene,
) -> anyhow::Result<()> {
    let stored = &told.stored;
    for (name, should, is) in [
        ("REVISION", REVISION_VALUE, stored.revision),
        ("PC", seen.pc, stored.pc),
        ("RING", seen.ring as u64, stored.ring),
        ("TRAPCFG", scene.live_filter, stored.trapcfg),
        ("EXIT_CAUSE", seen.record.cause, stored.cause),
        ("EXIT_VALUE", seen.record.value, stored.value),
        ("COUNT_EXIT", told.saved.number("exits")?, stored.exits),
        ("R1", told.saved.number("r1")?, stored.r1),
        ("PAGE_TABLE_BASE", told.saved.number("cr3")?, stored.cr3),
    ] {
        checks.equal(format!("{at}: {name} of the VMCS in memory"), should, is);
    }
    Ok(())
}

/// The resume action and where the guest went on.
fn check_resumption(checks: &mut Checks, at: &str, told: &Told, seen: &Seen) -> anyhow::Result<()> {
    let (Some(resume), Some((action, pc))) = (&told.resume, seen.entry) else { return Ok(()) };
    let name = match Action::from_number(action).context("the machine did an action that there is not")? {
        Action::Retry => "retry",
        Action::Complete => "complete",
        Action::Inject => "inject",
    };
    checks.same(format!("{at}: the resume action"), name, resume.text("action")?);
    let should = match name {
        "complete" => seen.pc + told.exit.number("length")?,
        // What is injected happens at that very place.
        _ => seen.pc,
    };
    checks.equal(format!("{at}: where the guest goes on"), should, pc);
    Ok(())
}

/// Scene 1: one value all the way.
fn check_first(checks: &mut Checks, recording: &Recording) -> anyhow::Result<()> {
    let scene = recording.scenes.first().context("there is no scene 1")?;
    let told = scene.told.first().context("scene 1 tells no exit")?;
    let value = told.exit.number("value")?;
    let resume = told.resume.as_ref().context("scene 1 does not resume")?;
    checks.equal("scene 1: R1 in the VMCS", value, told.stored.r1);
    checks.equal("scene 1: CR3 in the VMCS before the handler", 0, told.stored.cr3);
    checks.equal("scene 1: what LDGPTBR loads", value, resume.number("value")?);
    checks.equal("scene 1: what the guest reads back", value, scene.observed.number("r11")?);
    checks.same("scene 1: the handler", "ldgptbr", resume.text("handler")?);
    let statement = recording.source.statement(told.exit.number("pc")?).unwrap_or_default();
    checks.same("scene 1: the instruction in the source", "MOV CR3, R1", &statement);
    Ok(())
}

/// Scene 5: the sentence came out whole, and nothing else did.
fn check_printed(checks: &mut Checks, recording: &Recording) {
    const SENTENCE: &str = "Hello from Ring 0, port by port.\n";
    for (number, scene) in (1..).zip(&recording.scenes) {
        let should = if number == 5 { SENTENCE } else { "" };
        checks.same(format!("scene {number}: what the guest prints"), should, &scene.printed);
    }
}

/// Scenes 6 and 7: addresses, by a walk of our own.
fn check_memory(checks: &mut Checks, recording: &Recording) -> anyhow::Result<()> {
    let machine = recording.instance.machine();
    let scene = recording.scenes.get(5).context("there is no scene 6")?;
    let (line, walk) = scene.translation.as_ref().context("scene 6 tells no translation")?;
    checks.equal("scene 6: the first stage", walk.first.to, line.number("gpa")?);
    checks.equal("scene 6: the second stage", walk.second.to, line.number("physical")?);
    checks.equal("scene 6: the guest's own address", walk.first.to, scene.observed.number("r14")?);
    checks.equal("scene 6: memory there", read(recording, walk.second.to)?, line.number("value")?);
    let scene = recording.scenes.get(6).context("there is no scene 7")?;
    let resume = scene.told.first().and_then(|told| told.resume.as_ref());
    let page = resume.context("scene 7 does not resume")?.number("value")?;
    checks.equal("scene 7: where the new page is", walk::walk_second(machine, LATE_MEMORY)?.to, page);
    checks.equal("scene 7: what the store left there", 42, read(recording, page)?);
    Ok(())
}

fn read(recording: &Recording, physical: u64) -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    recording.instance.machine().read_physical(physical, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Scene 10: what the guest tried has changed nothing.
fn check_containment(checks: &mut Checks, recording: &Recording) -> anyhow::Result<()> {
    let hart = &recording.instance.machine().harts[0];
    checks.equal("HPTBR at the end", recording.vm.number("hptbr")?, hart.state.vm.hptbr);
    checks.equal("VMCSPTR at the end", recording.vm.number("vmcs")?, hart.state.vm.vmcs.unwrap_or(u64::MAX));
    checks.equal(
        "where RAM begins",
        recording.memory.number("physical")?,
        recording.instance.machine().board.ram().base(),
    );
    Ok(())
}

/// Scene 13: what the guest read, against the exits before it.
fn check_counters(checks: &mut Checks, recording: &Recording) -> anyhow::Result<()> {
    let scene = recording.scenes.get(12).context("there is no scene 13")?;
    let before = &recording.scenes[..12];
    // Each of the 13 scenes began with a call, which exits and is completed.
    let calls = 13;
    let exits: usize = before.iter().map(|scene| scene.seen.len()).sum();
    let completed = before.iter().flat_map(|scene| &scene.seen).filter(|exit| is_completed(exit)).count();
    checks.equal("scene 13: VMCOUNT_EXIT", exits as u64 + calls, scene.observed.number("r11")?);
    checks.equal("scene 13: VMCOUNT_EMU", completed as u64 + calls, scene.observed.number("r12")?);
    // Nothing misses between this reading and the end.
    let misses = recording.instance.machine().harts[0].state.vm.count_tlb_miss;
    checks.equal("scene 13: VMCOUNT_TLBMISS", misses, scene.observed.number("r13")?);
    Ok(())
}

/// The end: the three counters and the table against the machine's own counts.
fn check_totals(checks: &mut Checks, recording: &Recording) -> anyhow::Result<()> {
    let totals = recording.instance.machine().totals();
    let end = &recording.end;
    checks.equal("VMCOUNT_EXIT", totals.exits.values().sum(), end.number("vmcount_exit")?);
    checks.equal("VMCOUNT_EMU", totals.emulated, end.number("vmcount_emu")?);
    checks.equal("VMCOUNT_TLBMISS", totals.tlb_misses, end.number("vmcount_tlbmiss")?);
    let guest = totals.instructions - totals.instructions_ring_minus_1;
    checks.equal("the guest's instructions", guest, end.number("guest")?);
    let handlers: Vec<u64> =
        recording.causes.iter().map(|line| line.number("total")).collect::<Result<_, _>>()?;
    checks.equal("instructions of all handlers", handlers.iter().sum(), end.number("handlers")?);
    checks.equal("causes in the table", totals.exits.len() as u64, recording.causes.len() as u64);
    for line in &recording.causes {
        let cause = ExitCause::from_number(line.number("number")?).context("visor told an unknown cause")?;
        let is = totals.exits.get(&cause).copied().unwrap_or(0);
        checks.equal(format!("samples of {}", cause.name()), is, line.number("samples")?);
        // A handler is a part of the way from the exit to the next entry.
        if let Some(spread) = totals.exit_instructions.get(&cause) {
            let at = format!("handlers of {}", cause.name());
            checks.at_most(format!("{at}: the least"), spread.minimum, line.number("min")?);
            checks.at_most(format!("{at}: the most"), spread.maximum, line.number("max")?);
            checks.at_most(format!("{at}: all"), spread.total, line.number("total")?);
        }
        checks.same(format!("the name of cause {:#04x}", cause as u64), cause.name(), line.text("name")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::record::record;
    use visa_embed::images;

    fn recording() -> Recording {
        record(images::visor().unwrap(), images::demo().unwrap()).unwrap()
    }

    #[test]
    fn the_run_is_as_told() {
        let checks = verify(&recording(), &EXPECTED).unwrap();
        assert_eq!(checks.failures, Vec::<String>::new());
        assert!(checks.count > 500, "{}", checks.count);
    }

    #[test]
    fn a_wrong_expectation_fails() {
        let mut wrong = EXPECTED;
        wrong[0].exits = &[(ControlRegister, 2)];
        wrong[8].observed = &[("r11", 43)];
        let failures = verify(&recording(), &wrong).unwrap().failures;
        let has = |text: &str| failures.iter().any(|failure| failure == text);
        assert!(
            has(
                "scene 1 (control-register): exits with cause 0x03 control-register-write: should be 2 (0x2), but is 1 (0x1)"
            ),
            "{failures:#?}"
        );
        assert!(
            has("scene 9 (virtual-device): the guest's r11: should be 43 (0x2b), but is 42 (0x2a)"),
            "{failures:#?}"
        );
    }

    #[test]
    fn a_machine_that_differs_from_what_visor_told_fails() {
        let mut recording = recording();
        recording.instance.machine_mut().harts[0].state.statistics.emulated += 1;
        recording.scenes[0].told[0].stored.pc += 4;
        let failures = verify(&recording, &EXPECTED).unwrap().failures;
        assert_eq!(failures.len(), 2, "{failures:#?}");
        assert!(failures[0].starts_with("scene 1, exit 1: PC of the VMCS in memory:"));
        assert!(failures[1].starts_with("VMCOUNT_EMU: should be 224"));
    }
}
