//! The lines of `visa demo`: `@` and a word, then `name=value` pairs (guest/demo/README.md).

use super::counts::{Cause, Counts, How};
use crate::devices::console::line;
use crate::guest::memory;
use crate::vcpu::Loaded;
use crate::vm::{Vm, Vmcs};
use visa_guest::qualification;
use visa_guest::registers as msr;
use visa_isa::cause::ExitCause;
use visa_isa::io::Policy;
use visa_isa::vmcs::{self, Action};

/// What the guest is given.
pub fn machine(vcpu: &mut Loaded) {
    for region in &vcpu.vm.memory {
        line!(
            "@memory guest={:#x} physical={:#x} length={:#x}",
            region.guest,
            region.physical,
            region.length
        );
    }
    line!(
        "@vm vmcs={:#x} hptbr={:#x} entry={:#x}",
        vcpu.save().address(),
        msr::hptbr::read(),
        msr::vmpc::read()
    );
}

/// A scene begins.
pub fn scene(number: usize, name: &str, filter: u64, ports: Policy) {
    line!("@scene n={number} name={name} vmtrapcfg={filter:#x} ports={}", ports as u64);
}

/// An exit: its record.
pub fn exit(cause: u64) {
    let name = ExitCause::from_number(cause).map_or("unknown", ExitCause::name);
    let decoded = qualification();
    line!(
        "@exit cause={cause:#04x} name={name} pc={:#x} ring={} length={} instruction={:#x} size={} write={} read={} \
         register={} code={:#x} value={:#x} result={:#x} gva={:#x} gpa={:#x} cookie={:#x}",
        msr::vmpc::read(),
        decoded.ring() as u8,
        decoded.length(),
        msr::vminst::read(),
        decoded.bytes(),
        u8::from(decoded.writes()),
        u8::from(decoded.reads()),
        decoded.register(),
        msr::vmcode::read(),
        msr::vmvalue::read(),
        msr::vmresult::read(),
        msr::vmgva::read(),
        msr::vmgpa::read(),
        msr::vmcookie::read(),
    );
}

/// The guest's state, stored by VMSAVE and read from the VMCS in memory.
pub fn saved(page: &Vmcs) {
    line!(
        "@vmcs address={:#x} pc={:#x} ring={} r1={:#x} cr3={:#x} sstatus={:#x} vmtrapcfg={:#x} hptbr={:#x} cause={:#x} \
         exits={} emulated={} tlbmisses={}",
        page.address(),
        page.get(vmcs::PC),
        page.get(vmcs::RING),
        page.get(vmcs::REGISTERS + 8),
        page.get(vmcs::PAGE_TABLE_BASE),
        page.get(vmcs::GUEST_SSTATUS),
        page.get(vmcs::TRAPCFG),
        page.get(vmcs::NESTED_BASE),
        page.get(vmcs::EXIT_CAUSE),
        page.get(vmcs::COUNT_EXIT),
        page.get(vmcs::COUNT_EMU),
        page.get(vmcs::COUNT_TLBMISS),
    );
}

/// The handler is done, and the guest goes on.
pub fn resume(how: &How) {
    let action = match Action::from_number(msr::vmaction::read()) {
        Some(Action::Complete) => "complete",
        Some(Action::Inject) => "inject",
        _ => "retry",
    };
    line!(
        "@resume handler={} value={:#x} action={action} pc={:#x}",
        how.handler,
        how.value,
        msr::vmpc::read()
    );
}

/// Both stages of a translation: the guest told the guest-physical address.
pub fn translation(vm: &Vm, guest_physical: u64) {
    let Some(physical) = memory::translate(&vm.memory, guest_physical, 8) else { return };
    // SAFETY: the address is in the guest's memory.
    let value = unsafe { core::ptr::read_volatile(physical as *const u64) };
    line!("@translation gpa={guest_physical:#x} physical={physical:#x} value={value:#x}");
}

/// What the guest saw.
pub fn observed(scene: usize, registers: [u64; 4]) {
    let [first, second, third, fourth] = registers;
    line!("@observed n={scene} r11={first:#x} r12={second:#x} r13={third:#x} r14={fourth:#x}");
}

/// A scene has ended.
pub fn done(scene: usize, took: &Counts) {
    line!(
        "@done n={scene} exits={} emulated={} tlbmisses={} guest={} handlers={}",
        took.exits,
        took.emulated,
        took.tlb_misses,
        took.guest,
        took.handlers
    );
}

/// The exits of one cause.
pub fn cause(number: u64, cause: &Cause) {
    let name = ExitCause::from_number(number).map_or("unknown", ExitCause::name);
    line!(
        "@cause number={number:#04x} name={name} samples={} total={} min={} max={}",
        cause.samples,
        cause.total,
        cause.least,
        cause.most
    );
}

/// The end: the three counters.
pub fn end(counts: &Counts) {
    line!(
        "@end vmcount_exit={} vmcount_emu={} vmcount_tlbmiss={} guest={} handlers={}",
        counts.exits,
        counts.emulated,
        counts.tlb_misses,
        counts.guest,
        counts.handlers
    );
}
