//! The blocks of translated code, by where they are in RAM and at which address they are executed; and the jumps between
//! them.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::io;

use crate::predicted::PREDICTED_PAGES;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use visa_interp::Slot;
use visa_isa::paging::PAGE_SIZE;
use visa_mem::Ram;

use crate::check::Fault;
use crate::emit::{self, Emitted};
use crate::memory::CodeMemory;
use crate::optimise::compile::Compiled;
use crate::optimise::data::RegionData;
use crate::optimise::plan::Plan;
use crate::optimise::thunk;
use crate::runtime::InstructionRecord;
use crate::trampolines::Trampolines;
use crate::{block, check, coverage, region};

/// Entries of the table of jumps; a power of two.
pub const JUMPS: usize = 4096;
/// Counters of how often code was executed; a power of two.
const COUNTERS: usize = 1 << 16;
/// A block's code is at most this long; checked against what is emitted.
const BLOCK_BYTES: usize = if coverage::ON { 96 << 10 } else { 32 << 10 };
/// Blocks that are kept, so that what is kept about them is bounded too.
const BLOCKS: usize = 1 << 18;
/// How often a jump between pages is connected anew before it looks its target up each time.
const REWIRES: u8 = 4;

/// An entry of the table of jumps: what indirect jumps find without leaving generated code.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub struct JumpEntry {
    /// Address on the host of the target's instruction.
    pub host: u64,
    /// The target.
    pub pc: u64,
    /// Its code.
    pub code: u64,
}

/// No target is at address 0 of the host.
const NO_JUMP: JumpEntry = JumpEntry { host: 0, pc: 1, code: 0 };

/// The code for each place of a page at which an instruction may start: what indirect jumps inside the page go by. The
/// address of [`Trampolines::exit_indirect`] stands for none.
type PageTable = Box<[usize; PAGE_SIZE as usize / 2]>;

/// Most pages with such a table.
const TABLES: usize = 1024;

/// A block.
struct Block {
    /// Offset of RAM of its first instruction.
    offset: u64,
    /// Its address.
    pc: u64,
    /// Where its code is executed.
    code: usize,
    /// Links that are connected to it.
    incoming: Vec<u32>,
    /// The furthest jump back to it for which a region was tried; 0: none.
    tried: u64,
    /// For a region: whether it predicts where its accesses go.
    loops: Option<bool>,
    /// What its code names by address. Kept until the code is reclaimed.
    _records: Box<[InstructionRecord]>,
    /// If this enters an optimised loop.
    optimised: Option<Optimised>,
}

/// What belongs to the block that enters an optimised loop.
struct Optimised {
    /// What the loop's code names by address.
    data: Box<RegionData>,
    /// The block that executes in its place.
    instead: u32,
}

/// A direct jump from one block to another.
struct Link {
    /// Offset of its displacement in the code's memory.
    place: usize,
    /// Offset of the code that leaves by it.
    stub: usize,
    /// The instruction that jumps, and where it goes.
    from: u64,
    target: u64,
    /// The target is in another page, or what came before may have changed where addresses lead.
    checked: bool,
    rewires: u8,
}

/// All blocks.
pub struct Cache {
    memory: CodeMemory,
    /// Code that every block uses.
    pub trampolines: Trampolines,
    /// Where the trampolines end.
    start: usize,
    blocks: Vec<Block>,
    links: Vec<Link>,
    by_place: FxHashMap<(u64, u64), u32>,
    by_page: FxHashMap<u64, Vec<u32>>,
    jumps: Box<[JumpEntry]>,
    tables: FxHashMap<(u64, u64), PageTable>,
    counters: Box<[u8]>,
    /// How often code must have been executed before it is worth translating.
    pub threshold: u8,
    /// Blocks translated so far, regions among them.
    pub translated: u64,
    /// Regions.
    pub regions: u64,
    /// Optimised loops.
    pub optimised: u64,
    /// Places for predictions that regions use: instructions between two uses ([`Emitted::predictions`]).
    pub predictions: Vec<u32>,
    /// Differs each time that they are used anew.
    pub epoch: u64,
    /// How often everything was dropped to make room.
    pub reclaimed: u64,
    /// Whether code is checked before it is entered.
    pub checked: bool,
    /// How many of a million blocks; which, their instructions and a seed say.
    pub checked_blocks: (u32, u64),
    /// Identities of what was right, some of them.
    right: FxHashSet<u64>,
    /// What was wrong with code that was not.
    pub faults: Vec<Fault>,
}

/// The whole, of which a share of the blocks is checked.
const MILLION: u32 = 1_000_000;
/// Most faults that are kept.
const FAULTS: usize = 16;
/// Most identities of code that was right.
const RIGHT: usize = 1 << 20;

/// What says whether code is the same but for where it is: its instructions, where they are in their page, whether their
/// addresses are small constants, and whether it predicts pages. A program that is loaded elsewhere each time is the same.
fn identity(emitted: &Emitted, predicts: bool) -> u64 {
    let mut hasher = FxHasher::default();
    for record in &emitted.records {
        (
            record.pc % PAGE_SIZE,
            i32::try_from(record.pc as i64).is_ok(),
            record.left,
            record.slot.map(|slot| slot.bits),
        )
            .hash(&mut hasher);
    }
    (predicts, emitted.links.len()).hash(&mut hasher);
    hasher.finish()
}

impl Cache {
    /// An empty cache.
    pub fn new() -> io::Result<Cache> {
        let mut memory = CodeMemory::new()?;
        let trampolines = Trampolines::new(&mut memory);
        let start = memory.used();
        Ok(Cache {
            memory,
            trampolines,
            start,
            blocks: Vec::new(),
            links: Vec::new(),
            by_place: FxHashMap::default(),
            by_page: FxHashMap::default(),
            jumps: vec![NO_JUMP; JUMPS].into(),
            tables: FxHashMap::default(),
            counters: vec![0; COUNTERS].into(),
            threshold: 12,
            translated: 0,
            regions: 0,
            optimised: 0,
            predictions: Vec::new(),
            epoch: 1,
            reclaimed: 0,
            // A fault is one of ours: those who look for such want to stop at once.
            checked: cfg!(debug_assertions) && !coverage::ON,
            checked_blocks: (MILLION, 0),
            right: FxHashSet::default(),
            faults: Vec::new(),
        })
    }

    /// Uses at most so many bytes for code, but at least enough for a few blocks.
    pub fn set_limit(&mut self, bytes: usize) {
        self.memory.set_limit(bytes.max(self.start + 2 * BLOCK_BYTES));
    }

    /// The table of jumps, for generated code.
    pub fn jumps(&self) -> *const JumpEntry {
        self.jumps.as_ptr()
    }

    /// The address of the code for an instruction, if it is translated.
    fn find(&mut self, host: u64, offset: u64, pc: u64) -> Option<usize> {
        let entry = &mut self.jumps[jump_index(pc)];
        if entry.host == host && entry.pc == pc {
            return Some(entry.code as usize);
        }
        let number = *self.by_place.get(&(offset, pc))?;
        let code = self.blocks[number as usize].code;
        *entry = JumpEntry { host, pc, code: code as u64 };
        Some(code)
    }

    /// The address of the code for the instruction at an offset of RAM and an address, if it is translated.
    pub fn code(&mut self, ram: &Ram, offset: u64, pc: u64) -> Option<usize> {
        self.find((ram.host_pointer() as u64).wrapping_add(offset), offset, pc)
    }

    /// Whether code that is not translated has been executed often enough to be; if not, counts one more time.
    pub fn is_hot(&mut self, offset: u64) -> bool {
        let counter = &mut self.counters[counter_index(offset)];
        let hot = *counter >= self.threshold;
        *counter += !hot as u8;
        hot
    }

    /// Translates the instructions at an offset of RAM, whose page has code, for an address. False: there is nothing
    /// that can be translated.
    pub fn translate(&mut self, ram: &Ram, offset: u64, pc: u64, breakpoints: &BTreeSet<u64>) -> bool {
        let (slots, end) = block::decode(ram, offset, pc, breakpoints);
        if slots.is_empty() && end != block::End::Across {
            return false;
        }
        if !self.memory.fits(BLOCK_BYTES) || self.blocks.len() >= BLOCKS {
            self.drop_all();
            self.reclaimed += 1;
        }
        let table = (end == block::End::Jump).then(|| self.table(offset, pc)).flatten();
        let ram = ram.host_pointer() as u64;
        let marked = self.checked && self.is_chosen(&slots);
        let source = emit::Source { slots: &slots, end, start: pc, ram, table, marked };
        let first_link = self.links.len() as u32;
        let emitted = emit::block(&self.trampolines, self.memory.next_address(), &source, first_link);
        emitted.is_some_and(|emitted| {
            (!marked || self.is_right(&emitted, None, None)) && self.enter(offset, pc, emitted)
        })
    }

    /// Whether a block of these instructions is among those that are checked.
    fn is_chosen(&self, slots: &[Slot]) -> bool {
        let (per_million, seed) = self.checked_blocks;
        if per_million >= MILLION {
            return true;
        }
        let mut hasher = FxHasher::default();
        seed.hash(&mut hasher);
        slots.iter().for_each(|slot| slot.bits.hash(&mut hasher));
        hasher.finish() % u64::from(MILLION) < per_million.into()
    }

    /// Whether code that comes next is right, if that is to be checked; its first place for predictions is given.
    fn is_right(
        &mut self,
        emitted: &Emitted,
        first_place: Option<usize>,
        thunk: Option<&thunk::Source>,
    ) -> bool {
        if !self.checked {
            return true;
        }
        let marks = emitted.marks.as_deref().unwrap_or_default();
        // What is translated again and again, for want of room, is the same but for addresses.
        let is_known = thunk.is_none() && !self.right.insert(identity(emitted, first_place.is_some()));
        if is_known {
            return true;
        }
        if self.right.len() > RIGHT {
            self.right.clear();
        }
        let subject = check::Subject {
            emitted,
            marks,
            address: self.memory.next_address(),
            first_link: self.links.len() as u32,
            first_place,
            trampolines: &self.trampolines,
            thunk,
        };
        let Err(fault) = check::check(&subject) else { return true };
        debug_assert!(false, "{fault}");
        self.right.remove(&identity(emitted, first_place.is_some()));
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
        false
    }

    /// Enters the code of a block, in place of what there was for its first instruction.
    fn enter(&mut self, offset: u64, pc: u64, emitted: Emitted) -> bool {
        if emitted.code.len() > BLOCK_BYTES {
            return false;
        }
        let start = self.memory.append(&emitted.code);
        self.links.extend(emitted.links.into_iter().map(|link| Link {
            place: start + link.place,
            stub: start + link.stub,
            from: link.from,
            target: link.target,
            checked: link.checked,
            rewires: 0,
        }));
        let number = self.blocks.len() as u32;
        let code = self.memory.address(start);
        self.blocks.push(Block {
            offset,
            pc,
            code,
            incoming: Vec::new(),
            tried: 0,
            loops: None,
            _records: emitted.records,
            optimised: None,
        });
        self.by_place.insert((offset, pc), number);
        if let Some(table) = self.tables.get_mut(&table_key(offset, pc)) {
            table[place_in_page(pc)] = code;
        }
        self.jumps[jump_index(pc)] = NO_JUMP;
        self.by_page.entry(offset & !(PAGE_SIZE - 1)).or_default().push(number);
        self.translated += 1;
        true
    }

    /// If a link jumps back to a block in its page: makes a region of the loop, in place of the block.
    pub fn close_loop(&mut self, link: u32, ram: &Ram, offset: u64, breakpoints: &BTreeSet<u64>) {
        let Link { from, target, checked, .. } = self.links[link as usize];
        let Some(&number) = self.by_place.get(&(offset, target)) else { return };
        let block = &mut self.blocks[number as usize];
        if checked || from < target || from <= block.tried || !self.memory.fits(BLOCK_BYTES) {
            return;
        }
        block.tried = from;
        self.make_region(number, from, ram, breakpoints, false);
    }

    /// Makes a region of the loop from a block's start to the jump back at `last`, in place of the block.
    fn make_region(
        &mut self,
        number: u32,
        last: u64,
        ram: &Ram,
        breakpoints: &BTreeSet<u64>,
        predictions: bool,
    ) {
        let Block { offset, pc, code, .. } = self.blocks[number as usize];
        let Some(region) = region::find(ram, offset, pc, last, breakpoints) else { return };
        let ram = ram.host_pointer() as u64;
        let marked = self.checked;
        let source = emit::Source { slots: &[], end: block::End::Jump, start: pc, ram, table: None, marked };
        let first_link = self.links.len() as u32;
        let address = self.memory.next_address();
        let predictions = predictions.then_some(self.predictions.len());
        let emitted = emit::region(&self.trampolines, address, &source, &region, first_link, predictions);
        self.predictions.extend(emitted.iter().flat_map(|emitted| &emitted.predictions));
        let new = self.memory.used();
        if emitted.is_some_and(|emitted| {
            self.is_right(&emitted, predictions, None) && self.enter(offset, pc, emitted)
        }) {
            self.memory.divert(code - self.memory.address(0), new);
            let block = self.blocks.len() - 1;
            self.blocks[block].tried = last;
            self.blocks[block].loops = Some(predictions.is_some());
            self.regions += 1;
        }
    }

    /// Makes the regions of a page of RAM anew, so that they predict where their accesses go, as far as there is room.
    pub fn predict_in(&mut self, page: u64, ram: &Ram, breakpoints: &BTreeSet<u64>) {
        let numbers = self.by_page.get(&page).cloned().unwrap_or_default();
        for number in numbers {
            let Block { offset, pc, tried, loops, .. } = self.blocks[number as usize];
            let is_current = self.by_place.get(&(offset, pc)) == Some(&number);
            let room = self.predictions.len() + emit::PREDICTIONS_MOST <= PREDICTED_PAGES
                && self.memory.fits(2 * BLOCK_BYTES);
            if loops == Some(false) && is_current && room && self.blocks.len() < BLOCKS {
                self.make_region(number, tried, ram, breakpoints, true);
            }
        }
    }

    /// Enters an optimised loop, in place of the block at its entry. Gives the number of the block that enters it; `None`: there is
    /// no room, or nothing that could execute in its place.
    pub fn install(
        &mut self,
        ram: &Ram,
        compiled: Compiled,
        plan: &Plan,
        breakpoints: &BTreeSet<u64>,
    ) -> Option<u32> {
        let (offset, pc) = (plan.offset, plan.lines.first()?.pc);
        let room = self.memory.fits(compiled.code.len() + 3 * BLOCK_BYTES) && self.blocks.len() + 2 < BLOCKS;
        let old = *self.by_place.get(&(offset, pc))?;
        // The second half of an instruction may be where none begins.
        let all_have_code = plan.pages.iter().all(|(_, page)| ram.has_code(*page));
        if !room || !all_have_code || !self.translate(ram, offset, pc, breakpoints) {
            return None;
        }
        let instead = *self.by_place.get(&(offset, pc))?;
        let function = self.memory.append(&compiled.code);
        let source = thunk::Source {
            pc,
            pages: &plan.pages,
            ram: ram.host_pointer() as u64,
            function: self.memory.address(function),
            instead: self.blocks[instead as usize].code,
            side_exits: &compiled.side_exits,
            data: &compiled.data,
        };
        let first_link = self.links.len() as u32;
        let emitted = thunk::thunk(&self.trampolines, self.memory.next_address(), &source, first_link)?;
        let new = self.memory.used();
        if !self.is_right(&emitted, None, Some(&source)) || !self.enter(offset, pc, emitted) {
            return None;
        }
        let number = self.blocks.len() as u32 - 1;
        let block = &mut self.blocks[number as usize];
        block.tried = u64::MAX;
        block.optimised = Some(Optimised { data: compiled.data, instead });
        for (_, page) in plan.pages.iter().filter(|(_, page)| *page != offset & !(PAGE_SIZE - 1)) {
            self.by_page.entry(*page).or_default().push(number);
        }
        let old = self.blocks[old as usize].code - self.memory.address(0);
        self.memory.divert(old, new);
        self.optimised += 1;
        Some(number)
    }

    /// What an optimised loop keeps.
    pub fn region_data(&self, number: u32) -> Option<&RegionData> {
        self.blocks.get(number as usize)?.optimised.as_ref().map(|optimised| &*optimised.data)
    }

    /// Executes blocks in the place of an optimised loop from now on.
    pub fn give_up(&mut self, number: u32) {
        let Block { offset, pc, code, ref optimised, .. } = self.blocks[number as usize];
        let Some(instead) = optimised.as_ref().map(|optimised| optimised.instead) else { return };
        let block = self.blocks[instead as usize].code;
        self.memory.divert(code - self.memory.address(0), block - self.memory.address(0));
        if self.by_place.get(&(offset, pc)) == Some(&number) {
            self.by_place.insert((offset, pc), instead);
            if let Some(table) = self.tables.get_mut(&table_key(offset, pc)) {
                table[place_in_page(pc)] = block;
            }
        }
        self.disconnect(number);
    }

    /// The table of a page, made now if need be. `None`: there are too many.
    fn table(&mut self, offset: u64, pc: u64) -> Option<u64> {
        let key = table_key(offset, pc);
        if let Some(table) = self.tables.get(&key) {
            return Some(table.as_ptr() as u64);
        }
        if self.tables.len() == TABLES {
            return None;
        }
        let mut table: PageTable = Box::new([self.trampolines.exit_indirect; PAGE_SIZE as usize / 2]);
        let address = table.as_ptr() as u64;
        for &number in self.by_page.get(&key.0).into_iter().flatten() {
            let block = &self.blocks[number as usize];
            if table_key(block.offset, block.pc) == key {
                table[place_in_page(block.pc)] = block.code;
            }
        }
        self.tables.insert(key, table);
        Some(address)
    }

    /// Where a link goes.
    pub fn target(&self, link: u32) -> u64 {
        self.links[link as usize].target
    }

    /// Connects a link to the code for its target, which is at an offset of RAM. `addend` is what the TLB's first level
    /// adds to addresses of the target's page.
    pub fn connect(&mut self, link: u32, offset: u64, addend: u64) {
        let Link { place, stub, target, checked, rewires, .. } = self.links[link as usize];
        let Some(&number) = self.by_place.get(&(offset, target)) else { return };
        let code = self.blocks[number as usize].code;
        if !checked {
            let code = code - self.memory.address(0);
            self.memory.patch(place, code);
        } else if rewires < REWIRES && self.memory.fits(BLOCK_BYTES) {
            let (back, fetch) = (self.memory.address(stub), self.trampolines.fetch);
            let check = emit::Check { pc: target, addend, code, back, fetch };
            let thunk = emit::check(self.memory.next_address(), &check);
            let thunk = self.memory.append(&thunk);
            self.memory.patch(place, thunk);
        } else {
            return;
        }
        self.links[link as usize].rewires += 1;
        self.blocks[number as usize].incoming.push(link);
    }

    /// Drops the blocks of a page of RAM.
    pub fn drop_page(&mut self, page: u64) {
        for number in self.by_page.remove(&page).unwrap_or_default() {
            if self.blocks[number as usize].offset & !(PAGE_SIZE - 1) != page {
                // A loop that is entered elsewhere.
                self.give_up(number);
                continue;
            }
            let block = &mut self.blocks[number as usize];
            self.by_place.remove(&(block.offset, block.pc));
            self.tables.remove(&table_key(block.offset, block.pc));
            // What is there now has not been executed at all.
            self.counters[counter_index(block.offset)] = 0;
            self.disconnect(number);
        }
    }

    /// Nothing finds a block any more.
    fn disconnect(&mut self, number: u32) {
        let block = &mut self.blocks[number as usize];
        let entry = &mut self.jumps[jump_index(block.pc)];
        if entry.code == block.code as u64 {
            *entry = NO_JUMP;
        }
        for link in std::mem::take(&mut block.incoming) {
            let Link { place, stub, .. } = self.links[link as usize];
            self.memory.patch(place, stub);
        }
    }

    /// Drops everything.
    pub fn drop_all(&mut self) {
        self.memory.truncate(self.start);
        self.blocks.clear();
        self.links.clear();
        self.by_place.clear();
        self.by_page.clear();
        self.jumps.fill(NO_JUMP);
        self.tables.clear();
        self.predictions.clear();
        self.epoch += 1;
    }

    /// Bytes of code.
    pub fn bytes(&self) -> usize {
        self.memory.used()
    }
}

fn counter_index(offset: u64) -> usize {
    (offset >> 1) as usize & (COUNTERS - 1)
}

/// Offset of RAM and address of a page.
fn table_key(offset: u64, pc: u64) -> (u64, u64) {
    (offset & !(PAGE_SIZE - 1), pc & !(PAGE_SIZE - 1))
}

fn place_in_page(pc: u64) -> usize {
    (pc % PAGE_SIZE) as usize / 2
}

fn jump_index(pc: u64) -> usize {
    (pc >> 1) as usize & (JUMPS - 1)
}
