//! What visor says when a guest cannot go on.

use crate::console::finish;
use crate::ending::{self, Ending};
use crate::hart;
use crate::software::cpu::Cpu;
use visa_guest::registers as msr;
use visa_guest::{exit_record, guest_integer, qualification};
use visa_isa::cause::{Exception, ExitCause};
use visa_isa::register::INTEGER_ABI;
use visa_isa::vmcs;

unsafe extern "C" {
    static __image_start: u8;
    static __image_end: u8;
}

/// The physical address of visor's first byte.
pub fn image_start() -> u64 {
    &raw const __image_start as u64
}

/// The physical address behind visor's last byte.
pub fn image_end() -> u64 {
    &raw const __image_end as u64
}

/// Whether a physical address is in visor's image.
pub fn is_own(physical: u64) -> bool {
    (image_start()..image_end()).contains(&physical)
}

/// Ends the run with one of visor's codes.
pub fn end(ending: Ending) -> ! {
    finish(ending::fail(ending as u16))
}

/// An entry failed: names the field (specification, 2.6).
pub fn entry_failure() -> ! {
    let offset = qualification().field();
    let name = vmcs::field_at(offset).map_or("no field", |field| field.name);
    line!("\nvisor: hart {}: entry failure: VMCS field {name} ({offset:#05x}) is invalid", hart::this());
    state();
    end(Ending::EntryFailure)
}

/// The last trap that a guest took: scause, sepc, stval and stvec.
struct LastTrap {
    cause: u64,
    pc: u64,
    value: u64,
    vector: u64,
}

impl LastTrap {
    /// Says that it leads nowhere.
    fn tell(&self, hart: usize) {
        let LastTrap { cause, pc, value, vector } = self;
        let name = Exception::from_number(*cause).map_or("unknown cause", Exception::name);
        line!("\nvisor: hart {hart}: the guest cannot go on: its trap vector traps (shutdown)");
        line!("visor: last trap: {name} ({cause:#x}) at {pc:#x}, value {value:#x}, vector {vector:#x}");
    }
}

/// The guest took three exceptions without an instruction in between.
pub fn shutdown() -> ! {
    let last = LastTrap {
        cause: msr::scause::read(),
        pc: msr::sepc::read(),
        value: msr::stval::read(),
        vector: msr::stvec::read(),
    };
    last.tell(hart::this());
    state();
    end(Ending::GuestShutdown)
}

/// The same of the guest of the software-only back end. There is no exit record, and not all of its registers are in memory.
pub fn software_shutdown(cpu: &Cpu) -> ! {
    let last = LastTrap { cause: cpu.scause, pc: cpu.sepc, value: cpu.stval, vector: cpu.stvec };
    last.tell(0);
    line!("visor: pc {:#018x}  ring {}  satp {:#018x}", cpu.pc, 3 * cpu.user, cpu.satp);
    end(Ending::GuestShutdown)
}

/// An exit that visor has no answer to.
pub fn unexpected(cause: u64, ending: Ending) -> ! {
    let (name, summary) = ExitCause::from_number(cause)
        .map_or(("unknown", "no such cause"), |cause| (cause.name(), cause.summary()));
    line!("\nvisor: hart {}: unexpected VM exit {cause:#04x} {name}: {summary}", hart::this());
    state();
    end(ending)
}

/// The exit record and the guest's registers.
fn state() {
    let record = exit_record();
    let access = record.qualification;
    line!(
        "visor: pc {:#018x}  ring {}  instruction {:#x}",
        msr::vmpc::read(),
        msr::vmring::read(),
        record.instruction
    );
    line!(
        "visor: gva {:#018x}  gpa {:#018x}  value {:#x}  code {:#x}",
        record.guest_virtual,
        record.guest_physical,
        record.value,
        record.code
    );
    line!(
        "visor: access of {} bytes: read {} write {} fetch {} walk {}; qualification {:#x}",
        access.bytes(),
        access.reads(),
        access.writes(),
        access.is_fetch(),
        access.is_walk(),
        access.bits()
    );
    line!(
        "visor: cr3 {:#018x}  sstatus {:#018x}  vmtrapcfg {:#x}  hptbr {:#018x}",
        msr::gptbr::read(),
        msr::sstatus::read(),
        msr::vmtrapcfg::read(),
        msr::hptbr::read()
    );
    for row in 0..8 {
        let [a, b, c, d] = [row, row + 8, row + 16, row + 24]
            .map(|number| (INTEGER_ABI[number], guest_integer(number as u8)));
        line!(
            "visor: {:>4} {:016x}  {:>4} {:016x}  {:>4} {:016x}  {:>4} {:016x}",
            a.0,
            a.1,
            b.0,
            b.1,
            c.0,
            c.1,
            d.0,
            d.1
        );
    }
    line!(
        "visor: {} exits, {} completed in software, {} TLB misses",
        msr::vmcount_exit::read(),
        msr::vmcount_emu::read(),
        msr::vmcount_tlbmiss::read()
    );
    for cause in 0..hart::CAUSES {
        let count = hart::hart(hart::this()).exits(cause);
        if count != 0 {
            let name = ExitCause::from_number(cause as u64).map_or("unknown", ExitCause::name);
            line!("visor: {count:>8} of {cause:#04x} {name}");
        }
    }
}
