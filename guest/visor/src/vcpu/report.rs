//! What visor says when a guest cannot go on.

use crate::cpu;
use crate::devices::console::line;
use crate::devices::finisher::end;
use crate::ending::Ending;
use crate::vm::{CAUSES, Vcpu};
use visa_guest::registers as msr;
use visa_guest::{exit_record, guest_integer};
use visa_isa::cause::{Exception, ExitCause};
use visa_isa::exit::InvalidField;
use visa_isa::register::INTEGER_ABI;
use visa_isa::vmcs;

/// An entry failed: names the field (specification, 2.6).
pub fn entry_failure(vcpu: Option<&Vcpu>, InvalidField(offset): InvalidField) -> ! {
    let name = vmcs::field_at(offset).map_or("no field", |field| field.name);
    line!("\nvisor: hart {}: entry failure: VMCS field {name} ({offset:#05x}) is invalid", cpu::this());
    state(vcpu);
    end(Ending::EntryFailure)
}

/// The last trap that a guest took.
pub struct LastTrap {
    /// scause.
    pub cause: u64,
    /// sepc.
    pub pc: u64,
    /// stval.
    pub value: u64,
    /// stvec.
    pub vector: u64,
}

impl LastTrap {
    /// Says that it leads nowhere.
    pub fn tell(&self, hart: usize) {
        let LastTrap { cause, pc, value, vector } = self;
        let name = Exception::from_number(*cause).map_or("unknown cause", Exception::name);
        line!("\nvisor: hart {hart}: the guest cannot go on: its trap vector traps (shutdown)");
        line!("visor: last trap: {name} ({cause:#x}) at {pc:#x}, value {value:#x}, vector {vector:#x}");
    }
}

/// The guest took three exceptions without an instruction in between.
pub fn shutdown(vcpu: &Vcpu) -> ! {
    let last = LastTrap {
        cause: msr::scause::read(),
        pc: msr::sepc::read(),
        value: msr::stval::read(),
        vector: msr::stvec::read(),
    };
    last.tell(cpu::this());
    state(Some(vcpu));
    end(Ending::GuestShutdown)
}

/// An exit that visor has no answer to.
pub fn unexpected(vcpu: &Vcpu, cause: u64, ending: Ending) -> ! {
    let (name, summary) = ExitCause::from_number(cause)
        .map_or(("unknown", "no such cause"), |cause| (cause.name(), cause.summary()));
    line!("\nvisor: hart {}: unexpected VM exit {cause:#04x} {name}: {summary}", cpu::this());
    state(Some(vcpu));
    end(ending)
}

/// The exit record, the guest's registers, and the exits of the virtual CPU if there is one.
fn state(vcpu: Option<&Vcpu>) {
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
    let Some(vcpu) = vcpu else { return };
    for cause in 0..CAUSES {
        let count = vcpu.exits(cause);
        if count != 0 {
            let name = ExitCause::from_number(cause as u64).map_or("unknown", ExitCause::name);
            line!("visor: {count:>8} of {cause:#04x} {name}");
        }
    }
}
