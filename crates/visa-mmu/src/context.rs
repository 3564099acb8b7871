//! What translation goes by: address space and virtual machine, and who makes an access.

use visa_isa::Ring;
use visa_isa::msr::sstatus;
use visa_isa::paging::{Access, Accessor, MODE_SHIFT, PPN_BITS};
use visa_state::HartState;

use crate::tlb::{NO_SPACE, Permissions, Space};

/// The space of the accesses to come.
pub(crate) fn space(state: &HartState) -> Space {
    match state.in_guest() {
        false => Space { asid: NO_SPACE, vmid: 0, second_stage: false, guest: false },
        true => Space {
            asid: asid(state),
            vmid: state.vm.vmid(),
            second_stage: state.vm.hptbr >> MODE_SHIFT != 0 || state.vm.has_ranges,
            guest: true,
        },
    }
}

/// Their class: of loads and stores, and of fetches.
pub(crate) fn classes(state: &HartState) -> (u64, u64) {
    let status = state.supervisor.sstatus;
    let mxr = (status & sstatus::MXR != 0) as u64;
    match state.ring {
        Ring::Hypervisor => (0, 0),
        Ring::User => (mxr << 2 | 1, 1),
        Ring::Kernel => (mxr << 2 | if status & sstatus::SUM != 0 { 3 } else { 2 }, 2),
    }
}

/// The ASID in CR3; [`NO_SPACE`] if the first stage does not translate.
pub fn asid(state: &HartState) -> u32 {
    match state.supervisor.satp >> MODE_SHIFT {
        0 => NO_SPACE,
        _ => (state.supervisor.satp >> PPN_BITS) as u16 as u32,
    }
}

/// Who makes an access in the ring in use; `None`: no stage that asks.
pub(crate) fn accessor(state: &HartState) -> Option<Accessor> {
    let status = state.supervisor.sstatus;
    (state.supervisor.satp >> MODE_SHIFT != 0).then_some(Accessor {
        kernel: state.ring != Ring::User,
        sum: status & sstatus::SUM != 0,
        mxr: status & sstatus::MXR != 0,
    })
}

/// Whether the ring in use may make an access.
pub(crate) fn allows(state: &HartState, permissions: Permissions, access: Access) -> bool {
    permits(accessor(state), permissions, access)
}

/// Whether both stages permit an access; without an accessor, the first does not ask.
pub(crate) const fn permits(by: Option<Accessor>, permissions: Permissions, access: Access) -> bool {
    let first = permissions.first_stage();
    let in_first = match by {
        Some(by) => by.may(access, first),
        None => true,
    };
    in_first && permissions.second_stage() & access.nested(first).flag() != 0
}
