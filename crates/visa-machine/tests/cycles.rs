//! The cycle model on programs whose cost can be reckoned: it stays within what the parameters say, its structures matter
//! as they should, and it changes nothing. `--nocapture` prints the figures.

mod guest;

use guest::{DATA, ENTER_ONCE, Nested, Setup, run, write};
use visa_core::timeline::Change;
use visa_cycles::{CycleReport, Preset, Spent};
use visa_isa::cause::ExitCause;
use visa_machine::machine::Machine;
use visa_state::{Feature, Features};

/// Integer work in the manner of CoreMark: a list walk, a checksum with shifts and a multiplication, a state machine.
const INTEGER: &str = "
guest:  li      s0, 20000               ; rounds
        li      s1, 0x82000000          ; a table of bytes
        li      s2, 0                   ; checksum
        li      s3, 0                   ; state
round:  andi    t0, s0, 0xff
        add     t1, s1, t0
        lbu     t2, (t1)
        xor     s2, s2, t2
        slli    t3, s2, 3
        srli    t4, s2, 5
        add     s2, t3, t4
        mul     t5, t2, s0
        addi    t6, t0, 17
        add     s2, s2, t5
        sb      s2, (t1)
        andi    a0, t2, 3
        beqz    a0, state0
        addi    s3, s3, 1
        j       next
state0: slli    s3, s3, 1
        andi    s3, s3, 0x3ff
next:   call    leaf
        add     s2, s2, a1
        addi    s0, s0, -1
        bnez    s0, round
        VMEXIT
leaf:   addi    a1, t6, 5
        andi    a1, a1, 0x7f
        ret
";

/// A list of as many nodes as R11 says, from R10 on.
const CHASE: &str = "
guest:  li      a0, 0x82000000
        li      a1, 200000
1:      ld      a0, (a0)
        addi    a1, a1, -1
        bnez    a1, 1b
        VMEXIT
";

fn cycles_per_instruction(report: &CycleReport) -> f64 {
    report.millicycles() as f64 / 1000.0 / report.instructions() as f64
}

fn print(name: &str, report: &CycleReport) {
    let share = |what| 100.0 * report.spent(what) as f64 / report.millicycles() as f64;
    print!("{name:44} CPI {:6.3}", cycles_per_instruction(report));
    Spent::ALL.iter().for_each(|&what| print!("  {} {:.1} %", what.name(), share(what)));
    println!("  references/walk {:.2}", report.references_per_walk());
}

fn modelled(mut machine: Machine) -> CycleReport {
    run(&mut machine, 10_000_000);
    machine.cycles().expect("it is modelled")
}

#[test]
fn integer_work_takes_one_to_two_cycles_in_order_and_less_out_of_order() {
    let source = format!("{ENTER_ONCE}{INTEGER}");
    for (preset, least, most) in [(Preset::Small, 1.0, 2.0), (Preset::Large, 0.35, 1.0)] {
        let setup = Setup { source: &source, paging: true, cycles: Some((preset, &[])), ..Setup::default() };
        let report = modelled(setup.machine());
        print(&format!("integer, {}", preset.name()), &report);
        assert!((least..most).contains(&cycles_per_instruction(&report)), "{report:?}");
        assert!(report.branches.returns >= 20_000 && report.branches.returns_wrong < 5, "{report:?}");
    }
}

#[test]
fn a_loop_of_additions_takes_exactly_what_its_parts_do() {
    // 1,000 rounds of three additions and a branch: 4 cycles a round in order, none of them waits. Beyond that, what
    // starts and ends the loop is a few misses and two wrong predictions.
    let source = format!(
        "{ENTER_ONCE}
guest:  li      s0, 1000
1:      addi    t0, t0, 1
        addi    t1, t1, 1
        addi    s0, s0, -1
        bnez    s0, 1b
        VMEXIT"
    );
    let guest_cycles = |assignments: &[&str]| {
        let cycles = Some((Preset::Small, assignments));
        let report = modelled(Setup { source: &source, cycles, ..Setup::default() }.machine());
        (report.rings[1].total(), report.rings[1].millicycles)
    };
    let (_, spent) = guest_cycles(&[]);
    // li, 4,000 in the loop, and VMEXIT, which is issued and stops.
    assert_eq!(spent[Spent::Base as usize], 4_002_000);
    assert_eq!(spent[Spent::Operand as usize], 0);
    assert_eq!(spent[Spent::Branch as usize], 2 * 3_000, "the first round and the last");
    assert_eq!(spent[Spent::Translation as usize], 0);
    // The code begins in Ring -1's line or the next: at most two lines are new.
    assert!(spent[Spent::InstructionCache as usize] <= 2 * 120_000);
    // With a latency of 3, bnez waits 2 cycles for s0, 1,000 times; all else is old enough when it is used.
    let (_, spent) = guest_cycles(&["latency.alu=3"]);
    assert_eq!(spent[Spent::Operand as usize], 2_000_000);
}

/// Nodes in pages of their own, or side by side.
fn chase(preset: Preset, pages: bool, nested: Nested, features: Features) -> CycleReport {
    const NODES: u64 = 4096;
    let source = format!("{ENTER_ONCE}{CHASE}");
    let cycles = Some((preset, &[][..]));
    let setup = Setup { source: &source, paging: true, nested, features, cycles, ..Setup::default() };
    let mut machine = setup.machine();
    // Spread over the lines of the pages, so that the caches' sets are used evenly.
    let place = |node: u64| DATA + if pages { node * 4096 + node / 32 % 64 * 64 } else { node * 64 };
    for node in 0..NODES {
        // A full cycle through all nodes, as the multiplier minus one is a multiple of 4 and the increment odd.
        let next = (node * 1229 + 2731) % NODES;
        write(&mut machine, place(node), &place(next).to_le_bytes());
    }
    modelled(machine)
}

#[test]
fn a_chase_pays_for_tlb_misses_by_the_references_of_their_walks() {
    for preset in Preset::ALL {
        let all = Features::default();
        let measure = |name: &str, pages, nested, features| {
            let report = chase(preset, pages, nested, features);
            print(&format!("chase, {}, {name}", preset.name()), &report);
            report
        };
        let few = measure("side by side, native", false, Nested::Off, all);
        let native = measure("a page each, native", true, Nested::Off, all);
        let large = measure("a page each, nested 2 MiB", true, Nested::Large, all);
        let small = measure("a page each, nested 4 KiB", true, Nested::Small, all);
        let uncached = all.without(Feature::WalkCaches);
        let native_cold = measure("a page each, native, no walk caches", true, Nested::Off, uncached);
        let large_cold = measure("a page each, nested 2 MiB, no walk caches", true, Nested::Large, uncached);
        let small_cold = measure("a page each, nested 4 KiB, no walk caches", true, Nested::Small, uncached);
        assert!(few.translation.walks < 200, "{few:?}");
        for (report, least, most) in [
            (&native, 1.0, 1.01),
            (&large, 1.0, 1.01),
            (&small, 1.9, 2.1),
            (&native_cold, 3.0, 3.0),
            (&large_cold, 3.0 * 3.0 + 2.0, 3.0 * 3.0 + 2.0),
            (&small_cold, 15.0, 15.0),
        ] {
            assert!(report.translation.walks > 150_000, "{report:?}");
            assert!(
                (least..=most).contains(&report.references_per_walk()),
                "{}",
                report.references_per_walk()
            );
        }
        let cost = |report: &CycleReport| report.rings[1].total();
        let rising = [&few, &native, &small, &large_cold, &small_cold].map(cost);
        assert!(rising.is_sorted(), "{rising:?}");
        assert!(cost(&large) < cost(&native) * 102 / 100, "2 MiB pages below cost next to nothing");
    }
}

/// A guest that makes hypercalls, takes page faults of its own, ECALLs from Ring 3, and switches address spaces.
const BUSY: &str = "
_start: li      R1, 0x80100000
        VMENTER R1
again:  VMCAUSE R2
        addi    s0, s0, 1               ; exits
        li      R3, 0x0c                ; VMEXIT: the end
        beq     R2, R3, end
        rdmsr   R4, VMR10
        addi    R4, R4, 3
        wrmsr   VMRESULT, R4
        wrmsr   VMR10, R4
        li      R3, 1
        wrmsr   VMACTION, R3            ; complete
        li      R5, 0x80080000          ; a second page, for VMSAVE
        VMSAVE  R5
        VMRESUME
        j       again
end:    li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
1:      j       1b

guest:  la      t0, trap
        csrw    stvec, t0
        li      s0, 500
loop:   ecall                           ; hypercall: a0 += 3
        ld      t1, 0x123(zero)         ; the devices' gigabyte: an access fault
        li      t2, 0x140000000
        ld      t3, (t2)                ; a page fault
        la      t4, user
        csrw    sepc, t4
        li      t5, 0x100
        csrc    sstatus, t5
        sret                            ; to Ring 3: its fetch faults, as no page is a user's
back:   csrr    t6, satp
        csrw    satp, t6
        sfence.vma
        fence.i
        fadd.d  fa0, fa0, fa1
        amoadd.d a2, s0, (s1)
        addi    s0, s0, -1
        bnez    s0, loop
        VMEXIT
trap:   csrr    a3, scause
        addi    a4, a4, 1
        csrr    a5, sepc
        la      a6, user
        beq     a5, a6, 2f
        addi    a5, a5, 4
        csrw    sepc, a5
        li      a7, 0x100
        csrs    sstatus, a7
        sret
2:      la      a5, back
        csrw    sepc, a5
        li      a7, 0x100
        csrs    sstatus, a7
        sret
user:   nop
";

fn busy(cycles: Option<(Preset, &'static [&'static str])>, features: Features) -> Machine {
    let setup =
        Setup { source: BUSY, paging: true, nested: Nested::Small, cycles, features, ..Setup::default() };
    let mut machine = setup.machine();
    machine.harts[0].observers.keep_timeline(100_000);
    machine
}

/// Everything that a run leaves, but for cycles.
fn traces(machine: &Machine) -> impl PartialEq + std::fmt::Debug + use<> {
    let hart = &machine.harts[0];
    let counts = (machine.totals(), hart.state.instructions, machine.now_ns(), machine.memory_checksum());
    let state = (
        hart.state.bank.clone(),
        hart.state.inactive[0].bank.clone(),
        hart.state.supervisor.clone(),
        hart.state.hypervisor.clone(),
    );
    (counts, state, hart.state.vm.clone(), hart.state.exit)
}

#[test]
fn the_model_changes_nothing_that_it_watches() {
    let mut off = busy(None, Features::default());
    run(&mut off, 1_000_000);
    assert_eq!(off.totals().exits[&ExitCause::Hypercall], 500);
    assert!(
        off.harts[0].state.inactive[0].bank.r[14] >= 1_500,
        "traps: {}",
        off.harts[0].state.inactive[0].bank.r[14]
    );
    for preset in Preset::ALL {
        let mut on = busy(Some((preset, &[])), Features::default());
        run(&mut on, 1_000_000);
        assert_eq!(traces(&on), traces(&off), "{preset:?}");
        let report = on.cycles().expect("it is modelled");
        print(&format!("busy, {}", preset.name()), &report);
        assert_eq!(report.instructions(), off.harts[0].state.instructions);
        assert_eq!(report.millicycles(), on.harts[0].state.millicycles);
    }
}

#[test]
fn the_same_run_takes_the_same_cycles_however_it_is_sliced() {
    let reports = [1_000_000, 777].map(|slice| {
        let mut machine = busy(Some((Preset::Large, &[])), Features::default());
        while machine.board.finisher_request().is_none() {
            machine.run_slice(slice, u64::MAX);
        }
        (machine.cycles(), machine.take_timeline(0))
    });
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn stays_in_ring_minus_1_are_counted_by_cause() {
    let mut machine = busy(Some((Preset::Small, &[])), Features::default());
    run(&mut machine, 1_000_000);
    let totals = machine.totals();
    // From VMCAUSE to VMRESUME. After the first exit execution goes on behind VMENTER, later behind VMRESUME, whose `j` is
    // one more.
    let stay = totals.exit_instructions[&ExitCause::Hypercall];
    assert_eq!((stay.count, stay.maximum - stay.minimum), (500, 1), "{stay:?}");
    assert!(
        !totals.exit_instructions.contains_key(&ExitCause::VmexitInstruction),
        "nothing entered after it"
    );
    let report = machine.cycles().expect("it is modelled");
    let cycles = report.exit_cycles[&ExitCause::Hypercall];
    assert_eq!((cycles.count, report.entries), (500, 501));
    // At least exit 5 + 2 + 2, entry 5 + 2 + 4, and VMSAVE's values: 28 single fields or more, and 192 in arrays.
    assert!(cycles.minimum > stay.minimum + 20 + 220, "{cycles:?}");
    let mut timeline = machine.take_timeline(0);
    timeline.retain(|moment| matches!(moment.change, Change::Exit { .. } | Change::Enter(_)));
    assert_eq!(timeline.len(), 501 + 501);
    assert!(timeline.is_sorted_by_key(|moment| (moment.instructions, moment.millicycles)));
}

#[test]
fn taking_features_away_costs_cycles_and_nothing_else() {
    let run_without = |features: Features| {
        let mut machine = busy(Some((Preset::Small, &[])), features);
        run(&mut machine, 1_000_000);
        let report = machine.cycles().expect("it is modelled");
        (machine, report)
    };
    let (all, full) = run_without(Features::default());
    let (unbanked, moved) = run_without(Features::default().without(Feature::BankedSwitch));
    // 501 entries and as many exits; each moves 126 registers, a cycle each, instead of the 2 cycles of the bank.
    assert_eq!(unbanked.totals().register_moves, 2 * 501 * 126);
    let difference = moved.spent(Spent::WorldSwitch) - full.spent(Spent::WorldSwitch);
    assert!((2 * 501 * 124_000..2 * 501 * 130_000).contains(&difference), "{difference}");
    assert_eq!(unbanked.memory_checksum(), all.memory_checksum());
    let (untagged, flushed) = run_without(Features::default().without(Feature::TlbTags));
    assert!(untagged.totals().tlb_misses > all.totals().tlb_misses + 500);
    assert!(flushed.translation.walks > full.translation.walks);
    assert_eq!(untagged.harts[0].state.inactive, all.harts[0].state.inactive);
}

#[test]
fn the_guest_sees_cycles_only_if_asked() {
    let source = format!("{ENTER_ONCE}guest: csrr a0, cycle\n csrr a1, instret\n VMEXIT");
    let read = |show: bool| {
        let mut machine =
            Setup { source: &source, cycles: Some((Preset::Small, &[])), ..Setup::default() }.machine();
        if show {
            machine.show_cycles_to_guest();
        }
        run(&mut machine, 1_000);
        let guest = &machine.harts[0].state.inactive[0].bank;
        (guest.r[10], guest.r[11])
    };
    let (cycle, instret) = read(false);
    assert_eq!(cycle + 1, instret);
    let (cycle, instret) = read(true);
    assert!(cycle > 10 * instret, "the first instructions miss: {cycle}, {instret}");
}
