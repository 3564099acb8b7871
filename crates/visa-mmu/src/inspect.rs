//! Translation for observers (debuggers, monitors, traces): the walks of the specification, 4.1, without any effect:
//! no A or D is set, nothing is cached or counted, and permissions do not matter.

use visa_isa::io::RangeKind;
use visa_isa::paging::{Access, First, Mode, Second, TableBase, walk};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::entry::peek_entry;

/// Why an observer gets no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmapped {
    /// The first stage does not map the virtual address.
    FirstStage,
    /// The second stage does not map this guest-physical address: of the byte, or of a page-table entry on the way.
    SecondStage {
        /// The address.
        guest_physical: GuestPhysical,
    },
    /// The guest-physical address is that of a virtual device (IOVMAP *trap*).
    Device {
        /// The address.
        guest_physical: GuestPhysical,
    },
}

impl std::fmt::Display for Unmapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unmapped::FirstStage => write!(f, "CR3's tables do not map it"),
            Unmapped::SecondStage { guest_physical } => {
                write!(f, "HPTBR's tables do not map guest-physical {guest_physical:#x}")
            }
            Unmapped::Device { guest_physical } => {
                write!(f, "guest-physical {guest_physical:#x} is a virtual device's")
            }
        }
    }
}

/// Where an address leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located {
    /// After the first stage. In Ring -1: the address itself.
    pub guest_physical: GuestPhysical,
    /// After both.
    pub physical: Physical,
}

/// Where a virtual address of the ring in use leads.
pub fn locate(state: &HartState, ram: &Ram, address: u64) -> Result<Located, Unmapped> {
    if !state.in_guest() {
        return Ok(Located { guest_physical: GuestPhysical(address), physical: Physical(address) });
    }
    locate_in_guest(state, ram, address)
}

/// Where a guest-virtual address leads by the guest's CR3, whatever ring is in use.
pub fn locate_in_guest(state: &HartState, ram: &Ram, address: u64) -> Result<Located, Unmapped> {
    let guest_physical = locate_first_stage(state, ram, GuestVirtual(address))?;
    let physical = locate_guest_physical(state, ram, guest_physical)?;
    Ok(Located { guest_physical, physical })
}

fn locate_first_stage(
    state: &HartState,
    ram: &Ram,
    address: GuestVirtual,
) -> Result<GuestPhysical, Unmapped> {
    let base = TableBase::from_cr3(state.supervisor.satp).ok_or(Unmapped::FirstStage)?;
    if base.mode == Mode::Bare {
        return Ok(GuestPhysical(address.0));
    }
    let leaf = walk::<First, _>(base, address, |slot, _| {
        peek_entry(ram, locate_guest_physical(state, ram, slot)?).ok_or(Unmapped::FirstStage)
    });
    leaf.map(|leaf| leaf.translate(address)).map_err(|why| why.or(Unmapped::FirstStage))
}

/// Where a guest-physical address of the current VM leads.
pub fn locate_guest_physical(
    state: &HartState,
    ram: &Ram,
    guest_physical: GuestPhysical,
) -> Result<Physical, Unmapped> {
    locate_for(state, ram, guest_physical, None)
}

/// The same, for an access: then the second stage must permit it.
pub(crate) fn locate_for(
    state: &HartState,
    ram: &Ram,
    guest_physical: GuestPhysical,
    access: Option<Access>,
) -> Result<Physical, Unmapped> {
    if let Some(range) = state.vm.range_of(guest_physical) {
        return match range.kind == RangeKind::Passthrough as u64 {
            true => Ok(range.passed_through(guest_physical)),
            false => Err(Unmapped::Device { guest_physical }),
        };
    }
    let fault = Unmapped::SecondStage { guest_physical };
    let base = TableBase::from_hptbr(state.vm.hptbr).ok_or(fault)?;
    if base.mode == Mode::Bare {
        return Ok(Physical(guest_physical.0));
    }
    let leaf = walk::<Second, _>(base, guest_physical, |slot, _| peek_entry(ram, slot).ok_or(fault))
        .map_err(|why| why.or(fault))?;
    match access {
        Some(access) if !leaf.entry.has(access.flag()) => Err(fault),
        _ => Ok(leaf.translate(guest_physical)),
    }
}
