//! What the guest does with its page tables, where a pager makes others of them.

use crate::ending::Ending;
use crate::isolate::Translation;
use crate::isolate::pager::Pager;
use crate::isolate::shadow::walk::Fault;
use crate::vcpu::{Loaded, report};
use visa_guest::registers as msr;
use visa_isa::cause::ExitCause;
use visa_isa::msr::{SATP, sstatus};
use visa_isa::paging::{Access, Accessor};

/// The pager of a virtual CPU. Without one nothing asks for the exit.
#[inline(always)]
fn pager(vcpu: &mut Loaded, cause: ExitCause) -> &mut Pager {
    let this = vcpu.vcpu;
    match &mut vcpu.translation {
        Translation::Shadow(pager) => pager,
        Translation::Hardware(_) => report::unexpected(this, cause as u64, Ending::UnexpectedExit),
    }
}

/// A write of CR3.
#[inline(never)]
pub fn control_register(vcpu: &mut Loaded) {
    let pager = pager(vcpu, ExitCause::ControlRegister);
    if msr::vmcode::read() == u64::from(SATP) {
        pager.set_guest_cr3(msr::vmvalue::read());
    }
    // VMRESULT is what the guest has read before (specification, 2.4).
    vcpu.complete();
}

/// A missing shadow entry, or a fault of the guest's own.
#[inline(never)]
pub fn page_fault(vcpu: &mut Loaded) {
    let address = msr::vmgva::read();
    let Some(access) = Access::of_page_fault(msr::vmcode::read()) else { return };
    let status = msr::sstatus::read();
    let by = Accessor {
        kernel: vcpu.in_kernel(),
        sum: status & sstatus::SUM != 0,
        mxr: status & sstatus::MXR != 0,
    };
    match pager(vcpu, ExitCause::PageFault).fill(address, access, by) {
        // The guest makes the access again, too, if another virtual CPU has changed the entry meanwhile.
        Ok(()) | Err(Fault::Changed) => {}
        Err(Fault::Page) => vcpu.give(access.page_fault(), address),
        Err(Fault::Access) => vcpu.give(access.access_fault(), address),
    }
}

/// SFENCE.VMA.
#[inline(never)]
pub fn fence(vcpu: &mut Loaded) {
    const HAS_ADDRESS: u64 = 1;
    const HAS_ASID: u64 = 2;
    let given = msr::vmcode::read();
    let address = (given & HAS_ADDRESS != 0).then(msr::vmgva::read);
    let asid = (given & HAS_ASID != 0).then(|| msr::vmvalue::read() as u16);
    pager(vcpu, ExitCause::TlbFlush).fence(address, asid);
    vcpu.complete();
}
