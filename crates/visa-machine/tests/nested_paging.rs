//! visor on a machine without nested paging: small kernels whose page tables it shadows. What they find is what they find
//! natively, and they reach no memory of visor's, neither by loads nor by a device's DMA.

mod kernel;

use kernel::{Outcome, assemble, read_sector, run, run_on};
use visa_devices::{DiskAccess, MemoryBackend};
use visa_isa::cause::ExitCause;
use visa_machine::board::Board;
use visa_machine::boot::Mode;
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Platform;
use visa_state::{Feature, Features};

/// visor's exit code for a guest that cannot go on.
const GUEST_SHUTDOWN: u16 = 0x60;
/// Where visor's memory begins.
const VISOR: u64 = 0x8100_0000;

fn shadowed_with(source: &str, prepare: impl FnOnce(&mut Board)) -> Outcome {
    let features = Features::default().without(Feature::NestedPaging);
    run_on(features, Mode::Accelerated, 1, assemble(source), prepare)
}

fn shadowed(source: &str) -> Outcome {
    shadowed_with(source, |_| {})
}

/// The kernel ends well natively and with shadow tables.
fn both(source: &str) -> Outcome {
    run(Mode::Native, source).assert_finished(0);
    let outcome = shadowed(source);
    outcome.assert_finished(0);
    assert_eq!(outcome.exits(ExitCause::NestedPageFault), 0);
    outcome
}

/// A trap handler that notes cause and value in R4 and R5, and goes on at R3, or behind the instruction if R3 is 0.
const HANDLER: &str = "
        .align 2
handler:
        MOV R4, CR10
        MOV R5, CR2
        MOV R6, CR9
        ADDI R6, R6, 4
        BEQZ R3, 1f
        MV  R6, R3
1:      MOV CR9, R6
        SRET
";

#[test]
fn cr3_reads_as_it_was_written() {
    let outcome = both(
        "
        LI  R1, 0x80400         ; mode bare keeps its other bits
        CSRRW R2, satp, R1
        EXPECT R2, 0
        LI  R1, 0xF
        CSRRS R2, satp, R1
        EXPECT R2, 0x80400
        CSRRC R2, satp, R1
        EXPECT R2, 0x8040F
        MOV R2, CR3
        EXPECT R2, 0x80400
        LI  R1, 0xA000000000080400
        CSRRW R2, satp, R1      ; no such mode
        EXPECT R2, 0x80400
        MOV R2, CR3
        EXPECT R2, 0x80400
        END",
    );
    assert_eq!(outcome.exits(ExitCause::ControlRegister), 4);
    assert_eq!(outcome.exits(ExitCause::MsrAccess), 0, "reads do not exit");
}

/// Tables at 0x80400000 whose entries 2 and 3 are the gigabyte of memory, the second one clean; then CR3, with levels of
/// Sv48 or Sv39.
fn tables(sv48: bool) -> String {
    let (mode, root, gigabytes) =
        if sv48 { (9u64, 0x80400u64, 0x8040_1000u64) } else { (8, 0x80401, 0x8040_1000) };
    format!(
        "
        LA  R1, handler
        MOV CR1, R1
        LI  R3, 0
        LI  R1, 0x80400000
        LI  R2, 0x20100401      ; a pointer to 0x80401000
        SD  R2, 0(R1)
        LI  R1, {gigabytes:#x}
        LI  R2, 0x200000CF      ; 0x80000000: V R W X A D
        SD  R2, 16(R1)
        LI  R2, 0x20000047      ; V R W A
        SD  R2, 24(R1)
        LI  R2, {:#x}
        MOV CR3, R2
        MOV R7, CR3
        EXPECT R7, {:#x}
        ",
        mode << 60 | 5 << 44 | root,
        mode << 60 | 5 << 44 | root
    )
}

#[test]
fn stores_mark_pages_dirty_and_fences_take_effect() {
    for sv48 in [false, true] {
        let source = format!(
            "{}
        LI  R10, 0xC0500000     ; 0x80500000 by the other entry
        LD  R11, 0(R10)
        LD  R2, 24(R1)
        EXPECT R2, 0x20000047   ; clean after a load
        LI  R11, 0x1234
        SD  R11, 0(R10)
        LD  R2, 24(R1)
        EXPECT R2, 0x200000C7   ; dirty after a store
        LI  R12, 0x80500000
        LD  R2, 0(R12)
        EXPECT R2, 0x1234
        LI  R2, 0x200000C3      ; read-only from here on
        SD  R2, 24(R1)
        SFENCE.VMA R10
        SD  R11, 8(R10)
        EXPECT R4, 15
        EXPECT R5, 0xC0500008
        LD  R2, 0(R10)
        EXPECT R2, 0x1234
        SD  R0, 24(R1)          ; not there any more
        LI  R13, 5
        SFENCE.VMA R0, R13
        LD  R2, 0(R10)
        EXPECT R4, 13
        MOV CR3, R0
        LD  R2, 0(R10)          ; nor without translation
        EXPECT R4, 5
        EXPECT R5, 0xC0500000
        END
        {HANDLER}",
            tables(sv48)
        );
        both(&source);
    }
}

#[test]
fn a_guest_does_not_reach_visor_by_its_own_tables() {
    for sv48 in [false, true] {
        // The gigabyte that its entries map has visor's memory, too.
        let source = format!(
            "{}
        LI  R10, {VISOR:#x}
        SD  R10, 0(R10)
        EXPECT R4, 7
        EXPECT R5, {VISOR:#x}
        LD  R11, -8(R10)
        LI  R10, 0xC1000000
        LD  R11, 0(R10)
        EXPECT R4, 5
        EXPECT R5, 0xC1000000
        LI  R10, {VISOR:#x}
        LA  R3, back
        JR  R10
back:   EXPECT R4, 1
        LI  R3, 0
        LI  R2, {:#x}           ; tables in visor's memory
        LA  R3, untranslated
        MOV CR1, R3
        MOV CR3, R2
        LI  R8, 1               ; not reached: nothing can be fetched
        END
untranslated:
        LI  R8, 1
        END
        {HANDLER}",
            tables(sv48),
            8u64 << 60 | VISOR >> 12
        );
        let outcome = shadowed(&source);
        outcome.assert_finished(GUEST_SHUTDOWN);
        assert!(outcome.console.contains("instruction access fault"), "{}", outcome.console);
    }
}

#[test]
fn both_rings_run_untranslated() {
    both(
        "
        LA  R1, handler
        MOV CR1, R1
        LA  R1, user
        MOV CR9, R1
        LA  R3, back
        LA  R10, word
        LD  R11, 0(R10)
        EXPECT R11, 7
        SRET                    ; to Ring 3: SPP is clear
user:   LD  R11, 0(R10)
        ADDI R11, R11, 1
        SD  R11, 0(R10)
        ECALL
back:   MV  R11, R4
        EXPECT R11, 8
        LI  R1, 0x100           ; SRET from the handler came back to Ring 3
        LA  R3, kernel
        ECALL
kernel: END
        .align 3
word:   .dword 7
        .align 2
handler:
        MOV R4, CR10
        MOV R5, CR2
        MOV CR9, R3
        LD  R11, 0(R10)
        EXPECT R11, 8
        LA  R1, kernel
        BNE R3, R1, 1f
        LI  R1, 0x100
        CSRS sstatus, R1
1:      SRET",
    );
}

#[test]
fn a_guest_whose_vector_is_not_mapped_is_ended() {
    let source = format!(
        "{}
        LI  R1, 0x40000000
        MOV CR1, R1
        LD  R1, 0(R1)
        {HANDLER}",
        tables(true)
    );
    let outcome = shadowed(&source);
    outcome.assert_finished(GUEST_SHUTDOWN);
    assert!(outcome.console.contains("instruction page fault"), "{}", outcome.console);
}

#[test]
fn a_disk_reaches_the_guests_memory_and_no_other() {
    let disk = |board: &mut Board| {
        board
            .attach_disk(Box::new(MemoryBackend::new(vec![0x5A; 512], DiskAccess::ReadWrite)), "d")
            .map(drop)
            .unwrap();
    };
    let good = read_sector(0x8050_4000, 0x8050_2000)
        + "EXPECT R2, 0\n LI R1, 0x80504000\n LD R2, 0(R1)\n EXPECT R2, 0x5A5A5A5A5A5A5A5A\n END";
    shadowed_with(&good, disk).assert_finished(0);
    // Into visor's code: the disk says that it failed (VIRTIO 1.3, 5.2.6: status 1), and the code is what it was.
    let bad = read_sector(VISOR, 0x8050_2000) + "EXPECT R2, 1\n END";
    let outcome = shadowed_with(&bad, disk);
    outcome.assert_finished(0);
    let code = outcome.machine.board.ram().load_u64(VISOR - RAM_BASE);
    assert_ne!(code, Some(0x5A5A_5A5A_5A5A_5A5A));
}
