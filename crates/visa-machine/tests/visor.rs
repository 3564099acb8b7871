//! visor on the machine: small kernels in V-ISA assembly under it, and what becomes of them.

mod kernel;

use kernel::{assemble, image, run, run_image};
use visa_isa::cause::ExitCause;
use visa_machine::boot::Mode;
use visa_machine::machine::{End, Progress};

/// What visor's exit codes are (guest/visor/README.md).
const GUEST_SHUTDOWN: u16 = 0x60;

const BOTH: [Mode; 2] = [Mode::Native, Mode::Accelerated];

#[test]
fn a_kernel_starts_in_ring_0_with_its_hart_and_its_device_tree() {
    // sstatus, satp and stvec are clear; R11 is the device tree, whose first bytes are its magic number.
    let source = "
        EXPECT R10, 0
        LWU R1, 0(R11)
        EXPECT R1, 0xEDFE0DD0
        MOV R1, CR3
        EXPECT R1, 0
        MOV R1, CR1
        EXPECT R1, 0
        END";
    for mode in BOTH {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.exits(ExitCause::Hypercall), 1);
        assert_eq!(outcome.machine.totals().exits.len(), 1, "hypercalls and nothing else");
    }
}

#[test]
fn a_reset_becomes_the_exit_code() {
    let call = |kind: u64, reason: u64| {
        run(Mode::Accelerated, &format!("LI R10, {kind}\n LI R11, {reason}\n SBI 0x53525354, 0")).progress
    };
    assert_eq!(call(0, 0), Progress::Ended(End::Finished(0)));
    assert_eq!(call(0, 1), Progress::Ended(End::Finished(1)));
    assert_eq!(call(1, 0), Progress::Ended(End::Reset));
}

#[test]
fn the_sbi_answers_and_refuses() {
    let source = "
        SBI 0x10, 0             ; version
        EXPECT R10, 0
        EXPECT R11, 0x02000000
        SBI 0x12345678, 0       ; no such extension
        EXPECT R10, -2
        LI  R10, 16             ; the console takes no memory of visor's
        LI  R11, 0x81000000
        LI  R12, 0
        SBI 0x4442434E, 0
        EXPECT R10, -3
        LI  R10, 3
        LA  R11, text
        LI  R12, 0
        SBI 0x4442434E, 0
        EXPECT R10, 0
        EXPECT R11, 3
        LI  R10, 7              ; no such hart
        SBI 0x48534D, 2
        EXPECT R10, -3
        END
text:   .ascii \"hey\"";
    for mode in BOTH {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.console, "hey");
    }
}

#[test]
fn the_timer_interrupts_without_an_exit() {
    let source = "
        LA  R1, handler
        MOV CR1, R1
        LI  R1, 0x20
        MOV CR5, R1
        LI  R1, 2
        CSRS sstatus, R1
        RDTIME R1
        ADDI R10, R1, 1000
        SBI 0x54494D45, 0
1:      HLT
        J   1b
        .align 2
handler:
        MOV R1, CR10
        EXPECT R1, 0x8000000000000005
        END";
    for mode in BOTH {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.exits(ExitCause::Hypercall), 2, "setting it, and the end");
    }
}

#[test]
fn absent_ports_read_as_ones_and_the_console_is_there_without_an_exit() {
    let source = "
        IN  R1, 0x500
        EXPECT R1, 0xFF
        INW R1, 0x600
        EXPECT R1, 0xFFFFFFFF
        OUT 0x500, R1
        LI  R1, 0x21
        OUT 0x3F8, R1
        END";
    for mode in BOTH {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.console, "!");
        assert_eq!(outcome.exits(ExitCause::IoAccess), 0);
    }
}

#[test]
fn a_guest_does_not_reach_visor_or_what_is_not_there() {
    // Each of the three accesses gets the access fault that a machine of the guest's own would give: of a store to
    // visor's memory, of a load of what no one has, of a fetch there.
    let source = "
        LA  R1, handler
        MOV CR1, R1
        LI  R3, 0
        LI  R2, 0x81000000
        SD  R2, 0(R2)
        EXPECT R4, 7
        EXPECT R5, 0x81000000
        LI  R2, 0x40000000
        LD  R1, 0(R2)
        EXPECT R4, 5
        EXPECT R5, 0x40000000
        LA  R3, back
        JR  R2
back:   EXPECT R4, 1
        EXPECT R5, 0x40000000
        END
        .align 2
handler:
        MOV R4, CR10
        MOV R5, CR2
        MOV R6, CR9
        ADDI R6, R6, 4
        BEQZ R3, 1f
        MV  R6, R3
1:      MOV CR9, R6
        SRET";
    let outcome = run(Mode::Accelerated, source);
    outcome.assert_finished(0);
    assert_eq!(outcome.exits(ExitCause::NestedPageFault), 3);
    assert!(
        outcome.console.contains("reached for visor's memory at 0x81000000: denied"),
        "{}",
        outcome.console
    );
}

#[test]
fn v_isa_instructions_are_illegal_in_a_guest() {
    let source = "
        LA  R1, handler
        MOV CR1, R1
        LI  R3, 0
        VMENTER R1
        VMRESUME
        TLBFLUSHV
        RDMSR R1, HPTBR
        VMEXIT                  ; this one is allowed
        EXPECT R3, 4
        END
        .align 2
handler:
        MOV R1, CR10
        EXPECT R1, 2
        ADDI R3, R3, 1
        MOV R1, CR9
        ADDI R1, R1, 4
        MOV CR9, R1
        SRET";
    for mode in BOTH {
        let outcome = run(mode, source);
        outcome.assert_finished(0);
        assert_eq!(outcome.exits(ExitCause::VmexitInstruction), 1);
    }
}

#[test]
fn a_guest_that_cannot_go_on_is_reported() {
    // No trap vector, and a jump to nowhere.
    for mode in BOTH {
        let outcome = run(mode, "LI R5, 0x5A5A\n LI R1, 0x30\n JR R1");
        outcome.assert_finished(GUEST_SHUTDOWN);
        for part in ["cannot go on", "instruction access fault", "t0 0000000000005a5a", "shutdown"] {
            assert!(outcome.console.contains(part), "{part}: {}", outcome.console);
        }
    }
}

#[test]
fn harts_start_interrupt_and_fence_each_other() {
    // Hart 0 starts hart 1, which waits for an interrupt, acknowledges it in memory, and stops. Hart 0 then fences all.
    let source = "
        BNEZ R10, second
        LI  R10, 1
        SBI 0x48534D, 2         ; hart 1 is stopped
        EXPECT R11, 1
        LI  R10, 1
        LA  R11, _start
        LI  R12, 77
        SBI 0x48534D, 0
        EXPECT R10, 0
        LA  R2, word
1:      LD  R1, 0(R2)
        BEQZ R1, 1b
        EXPECT R1, 77           ; the opaque value arrived
        LI  R10, 2
        LI  R11, 0
        SBI 0x735049, 0         ; IPI to hart 1
        EXPECT R10, 0
        LI  R10, 0
        LI  R11, -1
        LI  R12, 0
        LI  R13, -1
        SBI 0x52464E43, 1       ; SFENCE.VMA everywhere
        EXPECT R10, 0
        LI  R10, 0
        LI  R11, -1
        SBI 0x52464E43, 0       ; FENCE.I everywhere
        EXPECT R10, 0
2:      LD  R1, 8(R2)
        BEQZ R1, 2b
        EXPECT R1, 0x8000000000000001
3:      LI  R10, 1
        SBI 0x48534D, 2
        LI  R1, 1
        BNE R11, R1, 3b         ; until it is stopped again
        END
second: LA  R2, word
        LA  R1, handler
        MOV CR1, R1
        LI  R1, 2
        MOV CR5, R1
        CSRS sstatus, R1
        SD  R11, 0(R2)
4:      HLT
        J   4b
        .align 2
handler:
        MOV R1, CR10
        LA  R2, word
        SD  R1, 8(R2)
        SBI 0x48534D, 1
        .align 3
word:   .dword 0, 0";
    for mode in BOTH {
        let outcome = run_image(mode, 2, assemble(source));
        outcome.assert_finished(0);
        assert!(outcome.exits(ExitCause::SoftwareInterrupt) >= 1, "at least the first of IPI and fences");
    }
}

#[test]
fn a_hart_suspends_until_its_interrupt() {
    let source = "
        LI  R1, 0x20
        MOV CR5, R1             ; timer interrupts enabled in sie, but not taken
        RDTIME R1
        ADDI R7, R1, 1000
        MOV CR11, R7
        LI  R10, 0
        SBI 0x48534D, 3         ; retentive
        EXPECT R10, 0
        RDTIME R1
        SLTU R1, R1, R7
        EXPECT R1, 0            ; not before the timer
        LI  R10, 0x80000000
        LA  R11, again
        LI  R12, 5
        SBI 0x48534D, 3         ; non-retentive: the timer is due already
        LI  R8, 1
        END
again:  LI  R8, 0
        EXPECT R10, 0
        EXPECT R11, 5
        MOV R1, CR5
        EXPECT R1, 0
        END";
    for mode in BOTH {
        run(mode, source).assert_finished(0);
    }
}

#[test]
fn the_demo_goes_through_all_of_its_scenes() {
    let outcome = run_image(Mode::Demo, 1, image("demo.elf"));
    outcome.assert_finished(0);
    let line = |start: &str| {
        let found = outcome.console.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no line {start}: {}", outcome.console))
    };
    // The concept's flow: MOV CR3, R1 exits with cause 0x03, and the guest reads back what it wrote.
    let exit = line("@exit cause=0x03");
    assert!(exit.contains("code=0x180") && exit.contains("value=0x8000100000040"), "{exit}");
    line("@resume handler=ldgptbr");
    assert!(line("@observed n=1").contains("r11=0x8000100000040"));
    // 200 switches exit, or none do.
    assert!(line("@done n=2").starts_with("@done n=2 exits=200 emulated=200"));
    assert!(line("@done n=3").starts_with("@done n=3 exits=0 emulated=0 tlbmisses=0"));
    // A port that traps, one that is absent, and a sentence without an exit.
    assert!(line("@observed n=4").contains("r11=0x60 r12=0xff"));
    assert!(line("@done n=5").contains("exits=0"));
    line("Hello from Ring 0, port by port.");
    // One miss for the first load, none for the second.
    assert!(line("@observed n=6").contains("r11=0xc0ffee r12=0x1 r13=0x0"));
    assert!(line("@translation").contains("gpa=0x4020") && line("@translation").contains("physical=0x8020"));
    // Memory on demand; vectors 5 and 7 and a timer tick; 30 + 12; three violations contained, and one of Ring 3's.
    assert!(line("@observed n=7").contains("r11=0x2a"));
    assert!(line("@observed n=8").contains("r11=0x507 r12=0x0 r13=0x1"));
    assert!(line("@observed n=9").contains("r11=0x2a"));
    assert!(line("@observed n=10").contains("r11=0x3 r12=0x7"));
    assert!(line("@observed n=11").contains("r11=0x1 r12=0x2"));
    assert!(line("@done n=11").contains("exits=0"));
    // Every cause that the concept numbers.
    for cause in 1..=5 {
        line(&format!("@cause number={cause:#04x}"));
    }
    assert!(line("@end").contains("vmcount_exit=230 vmcount_emu=223"), "{}", line("@end"));
}
