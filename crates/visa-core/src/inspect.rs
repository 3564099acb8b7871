//! Translation for observers (debuggers, monitors, traces): the walks of the specification, 4.1, without any effect:
//! no A or D is set, nothing is cached or counted, and permissions do not matter.

use visa_isa::io::RangeKind;
use visa_isa::paging::{Mode, PAGE_SHIFT, PTE_PPN, PTE_PPN_SHIFT, TableBase};
use visa_isa::table::Format;
use visa_isa::{Instruction, Op};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::translate::{entry_index, is_leaf, is_well_formed, leaf_page};

/// Why an observer gets no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmapped {
    /// The first stage does not map the virtual address.
    FirstStage,
    /// The second stage does not map this guest-physical address: of the byte, or of a page-table entry on the way.
    SecondStage {
        /// The address.
        guest_physical: u64,
    },
    /// The guest-physical address is that of a virtual device (IOVMAP *trap*).
    Device {
        /// The address.
        guest_physical: u64,
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
    pub guest_physical: u64,
    /// After both.
    pub physical: u64,
}

impl Hart {
    /// Where a virtual address of the ring in use leads.
    pub fn locate(&self, ram: &Ram, address: u64) -> Result<Located, Unmapped> {
        if !self.in_guest() {
            return Ok(Located { guest_physical: address, physical: address });
        }
        self.locate_in_guest(ram, address)
    }

    /// Where a guest-virtual address leads by the guest's CR3, whatever ring is in use.
    pub fn locate_in_guest(&self, ram: &Ram, address: u64) -> Result<Located, Unmapped> {
        let guest_physical = self.locate_first_stage(ram, address)?;
        let physical = self.locate_guest_physical(ram, guest_physical)?;
        Ok(Located { guest_physical, physical })
    }

    fn locate_first_stage(&self, ram: &Ram, address: u64) -> Result<u64, Unmapped> {
        let base = TableBase::from_cr3(self.supervisor.satp).ok_or(Unmapped::FirstStage)?;
        if base.mode == Mode::Bare {
            return Ok(address);
        }
        let unused = 64 - base.mode.address_bits();
        if ((address << unused) as i64 >> unused) as u64 != address {
            return Err(Unmapped::FirstStage);
        }
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let slot = self.locate_guest_physical(ram, table + entry_index(address, level) * 8)?;
            match follow(ram, slot, level, address).ok_or(Unmapped::FirstStage)? {
                Next::Page(found) => return Ok(found),
                Next::Table(next) => table = next,
            }
        }
        Err(Unmapped::FirstStage)
    }

    /// Where a guest-physical address of the current VM leads.
    pub fn locate_guest_physical(&self, ram: &Ram, guest_physical: u64) -> Result<u64, Unmapped> {
        if let Some(range) = self.vm.range_of(guest_physical) {
            return match range.kind == RangeKind::Passthrough as u64 {
                true => Ok(range.target.wrapping_add(guest_physical - range.guest_address)),
                false => Err(Unmapped::Device { guest_physical }),
            };
        }
        let fault = Unmapped::SecondStage { guest_physical };
        let base = TableBase::from_hptbr(self.vm.hptbr).ok_or(fault)?;
        if base.mode == Mode::Bare {
            return Ok(guest_physical);
        }
        if guest_physical >> base.mode.address_bits() != 0 {
            return Err(fault);
        }
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let slot = table + entry_index(guest_physical, level) * 8;
            match follow(ram, slot, level, guest_physical).ok_or(fault)? {
                Next::Page(found) => return Ok(found),
                Next::Table(next) => table = next,
            }
        }
        Err(fault)
    }
}

/// What a page-table entry leads to.
enum Next {
    /// The address, translated.
    Page(u64),
    /// The table of the next level.
    Table(u64),
}

/// Reads the entry at physical address `slot`. `None`: it is outside RAM or maps nothing.
fn follow(ram: &Ram, slot: u64, level: u32, address: u64) -> Option<Next> {
    let entry = ram.offset_of(slot, 8).and_then(|offset| ram.load_u64(offset))?;
    if !is_well_formed(entry) {
        return None;
    }
    if is_leaf(entry) {
        let (page, page_shift) = leaf_page(entry, level)?;
        return Some(Next::Page(page | address & ((1 << page_shift) - 1)));
    }
    Some(Next::Table((entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT))
}

/// The memory that an instruction touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataAccess {
    /// Virtual address.
    pub address: u64,
    /// Bytes.
    pub bytes: u64,
    /// It loads.
    pub reads: bool,
    /// It stores; a store-conditional may in the end not.
    pub writes: bool,
}

impl Hart {
    /// The memory that an instruction is about to touch, by the registers as they are now. `None`: it is no load, store or
    /// atomic.
    pub fn data_access(&self, instruction: &Instruction) -> Option<DataAccess> {
        let row = instruction.op.row();
        let (reads, writes) = match row.format {
            Format::Load if instruction.op == Op::Jalr => return None,
            Format::Load | Format::FloatLoad | Format::LoadReserved => (true, false),
            Format::Store | Format::FloatStore => (false, true),
            Format::Amo => (true, true),
            _ => return None,
        };
        // The width is in bits 13:12 of all of these; bit 14 says that a load is unsigned.
        let bytes = 1 << (row.bits.value >> 12 & 3);
        let address = self.r(instruction.rs1).wrapping_add(instruction.imm as i64 as u64);
        Some(DataAccess { address, bytes, reads, writes })
    }
}
