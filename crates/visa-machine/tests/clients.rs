//! What kernels and firmware that were not made for V-ISA rely on, in each mode: legacy SBI calls, slots without a device, fences of
//! the future, flat images; and that a guest that is dead ends alike wherever it runs.

mod kernel;

use kernel::{assemble, image, run, run_image, run_on};
use visa_isa::cause::{Exception, INTERRUPT, interrupt};
use visa_machine::boot::{BootError, Hardware, Image, KernelBoot, Mode, kernel, ram_bytes_for_kernel};
use visa_machine::loader::ImageKind;
use visa_machine::machine::{End, Progress, TimeSource};
use visa_state::Features;

/// What visor's exit code for a dead guest is (specification, 8.2).
const GUEST_SHUTDOWN: u16 = 0x60;

const ALL: [Mode; 3] = [Mode::Native, Mode::Accelerated, Mode::Software];

#[test]
fn legacy_calls_return_one_value() {
    // R11 is nobody's but the caller's; the function in R16 means nothing.
    let source = "
        LI  R11, 0x1234
        LI  R10, 0
        SBI 0, 99               ; set_timer: due at once
        EXPECT R10, 0
        csrr R1, sip
        EXPECT R1, 0x20
        LI  R10, -1
        SBI 0, 0
        csrr R1, sip
        EXPECT R1, 0
        LI  R10, 'k'
        SBI 1, 0
        EXPECT R10, 0
        SBI 2, 0                ; nothing has been typed
        EXPECT R10, -1
        SBI 3, 0                ; clear_ipi: there is none
        EXPECT R10, 0
        LI  R10, 0
        SBI 4, 0                ; send_ipi to all harts
        EXPECT R10, 0
        csrr R1, sip
        EXPECT R1, 2
        SBI 3, 0
        SGTZ R1, R10
        EXPECT R1, 1
        csrr R1, sip
        EXPECT R1, 0
        LA  R10, mask
        SBI 4, 0                ; to a hart that is there and some that are not
        EXPECT R10, 0
        csrr R1, sip
        EXPECT R1, 2
        csrw sip, zero
        LA  R10, mask
        SBI 5, 0
        EXPECT R10, 0
        LA  R10, mask
        LI  R11, 0x1234
        LI  R12, 0x1000
        SBI 6, 0
        EXPECT R10, 0
        LI  R10, 0
        LI  R13, 3
        SBI 7, 0
        EXPECT R10, 0
        LI  R10, 0x1000         ; a mask that is nowhere
        SBI 4, 0
        SLTZ R1, R10
        EXPECT R1, 1
        csrr R1, sip
        EXPECT R1, 0
        EXPECT R11, 0x1234
        BNEZ R8, failed
        SBI 8, 0                ; shutdown
failed: END
        .align 3
mask:   .dword 0xFFFFFFFFFFFFFF01";
    for mode in ALL {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.console, "k", "{mode:?}");
    }
}

#[test]
fn legacy_masks_are_at_virtual_addresses() {
    // A page of 1 GiB at 0, where no memory is, for what lies at 0x8000_0000; the mask over the end of a small page. Then one
    // that Ring 0 may read only with SUM.
    let source = "
        LA  R1, root
        LI  R2, 0x200000CF      ; V R W X A D
        SD  R2, 16(R1)
        SD  R2, 0(R1)
        LI  R2, 0x200000DF      ; and U
        SD  R2, 8(R1)
        SRLI R1, R1, 12
        LI  R2, 8<<60
        OR  R1, R1, R2
        csrw satp, R1
        sfence.vma
        LA  R4, end-4
        LI  R1, 1
        SW  R1, 0(R4)
        LI  R1, 0x80000000
        SUB R10, R4, R1
        SBI 4, 0
        EXPECT R10, 0
        csrr R1, sip
        EXPECT R1, 2
        csrw sip, zero
        LI  R1, 0x40000000
        SUB R10, R4, R1
        MV  R5, R10
        SBI 4, 0
        SLTZ R1, R10
        EXPECT R1, 1
        csrr R1, sip
        EXPECT R1, 0
        LI  R1, 1<<18
        csrs sstatus, R1
        MV  R10, R5
        SBI 4, 0
        EXPECT R10, 0
        csrr R1, sip
        EXPECT R1, 2
        LI  R10, 0xC0000000     ; not mapped
        SBI 5, 0
        SLTZ R1, R10
        EXPECT R1, 1
        END
        .align 12
root:   .zero 4096
end:    .zero 4096";
    for mode in ALL {
        run(mode, source).assert_finished(0);
    }
    let without_nesting = Features::default().without(visa_state::Feature::NestedPaging);
    run_on(without_nesting, Mode::Accelerated, 1, assemble(source), |_| {}).assert_finished(0);
}

#[test]
fn legacy_calls_reach_other_harts() {
    let source = "
        BNEZ R10, second
        LI  R10, 1
        LA  R11, _start
        LI  R12, 77
        SBI 0x48534D, 0
        EXPECT R10, 0
        LA  R2, word
1:      LD  R1, 0(R2)
        BEQZ R1, 1b
        LA  R10, mask
        SBI 4, 0
        EXPECT R10, 0
        LI  R10, 0
        SBI 5, 0                ; fences wait for both
        EXPECT R10, 0
        LI  R10, 0
        LI  R11, 0
        LI  R12, -1
        SBI 6, 0
        EXPECT R10, 0
2:      LD  R1, 8(R2)
        BEQZ R1, 2b
        csrr R1, sip
        EXPECT R1, 0            ; the mask was of hart 1 alone
        END
second: LA  R2, word
        LI  R1, 2
        csrw sie, R1
        SD  R12, 0(R2)
        SD  R11, 0(R2)
3:      HLT
        csrr R1, sip
        BEQZ R1, 3b
        SD  R1, 8(R2)
4:      HLT
        J   4b
        .align 3
mask:   .dword 2
word:   .dword 0, 0";
    for mode in [Mode::Native, Mode::Accelerated] {
        run_image(mode, 2, assemble(source)).assert_finished(0);
    }
}

#[test]
fn slots_without_a_device_answer_in_every_mode() {
    // Magic, version 2, device 0, in each of the eight; behind them nothing.
    let source = "
        LA  R1, handler
        csrw stvec, R1
        LI  R7, 0
        LI  R2, 0x10001000
        LI  R3, 0x10009000
1:      LWU R1, 0(R2)
        EXPECT R1, 0x74726976
        LWU R1, 4(R2)
        EXPECT R1, 2
        LWU R1, 8(R2)
        EXPECT R1, 0
        LI  R1, 1
        SW  R1, 0x70(R2)
        LI  R1, 0x1000
        ADD R2, R2, R1
        BNE R2, R3, 1b
        EXPECT R7, 0
        LWU R1, 0(R2)
        EXPECT R7, 5
        END
        .align 2
handler:
        csrr R7, scause
        csrr R1, sepc
        ADDI R1, R1, 4
        csrw sepc, R1
        SRET";
    for mode in ALL {
        run(mode, source).assert_finished(0);
    }
    for feature in visa_state::Feature::ALL {
        let features = Features::default().without(feature);
        run_on(features, Mode::Accelerated, 1, assemble(source), |_| {}).assert_finished(0);
    }
}

#[test]
fn fences_of_the_future_are_fences_in_every_mode() {
    let source = "
        LA  R1, handler
        csrw stvec, R1
        LI  R2, 2000
1:      .word 0x0FF0008F, 0x0FF0800F, 0x1FF0000F, 0x8FF0000F, 0xFFF0000F, 0xFFFF8F8F
        .word 0x0000108F, 0x0010100F, 0xFFFF9F8F
        ADDI R2, R2, -1
        BNEZ R2, 1b
        END
        .align 2
handler:
        LI  R8, 1
        END";
    for mode in ALL {
        run(mode, source).assert_finished(0);
    }
}

/// What a kernel with these instructions at its trap vector, or none there, comes to: the same in every mode.
fn dies(source: &str, last_trap: &str) {
    for mode in ALL {
        let outcome = run(mode, source);
        outcome.assert_finished(GUEST_SHUTDOWN);
        let [first, second] = [
            "visor: hart 0: the guest cannot go on: its trap vector traps (shutdown)",
            &format!("visor: last trap: {last_trap}"),
        ];
        let mut lines = outcome.console.lines().skip_while(|line| *line != first);
        assert_eq!(lines.next(), Some(first), "{mode:?}: {}", outcome.console);
        let line = lines.next().unwrap_or_default();
        assert!(line.starts_with(second), "{mode:?}: {}", outcome.console);
    }
}

#[test]
fn a_dead_guest_ends_alike_in_every_mode() {
    dies("csrw stvec, zero\n ebreak", "instruction access fault (0x1) at 0x0, value 0x0, vector 0x0");
    // Vectored, and an exception all the same.
    dies(
        "LI R1, 0x41\n csrw stvec, R1\n .word 0",
        "instruction access fault (0x1) at 0x40, value 0x40, vector 0x41",
    );
    dies(
        "LA R1, bad\n csrw stvec, R1\n ebreak\n .align 2\nbad: .word 0",
        "illegal instruction (0x2) at 0x8020",
    );
    dies(
        "LA R1, bad\n csrw stvec, R1\n LI R2, 0x30\n ebreak\n .align 2\nbad: LD R1, 0(R2)",
        "load access fault (0x5) at 0x8020",
    );
    dies(
        "LA R1, bad\n csrw stvec, R1\n LI R2, 0x30\n ebreak\n .align 2\nbad: SD R1, 0(R2)",
        "store access fault (0x7) at 0x8020",
    );
    dies("LA R1, bad\n csrw stvec, R1\n ebreak\n .align 2\nbad: ebreak", "breakpoint (0x3) at 0x8020");
    // A register that is not there, as a site of its own kind.
    dies(
        "LA R1, bad\n csrw stvec, R1\n ebreak\n .align 2\nbad: csrr R1, 0x300",
        "illegal instruction (0x2) at 0x8020",
    );
    // The vector is mapped, but not for Ring 0 to execute; where the fault comes from Ring 3.
    dies(
        "LA R1, root\n LI R2, 0x200000DF\n SD R2, 16(R1)\n SRLI R1, R1, 12\n LI R2, 8<<60\n OR R1, R1, R2
        LA R3, user\n csrw sepc, R3\n csrw sscratch, R1\n LA R3, 3f\n csrw stvec, R3
        csrw satp, R1\n sfence.vma\n 3: SRET
user:   ebreak
        .align 12
root:   .zero 4096",
        "instruction page fault (0xc) at 0x8020",
    );
    // Nothing is mapped at all.
    dies(
        "csrw stvec, zero\n LA R1, root\n SRLI R1, R1, 12\n LI R2, 8<<60\n OR R1, R1, R2\n csrw satp, R1\n sfence.vma\n nop
        .align 12
root:   .zero 4096",
        "instruction page fault (0xc) at 0x0, value 0x0, vector 0x0",
    );
}

/// Its only virtual CPU is stopped, or waits for an interrupt that it has not enabled: the machine sees that nothing can happen.
#[test]
fn a_guest_that_has_stopped_ends_alike_in_every_mode() {
    let stopped = "LI R1, 0x20\n csrw sie, R1\n csrw stimecmp, zero\n SBI 0x48534D, 1\n END";
    let waits = "csrw sie, zero\n csrw stimecmp, zero\n 1: HLT\n J 1b";
    for source in [stopped, waits] {
        for mode in ALL {
            assert_eq!(run(mode, source).progress, Progress::Idle(None), "{mode:?}: {source}");
        }
    }
}

#[test]
fn the_software_mode_has_one_hart() {
    let hardware = Hardware {
        harts: 2,
        start_time_ns: 0,
        time: TimeSource::Instructions,
        features: Features::default(),
    };
    let refused = boot(&hardware, Mode::Software, assemble("END"), None).err();
    assert!(matches!(refused, Some(BootError::SoftwareHarts { harts: 2 })), "{refused:?}");
    assert_eq!(
        refused.map(|error| error.to_string()).as_deref(),
        Some("the software-only mode runs its guest on one hart, not on 2")
    );
}

fn boot(
    hardware: &Hardware,
    mode: Mode,
    kernel_image: Image,
    load_address: Option<u64>,
) -> Result<visa_machine::boot::Ready, BootError> {
    const MEMORY_BYTES: u64 = 16 << 20;
    let board = hardware.board(ram_bytes_for_kernel(MEMORY_BYTES)?)?;
    let plan = KernelBoot {
        mode,
        kernel: kernel_image,
        load_address,
        initrd: None,
        append: String::new(),
        memory_bytes: MEMORY_BYTES,
        seed: 1,
        visor: image("visor.elf"),
    };
    kernel(hardware, board, &plan)
}

/// Ends well if it runs at the address in R9, which its text loads.
fn flat(address: u64) -> Image {
    let source = format!(
        "_start: auipc R1, 0\n LI R9, {address:#x}\n XOR R1, R1, R9\n SNEZ R11, R1\n LI R10, 0
        LI R17, 0x53525354\n LI R16, 0\n ECALL"
    );
    let object = visa_asm::assemble(&source, "flat.s", &visa_asm::Options::default());
    Image::Bytes(
        "flat".into(),
        object.unwrap_or_else(|errors| panic!("{}", errors.render(false))).to_flat().into(),
    )
}

#[test]
fn a_flat_kernel_goes_2_mib_into_memory_or_where_it_is_told() {
    let hardware = Hardware {
        harts: 1,
        start_time_ns: 0,
        time: TimeSource::Instructions,
        features: Features::default(),
    };
    for mode in ALL {
        for (given, address) in
            [(None, 0x8020_0000), (Some(0x8000_0000), 0x8000_0000), (Some(0x8040_0800), 0x8040_0800)]
        {
            let ready = boot(&hardware, mode, flat(address), given).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((ready.image.kind, ready.image.entry), (ImageKind::Flat, address));
            let mut machine = ready.machine;
            let mut progress = Progress::Running;
            for _ in 0..100 {
                if progress != Progress::Running {
                    break;
                }
                progress = machine.run_slice(1_000_000, 1_000_000);
            }
            assert_eq!(progress, Progress::Ended(End::Finished(0)), "{mode:?} at {address:#x}");
        }
        let error = |given, image| boot(&hardware, mode, image, given).err().map(|error| error.to_string());
        let elf = error(Some(0x8040_0000), assemble("END")).unwrap_or_default();
        assert_eq!(
            elf,
            "the kernel is an ELF, which says itself where it goes: 0x80400000 is for a flat binary"
        );
        let outside = error(Some(0x7000_0000), flat(0)).unwrap_or_default();
        assert!(outside.contains("outside RAM"), "{outside}");
        let above = error(Some(0x8100_0000), flat(0)).unwrap_or_default();
        assert!(above.contains("overlaps"), "not over visor: {above}");
    }
}

/// Traps that Ring 0 takes are counted by cause, whoever it is: the kernel, or visor in the software-only mode.
#[test]
fn traps_are_counted_by_cause() {
    let source = "
        LA  R1, handler
        csrw stvec, R1
        ebreak
        ebreak
        .word 0
        LI  R1, 2
        csrw sie, R1
        csrw sip, R1
        csrs sstatus, R1        ; at once
        nop
        END
        .align 2
handler:
        csrr R1, scause
        BLTZ R1, 2f
        csrr R1, sepc
        ADDI R1, R1, 4
        csrw sepc, R1
        SRET
2:      csrw sip, zero
        SRET";
    let (breakpoint, illegal) = (Exception::Breakpoint as u64, Exception::IllegalInstruction as u64);
    let software = INTERRUPT | u64::from(interrupt::SUPERVISOR_SOFTWARE);
    for mode in [Mode::Native, Mode::Accelerated] {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        let traps = outcome.machine.totals().traps;
        assert_eq!(traps, [(breakpoint, 2), (illegal, 1), (software, 1)].into(), "{mode:?}");
    }
    let outcome = run(Mode::Software, source);
    outcome.assert_finished(0);
    let totals = outcome.machine.totals();
    assert_eq!(totals.traps[&breakpoint], 2, "{:?}", totals.traps);
    // Once too early, and once when it is taken.
    assert_eq!(totals.traps[&software], 2, "{:?}", totals.traps);
    assert_eq!(totals.traps[&(Exception::EcallUser as u64)], 1, "{:?}", totals.traps);
    // Each privileged instruction outside of a compiled run: at least the first of each place.
    assert!(totals.traps[&illegal] > 10, "{:?}", totals.traps);
}
