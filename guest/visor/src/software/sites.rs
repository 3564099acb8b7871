//! The places in the guest's kernel that trap, each with code made for it ([`super::compile`]).
//!
//! A site is found by its address alone, so it must mean the same in every address space: sites are made in the top
//! 4 GiB only, where kernels have their text and modules, and are all dropped when a space maps those otherwise, or
//! when an entry that the kernel could execute changes.

use super::Spaces;
use super::compile::{Entry, compile};
use super::cpu::{Cpu, NO_SITE, RUN_MAX, SITES, Site};
use super::machine::Hart;
use super::symbols::{PHYSICAL, software_resume};
use crate::cpu::fence_instructions;
use crate::isolate::shadow::hardware::Memory;
use crate::isolate::shadow::layout::Deprivileged;
use crate::isolate::shadow::satp::root;
use crate::isolate::shadow::walk::{self, translates};
use visa_isa::paging::entry::{ENTRY_BYTES, index};
use visa_isa::paging::{Access, Accessor, PAGE_SIZE};

/// Bytes for the code.
pub const CODE_BYTES: u64 = 512 << 10;
/// Instructions that fit there.
const CODE_WORDS: usize = CODE_BYTES as usize / 4;
/// The lowest address of a site, and the entries of the guest's root from there on.
const LOWEST: u64 = 0xffff_ffff_0000_0000;
const ROOT_ENTRIES: u64 = 4;
/// An address that the kernel cannot trap at, in an unused site.
const NOWHERE: u64 = 1;

/// The compiled sites.
pub struct Sites {
    code: &'static mut [u32],
    used: usize,
    /// Addresses whose place was taken by another: the second trap in a row takes it.
    waiting: u64,
    changes_seen: u64,
    roots: [u64; ROOT_ENTRIES as usize],
    counting: bool,
    /// How many were compiled, and how often all were dropped.
    pub compiled: u64,
    /// See `compiled`.
    pub drops: u64,
}

impl Sites {
    /// None yet, with the code to be at an address.
    pub fn new(code: u64, counting: bool) -> Self {
        // SAFETY: the memory was set apart for this, and there is one `Sites`.
        let code = unsafe { core::slice::from_raw_parts_mut(code as *mut u32, CODE_WORDS) };
        let roots = [0; ROOT_ENTRIES as usize];
        Sites { code, used: 0, waiting: NOWHERE, changes_seen: 0, roots, counting, compiled: 0, drops: 0 }
    }

    /// Forgets every site.
    pub fn drop_all(&mut self, cpu: &mut Cpu) {
        if self.used != 0 {
            self.drops += 1;
        }
        cpu.forget_sites(software_resume as *const () as u64);
        self.used = 0;
    }

    /// After the shadow tables may have changed.
    pub fn follow(&mut self, cpu: &mut Cpu, spaces: &mut Spaces<'_>) {
        if self.changes_seen != spaces.shadow.code_changes {
            self.changes_seen = spaces.shadow.code_changes;
            self.drop_all(cpu);
            self.vector(cpu, spaces);
        }
    }

    /// After satp has changed.
    pub fn switch(&mut self, cpu: &mut Cpu, spaces: &mut Spaces<'_>) {
        if !translates::<Deprivileged>(cpu.satp) {
            return;
        }
        let first = root(cpu.satp) + index(LOWEST, 2) * ENTRY_BYTES;
        let memory = spaces.shadow.memory();
        if crate::guest::memory::translate(memory, first, ROOT_ENTRIES * ENTRY_BYTES).is_none() {
            return;
        }
        let roots = [0, 1, 2, 3].map(|entry| Hart.load(first + entry * ENTRY_BYTES));
        if roots != self.roots {
            self.roots = roots;
            self.drop_all(cpu);
            self.vector(cpu, spaces);
        }
    }

    /// Compiles the instruction at the guest's trap vector, for the forwarding of traps to go on with.
    pub fn vector(&mut self, cpu: &mut Cpu, spaces: &mut Spaces<'_>) {
        cpu.vector_site.code = software_resume as *const () as u64;
        if let Some(site) = self.compile(cpu, spaces, cpu.stvec & !3, Entry::Vector) {
            cpu.vector_site = site;
        }
    }

    /// The guest's kernel has trapped at an address.
    pub fn trapped(&mut self, cpu: &mut Cpu, spaces: &mut Spaces<'_>, pc: u64) {
        let first = pc as usize / 2 % SITES;
        let places = [first, first + 1];
        let own = places.into_iter().find(|&place| cpu.sites[place].pc == pc);
        let free = places.into_iter().find(|&place| cpu.sites[place].pc == NOWHERE);
        let place = match own {
            Some(place) if is_unchanged(&cpu.sites[place]) => return,
            Some(place) => place,
            None => match free {
                Some(place) => place,
                None if self.waiting == pc => first,
                None => {
                    self.waiting = pc;
                    return;
                }
            },
        };
        if let Some(site) = self.compile(cpu, spaces, pc, Entry::Trap) {
            cpu.sites[place] = site;
        }
    }

    fn compile(&mut self, cpu: &mut Cpu, spaces: &mut Spaces<'_>, pc: u64, entry: Entry) -> Option<Site> {
        if pc < LOWEST {
            return None;
        }
        let kernel = Accessor { kernel: true, sum: false, mxr: false };
        let memory = spaces.shadow.memory();
        let walk =
            walk::walk::<Deprivileged>(&mut Unchanged, memory, cpu.satp, pc, Access::Fetch, kernel).ok()?;
        crate::guest::memory::translate(memory, walk.address & !(PAGE_SIZE - 1), PAGE_SIZE)?;
        let mut words = [0; RUN_MAX];
        let in_page = ((PAGE_SIZE - walk.address % PAGE_SIZE) / 4) as usize;
        let words = &mut words[..in_page.min(RUN_MAX)];
        for (word, address) in words.iter_mut().zip((walk.address..).step_by(4)) {
            // SAFETY: the words are in a page of the guest's memory; they may be on odd halves.
            *word = unsafe { ((address + PHYSICAL) as *const u32).read_unaligned() };
        }
        let room = &mut self.code[self.used..];
        let Some((count, length)) = compile(words, entry, self.counting, room) else {
            if CODE_WORDS - self.used < CODE_WORDS / 16 {
                self.drop_all(cpu);
            }
            return None;
        };
        let code = room.as_ptr() as u64;
        self.used += length;
        self.compiled += 1;
        fence_instructions();
        let mut site = Site { pc, code, physical: walk.address + PHYSICAL, ..NO_SITE };
        site.words[..count].copy_from_slice(&words[..count]);
        Some(site)
    }
}

/// The guest's tables for a walk that is none of the guest's: it fails where it would have to set A.
struct Unchanged;

impl Memory for Unchanged {
    fn load(&self, physical: u64) -> u64 {
        Hart.load(physical)
    }

    fn store(&mut self, _physical: u64, _value: u64) {}

    fn replace(&mut self, _physical: u64, _read: u64, _value: u64) -> bool {
        false
    }
}

/// Whether the guest's instructions are those that the code was made of.
fn is_unchanged(site: &Site) -> bool {
    let used = site.words.iter().take_while(|word| **word != 0);
    used.zip((site.physical..).step_by(4)).all(|(word, address)| {
        // SAFETY: the words are in a page of the guest's memory, as when the site was made.
        *word == unsafe { (address as *const u32).read_unaligned() }
    })
}
