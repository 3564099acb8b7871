//! A machine without a feature: what exits then, and what the exit record still says.

mod guest;

use guest::{ENTER_ONCE, Nested, Setup, run};
use visa_isa::cause::ExitCause;
use visa_isa::exit::{
    AccessKind, Exit, ExitRecord, InvalidField, MemoryAccess, MsrAccess, NestedPageFault, PortAccess,
    Qualification,
};
use visa_isa::{GuestPhysical, GuestVirtual, Ring, trap_filter};
use visa_machine::machine::Machine;
use visa_state::{Feature, Features};

fn without(feature: Feature) -> Features {
    Features::default().without(feature)
}

/// Runs a guest up to its first exit, which ends the machine.
fn first_exit(guest: &str, setup: Setup<'_>) -> (ExitRecord, Machine) {
    let source = format!("{ENTER_ONCE}guest: {guest}");
    let mut machine = Setup { source: &source, ..setup }.machine();
    run(&mut machine, 10_000);
    (machine.harts[0].state.exit, machine)
}

fn exit_without(feature: Feature, guest: &str, setup: Setup<'_>) -> ExitRecord {
    first_exit(guest, Setup { features: without(feature), ..setup }).0
}

#[test]
fn without_decode_assist_the_record_has_what_the_memory_path_knows() {
    let nested = || Setup { nested: Nested::Large, ..Setup::default() };
    let store = "li a0, 0x4123456788\n li a1, 0x77\n sd a1, (a0)";
    let (full, _) = first_exit(store, nested());
    assert_eq!((full.value, full.qualification.bytes()), (0x77, 8));
    let bare = exit_without(Feature::DecodeAssist, store, nested());
    let address = 0x41_2345_6788;
    let access = MemoryAccess {
        guest_virtual: GuestVirtual(address),
        bytes: 0,
        kind: AccessKind::Store,
        written: None,
    };
    let fault = NestedPageFault { guest_physical: GuestPhysical(address), of_walk: false, access };
    assert_eq!(bare, Exit::NestedPageFault(fault).record());
    assert_eq!(Exit::from_record(&bare), Ok(Exit::NestedPageFault(fault)));
    let load = exit_without(Feature::DecodeAssist, "li a0, 0x4123456788\n lb a1, (a0)", nested());
    assert_eq!(load.qualification, Qualification::READ);
    let port = Setup { trap_filter: trap_filter::IO, ..Setup::default() };
    let out = exit_without(Feature::DecodeAssist, "li a0, 0x3f8\n OUT a0, a0", port);
    assert_eq!(out, ExitRecord { cause: ExitCause::IoAccess as u64, ..ExitRecord::default() });
    assert_eq!(Exit::from_record(&out), Ok(Exit::IoAccess(PortAccess::default())));
    let msr = Setup { trap_filter: trap_filter::MSR, ..Setup::default() };
    let (write, machine) =
        first_exit("csrw sscratch, a0", Setup { features: without(Feature::DecodeAssist), ..msr });
    let cause = ExitCause::ControlRegister as u64;
    assert_eq!(write, ExitRecord { cause, ..ExitRecord::default() });
    assert_eq!(Exit::from_record(&write), Ok(Exit::ControlRegister(MsrAccess::default())));
    assert_eq!(machine.harts[0].state.vm.result, 0);
}

#[test]
fn without_decode_assist_complete_is_refused() {
    let source = "
_start: li      R1, 0x80100000
        VMENTER R1
        li      R2, 1
        wrmsr   VMACTION, R2
        VMRESUME
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
guest:  ecall";
    let mut machine =
        Setup { source, features: without(Feature::DecodeAssist), ..Setup::default() }.machine();
    run(&mut machine, 1_000);
    let exit = machine.harts[0].state.exit;
    assert_eq!(Exit::from_record(&exit), Ok(Exit::EntryFailure(InvalidField(visa_isa::vmcs::ACTION))));
}

#[test]
fn without_the_trap_filter_everything_exits() {
    let kernel = |guest| exit_without(Feature::TrapFilter, guest, Setup::default()).cause;
    for (guest, cause) in [
        ("OUT R0, a0", ExitCause::IoAccess),
        ("li a0, 0xcf8\n OUT.W a0, a0", ExitCause::PciConfiguration),
        ("csrr a0, sscratch", ExitCause::MsrAccess),
        ("rdcycle a0", ExitCause::MsrAccess),
        ("csrw satp, zero", ExitCause::ControlRegister),
        ("sret", ExitCause::IllegalPrivileged),
        ("wfi", ExitCause::Halt),
        ("sfence.vma", ExitCause::TlbFlush),
        ("pause", ExitCause::Pause),
        ("VINT_STAT a0", ExitCause::VisaInstruction),
    ] {
        assert_eq!(kernel(guest), cause as u64, "{guest}");
    }
    let paging = Setup { paging: true, ..Setup::default() };
    let fault = exit_without(Feature::TrapFilter, "li a0, 0x140000000\n ld a0, (a0)", paging);
    assert_eq!((fault.cause, fault.code), (ExitCause::PageFault as u64, 13));
    let user = Setup { ring: Ring::User, ..Setup::default() };
    assert_eq!(exit_without(Feature::TrapFilter, "sret", user).cause, ExitCause::IllegalPrivileged as u64);
}

#[test]
fn without_it_the_guests_timer_exits() {
    let guest = "li t0, 0x20\n csrw sie, t0\n csrw stimecmp, zero\n 1: j 1b";
    let exit = exit_without(Feature::TimerWithoutExit, guest, Setup::default());
    assert_eq!((exit.cause, exit.code), (ExitCause::Timer as u64, 5));
    assert_eq!(exit_without(Feature::TrapFilter, "csrw stimecmp, zero", Setup::default()).cause, 0x03);
}

#[test]
fn without_tags_a_write_of_cr3_flushes() {
    let guest = "li s0, 100\n csrr a0, satp\n 1: csrw satp, a0\n addi s0, s0, -1\n bnez s0, 1b\n VMEXIT";
    let misses = |features| {
        let (_, machine) = first_exit(guest, Setup { paging: true, features, ..Setup::default() });
        machine.totals().tlb_misses
    };
    assert!(misses(Features::default()) < 5);
    assert!(misses(without(Feature::TlbTags)) >= 100);
}

#[test]
fn without_nested_paging_only_a_bare_hptbr_is_entered_with() {
    let features = without(Feature::NestedPaging);
    let field = |machine: &Machine| match Exit::from_record(&machine.harts[0].state.exit) {
        Ok(Exit::EntryFailure(InvalidField(offset))) => Some(offset),
        _ => None,
    };
    // VMENTER of a VMCS that has a second stage loads nothing.
    let nested = Setup { nested: Nested::Large, ..Setup::default() };
    let (exit, machine) = first_exit("VMEXIT", Setup { features, ..nested.clone() });
    assert_eq!(field(&machine), Some(visa_isa::vmcs::NESTED_BASE), "{exit:x?}");
    assert_eq!(machine.harts[0].state.vm.vmcs, None);
    let (exit, _) = first_exit("VMEXIT", nested);
    assert_eq!(exit.cause, ExitCause::VmexitInstruction as u64);
    // LDHPTBR takes any value, and the entry after it does not; mode bare may have a VMID, but not bits 59:58.
    for (hptbr, allowed) in [
        (8u64 << 60 | 5 << 44 | 0x80400, false),
        (9 << 60 | 0x80400, false),
        (1 << 60, false),
        (1 << 58, false),
        (0, true),
        (5 << 44, true),
    ] {
        let source = format!(
            "
_start: li      R1, 0x80100000
        VMLOAD  R1
        li      R2, {hptbr}
        LDHPTBR R2
        VMRESUME
        rdmsr   R3, HPTBR
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
guest:  VMEXIT"
        );
        let mut machine = Setup { source: &source, features, ..Setup::default() }.machine();
        run(&mut machine, 1_000);
        assert_eq!(machine.harts[0].state.bank.r[3], hptbr, "it reads back");
        let expected = (!allowed).then_some(visa_isa::vmcs::NESTED_BASE);
        assert_eq!(field(&machine), expected, "{hptbr:#x}");
    }
}

#[test]
fn a_shadowed_register_is_written_with_what_it_reads_as_the_old_value() {
    let source = "
_start: li      R1, 0x80100000
        VMLOAD  R1
        li      R2, 0x82000000          ; MSR map: satp is shadowed
        wrmsr   MSRMAP, R2
        li      R3, 3
        sb      R3, 0x60(R2)
        li      R2, 0x82010000
        wrmsr   MSRSHADOW, R2
        li      R3, 0xf0
        li      R4, 0x82010c00
        sd      R3, (R4)
        VMRESUME
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
guest:  csrr    a0, satp
        li      a1, 0x0f
        csrrs   a2, satp, a1";
    let mut machine = Setup { source, paging: true, ..Setup::default() }.machine();
    run(&mut machine, 1_000);
    let hart = &machine.harts[0];
    assert_eq!(hart.state.exit.cause, ExitCause::ControlRegister as u64);
    assert_eq!((hart.state.exit.value, hart.state.vm.result), (0xff, 0xf0));
    assert_eq!(hart.state.inactive[0].bank.r[10], 0xf0);
}
