//! Shadow tables against the guest's own, with models of the hardware that walks them and keeps what it found in a TLB
//! until it is told to drop it: one for each layout.

mod deprivileged;
mod mirrored;

use super::hardware::Memory;
use super::pool::{Note, Pool};
use super::satp;
use super::walk::{self, Fault};
use crate::guest::memory::Region;
use visa_isa::paging::*;

const RAM: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 64 << 20;
const DEVICE: u64 = 0x1000_0000;
const SHADOW: u64 = 0x9000_0000;
const MEMORY: &[Region] = &[Region::identity(RAM, RAM_BYTES)];
const DEVICES: &[Region] = &[Region::identity(DEVICE, PAGE_SIZE)];
const RWX: u64 = PTE_READ | PTE_WRITE | PTE_EXECUTE;

/// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}

fn pointer(table: u64) -> u64 {
    PTE_VALID | table >> PAGE_SHIFT << PTE_PPN_SHIFT
}

fn page(address: u64, bits: u64) -> u64 {
    address >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID | bits
}

/// What allows an access.
fn needed(access: Access) -> u64 {
    match access {
        Access::Load => PTE_READ,
        Access::Store => PTE_WRITE,
        Access::Fetch => PTE_EXECUTE,
    }
}

/// Walks shadow tables of so many levels: the leaf, and the page that holds the address.
fn walk_shadow(memory: &impl Memory, root: u64, levels: u32, address: u64) -> Option<(u64, u64)> {
    let mut table = root;
    for level in (0..levels).rev() {
        let entry = memory.load(table + entry::index(address, level) * 8);
        if entry & PTE_VALID == 0 {
            return None;
        }
        if Entry(entry).is_leaf() {
            let within = (1 << entry::page_shift(level)) - 1;
            assert_eq!(Entry(entry).target() & within, 0, "misaligned");
            return Some((entry, Entry(entry).target() | address & within & !(PAGE_SIZE - 1)));
        }
        table = Entry(entry).target();
    }
    panic!("a pointer at the lowest level");
}
