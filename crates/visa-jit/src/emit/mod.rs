//! The host's instructions for each of the guest's.
//!
//! Within a block RAX, RCX and RDX are free between two instructions of the guest. Whatever has no code of its own here
//! is executed by the interpreter, through a [`InstructionRecord`].
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

#[macro_use]
mod alu;
mod bits;
mod cold;
mod conditional;
mod control;
mod counter;
mod divide;
mod extension;
pub mod float;
mod float_cache;
mod group;
mod look_up;
mod memory;
mod msr;
mod place;
mod predict;
mod region;

pub use control::jump_by_table;
pub use extension::extends;
pub(crate) use msr::written_fields;
pub use predict::MOST as PREDICTIONS_MOST;

use dynasmrt::x64::X64Relocation;
use dynasmrt::{AssemblyOffset, DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler, dynasm};
use visa_core::layout;
use visa_interp::Slot;
use visa_isa::Instruction;
use visa_isa::paging::Access;
use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE};
use visa_mmu::tlb::FIRST_LEVEL_ENTRIES;

use self::alu::is_zero_extension;
use self::cold::{Cold, Missed};
use self::extension::{Extensions, Run};
use self::float_cache::FloatCache;
use self::look_up::{match_tag, place_of_page};
use self::predict::{PredictedAccess, RegionPredictions};
use self::region::Label;
use crate::block::End;
use crate::check::mark::{Begins, Mark, Marks};
use crate::coverage::{self, Point, Tier};
use crate::region::{BasicBlock, Region, is_outside};
use crate::registers::{BUDGET, Mapping, RCX};
use crate::runtime::{InstructionRecord, field};
use crate::trampolines::Trampolines;

/// Collects code and resolves its labels.
pub type Assembler = VecAssembler<X64Relocation>;

/// A jump out of a block.
pub struct EmittedLink {
    /// Offset of its displacement in the block.
    pub place: usize,
    /// Offset of the code that leaves by it.
    pub stub: usize,
    /// The instruction that jumps.
    pub from: u64,
    /// Where it goes.
    pub target: u64,
    /// What is there must be looked at each time.
    pub checked: bool,
}

/// The code of a block.
pub struct Emitted {
    /// The code.
    pub code: Vec<u8>,
    /// Its jumps to others.
    pub links: Vec<EmittedLink>,
    /// What it names by address.
    pub records: Box<[InstructionRecord]>,
    /// The places for predictions that it uses: how many instructions lie between two uses, 0 if it is no prediction.
    pub predictions: Vec<u32>,
    /// What of it executes what, if the source asks for that.
    pub marks: Option<Vec<Mark>>,
}

/// A jump whose stub is still to come.
struct OpenLink {
    place: AssemblyOffset,
    stub: DynamicLabel,
    from: u64,
    target: u64,
    checked: bool,
}

/// Emits one block.
struct Emitter<'a> {
    code: Assembler,
    trampolines: &'a Trampolines,
    /// Where the code will be, on the host.
    address: usize,
    /// Address of the block.
    start: u64,
    /// Address of RAM on the host.
    ram: u64,
    /// Address of the table of the block's page.
    table: Option<u64>,
    records: Box<[InstructionRecord]>,
    /// Where the guest's registers are.
    mapping: Mapping,
    /// Of a region: all of its mappings, and which of them is in force.
    mappings: Vec<Mapping>,
    current: usize,
    /// Of a region, for each of its mappings: what the trampolines `interpret` and `access` do, with it.
    local: Vec<(DynamicLabel, DynamicLabel)>,
    /// The basic blocks of a region.
    labels: Vec<Label>,
    /// With the mapping that is in force there.
    cold: Vec<(usize, Cold)>,
    links: Vec<OpenLink>,
    first_link: u32,
    floats: FloatCache,
    extensions: Extensions,
    /// Nobody reads the upper half of what is being computed.
    low_half_suffices: bool,
    /// In a region: where its accesses went.
    predictions: Option<RegionPredictions>,
    predicted: Vec<PredictedAccess>,
    marks: Marks,
}

/// What a block is made of.
pub struct Source<'a> {
    /// Its instructions.
    pub slots: &'a [Slot],
    /// How it ends.
    pub end: End,
    /// Its address.
    pub start: u64,
    /// The address of RAM on the host.
    pub ram: u64,
    /// The address of the table of its page, for indirect jumps.
    pub table: Option<u64>,
    /// Whether its code is to be marked, for the checker.
    pub marked: bool,
}

/// Emits the code of a block that will be executed at `address` on the host. Its links are numbered from `first_link` on.
pub fn block(trampolines: &Trampolines, address: usize, source: &Source, first_link: u32) -> Option<Emitted> {
    let across = (source.end == End::Across).then_some(None);
    let slots = source.slots.iter().copied().map(Some).chain(across);
    let records = records(source.start, slots.collect());
    let mut emitter =
        Emitter::new(trampolines, address, source, records.into(), Mapping::usual(), first_link);
    emitter.block(source.end);
    emitter.finish()
}

/// Emits the code of a loop, likewise; of the source, the instructions and the end do not matter. If it is to predict where accesses
/// go: the first place for predictions that is free.
pub fn region(
    trampolines: &Trampolines,
    address: usize,
    source: &Source,
    region: &Region,
    first_link: u32,
    predictions: Option<usize>,
) -> Option<Emitted> {
    let rounds = |basic_block: &BasicBlock| if basic_block.is_peeled() { 2 } else { 1 };
    let round = |basic_block: &BasicBlock| {
        records(basic_block.pc, basic_block.slots.iter().copied().map(Some).collect())
    };
    let all =
        region.basic_blocks.iter().flat_map(|basic_block| round(basic_block).repeat(rounds(basic_block)));
    let mapping = Mapping::usual();
    let mut emitter = Emitter::new(trampolines, address, source, all.collect(), mapping, first_link);
    if let Some(first) = predictions {
        emitter.use_predictions(first);
    }
    emitter.region(region);
    emitter.finish()
}

/// A record for each instruction of a straight run.
fn records(start: u64, slots: Vec<Option<Slot>>) -> Vec<InstructionRecord> {
    let (mut pc, mut left) = (start, slots.len() as i64);
    let record = |slot: Option<Slot>| {
        let next = pc.wrapping_add(slot.map_or(4, |slot| slot.instruction.length as u64));
        let (access, bytes) =
            slot.and_then(|slot| memory::access_of(slot.instruction.op)).unwrap_or((Access::Load, 1));
        let record = InstructionRecord { slot, pc, next, left, access, bytes };
        (pc, left) = (next, left - 1);
        record
    };
    slots.into_iter().map(record).collect()
}

/// What a jump between pages goes by.
pub struct Check {
    /// Where it goes.
    pub pc: u64,
    /// What the TLB's first level added to addresses of that page when the code was found.
    pub addend: u64,
    /// The code.
    pub code: usize,
    /// Where to go if the page is elsewhere now.
    pub back: usize,
    /// Where to go if the first level does not know where it is: [`Trampolines::fetch`].
    pub fetch: usize,
}

/// Emits a jump to code for as long as the TLB's first level says that its page is where it was when the code was found.
pub fn check(address: usize, check: &Check) -> Vec<u8> {
    let Check { pc, addend, code: target, back, fetch } = *check;
    let entry = (pc >> PAGE_SHIFT) as usize % FIRST_LEVEL_ENTRIES;
    let page = pc & !(PAGE_SIZE - 1);
    let mut code = Assembler::new(address);
    let tag = (layout::tags(Access::Fetch) + 8 * entry) as i32;
    let known_addend = (layout::addends(Access::Fetch) + 8 * entry) as i32;
    constant(&mut code, RCX, page);
    dynasm!(code ; .arch x64
        ; or rcx, [rbp + layout::context(Access::Fetch) as i32]
        ; cmp rcx, [rbp + tag]
        ; jne >missed
        ; mov rcx, QWORD addend as i64
        ; cmp rcx, [rbp + known_addend]
        ; jne >differs
    );
    coverage::emit_point(&mut code, Tier::Shared, Point::PageSame);
    dynasm!(code ; .arch x64 ; jmp extern target ; differs:);
    coverage::emit_point(&mut code, Tier::Shared, Point::PageMoved);
    dynasm!(code ; .arch x64 ; jmp extern back ; missed:);
    coverage::emit_point(&mut code, Tier::Shared, Point::PageUnknown);
    constant(&mut code, RCX, pc);
    dynasm!(code ; .arch x64 ; jmp extern fetch);
    code.finalize().unwrap_or_default()
}

/// Puts a constant into a register of the host.
pub fn constant(code: &mut Assembler, register: u8, value: u64) {
    if value == 0 {
        dynasm!(code ; .arch x64 ; xor Rd(register), Rd(register));
    } else if value <= u32::MAX as u64 {
        dynasm!(code ; .arch x64 ; mov Rd(register), value as i32);
    } else if value as i64 == value as i32 as i64 {
        dynasm!(code ; .arch x64 ; mov Rq(register), value as i32);
    } else {
        dynasm!(code ; .arch x64 ; mov Rq(register), QWORD value as i64);
    }
}

impl<'a> Emitter<'a> {
    fn new(
        trampolines: &'a Trampolines,
        address: usize,
        source: &Source,
        records: Box<[InstructionRecord]>,
        mapping: Mapping,
        first_link: u32,
    ) -> Emitter<'a> {
        let mut marks = Marks::default();
        if source.marked {
            marks.remember();
        }
        Emitter {
            code: Assembler::new(address),
            trampolines,
            address,
            start: source.start,
            ram: source.ram,
            table: source.table,
            records,
            mapping,
            mappings: Vec::new(),
            current: 0,
            local: Vec::new(),
            labels: Vec::new(),
            cold: Vec::new(),
            links: Vec::new(),
            first_link,
            floats: FloatCache::default(),
            extensions: Extensions::default(),
            low_half_suffices: false,
            predictions: None,
            predicted: Vec::new(),
            marks,
        }
    }

    /// What follows executes what a mark says, from a record on.
    fn mark(&mut self, record: usize, begins: Begins) {
        let offset = self.code.offset().0;
        self.marks.push(offset, record, begins);
    }

    /// What follows is executed if a point is reached.
    fn reach(&mut self, point: Point) {
        let tier = self.tier();
        coverage::emit_point(&mut self.code, tier, point);
    }

    /// What follows is the code of an instruction that has some of its own.
    fn reach_operation(&mut self, i: &Instruction) {
        if coverage::ON {
            let byte = coverage::operation(self.tier(), i, false);
            coverage::emit(&mut self.code, byte);
        }
    }

    /// The same of one that is yet to show whether it has: then [`coverage::correct`] says which. What does nothing is not executed.
    fn reach_some_operation(&mut self, i: &Instruction) -> Option<AssemblyOffset> {
        let offset = self.code.offset();
        (coverage::ON && !(i.rd == 0 && i.op.shape().is_pure())).then(|| {
            coverage::emit(&mut self.code, 0);
            offset
        })
    }

    fn tier(&self) -> Tier {
        if self.is_region() { Tier::Region } else { Tier::Block }
    }

    fn block(&mut self, end: End) {
        let length = self.records.len();
        self.extensions = Extensions::of(&self.records, &[Run::new(0..length, &self.mapping, false)]);
        self.need_float();
        self.mark(0, Begins::Run);
        self.take_budget(0, length);
        self.instructions(0, length);
        let InstructionRecord { pc, next, .. } = self.records[length - 1];
        if end != End::Jump {
            self.settle_after(length - 1);
        }
        match end {
            End::Jump => {}
            End::Next | End::Across => self.link(pc, next, false),
            End::Changed => self.link(pc, next, true),
        }
        self.cold_code();
        self.link_stubs();
    }

    /// Takes the instructions of a basic block out of the budget, or leaves.
    fn take_budget(&mut self, first: usize, length: usize) {
        let from = self.code.new_dynamic_label();
        self.push_cold(Cold::Short { from, first, length: length as i64 });
        self.add_constant(BUDGET, -(length as i32));
        dynasm!(self.code ; .arch x64 ; js =>from);
    }

    fn give_back(&mut self, left: i64) {
        self.add_constant(BUDGET, left as i32);
    }

    /// Behind a record, goes on at an address, inside or outside, with `left` instructions of the basic block not executed.
    fn go(&mut self, index: usize, target: u64, left: i64) {
        self.give_back(left);
        match self.label(target) {
            Some(Label { label, mapping, .. }) => {
                self.move_to(mapping, index, target);
                dynasm!(self.code ; .arch x64 ; jmp =>label);
            }
            None => {
                self.settle_after(index);
                self.leave_mapping();
                self.link(self.records[index].pc, target, false);
            }
        }
    }

    fn link_stubs(&mut self) {
        for index in 0..self.links.len() {
            let (stub, number) = (self.links[index].stub, self.first_link + index as u32);
            dynasm!(self.code ; .arch x64 ; =>stub);
            self.reach(Point::Unconnected);
            dynasm!(self.code ; .arch x64 ; mov eax, number as i32 ; jmp extern self.trampolines.exit_link);
        }
    }

    /// If there is floating point: leaves unless the host computes for the guest.
    fn need_float(&mut self) {
        if !self
            .records
            .iter()
            .any(|record| record.slot.is_some_and(|slot| float::is_inline(&slot.instruction)))
        {
            return;
        }
        let absent = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64
            ; mov rax, [rsp]
            ; cmp DWORD [rax + field::FLOAT], BYTE 0
            ; je =>absent
        );
        self.push_cold(Cold::NoFloat { from: absent });
    }

    fn finish(mut self) -> Option<Emitted> {
        self.code.commit().ok()?;
        let mut links = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let stub = self.code.labels().resolve_dynamic(link.stub).ok()?;
            links.push(EmittedLink {
                place: link.place.0,
                stub: stub.0,
                from: link.from,
                target: link.target,
                checked: link.checked,
            });
        }
        let code = self.code.finalize().ok()?;
        let predictions = self.predictions.map_or(Vec::new(), |predictions| predictions.rounds);
        Some(Emitted { code, links, records: self.records, predictions, marks: self.marks.take() })
    }

    /// A jump to another block, or to this one's start.
    fn link(&mut self, from: u64, target: u64, changed: bool) {
        let stub = self.code.new_dynamic_label();
        let same_page = (target ^ self.start) >> PAGE_SHIFT == 0;
        self.reach(match (changed, same_page) {
            (true, _) => Point::LinkChanged,
            (false, true) => Point::Link,
            (false, false) => Point::LinkElsewhere,
        });
        dynasm!(self.code ; .arch x64 ; jmp =>stub);
        let end = self.code.offset().0;
        let checked = changed || !same_page;
        self.links.push(OpenLink { place: AssemblyOffset(end - 4), stub, from, target, checked });
    }

    /// Has the interpreter execute an instruction, here, where no extension is pending. It leaves nothing in XMM registers.
    fn interpret(&mut self, index: usize) {
        let record = &raw const self.records[index] as i64;
        dynasm!(self.code ; .arch x64 ; mov rdx, QWORD record);
        match self.local.get(self.current) {
            Some(&(label, _)) => dynasm!(self.code ; .arch x64 ; call =>label),
            None => dynasm!(self.code ; .arch x64 ; call extern self.trampolines.interpret),
        }
        self.forget_predictions();
    }

    /// The instructions of a basic block.
    fn instructions(&mut self, first: usize, end: usize) {
        let mut index = first;
        while index < end {
            let pair =
                self.records[index].slot.zip(self.records[index..end].get(1).and_then(|record| record.slot));
            if let Some((one, two)) = pair
                && is_zero_extension(&one.instruction, &two.instruction)
            {
                self.mark(index, Begins::Step(2));
                self.reach(Point::ZeroExtension);
                self.zero_extend(&one.instruction, &two.instruction);
                self.mark(index, Begins::End);
                index += 2;
                continue;
            }
            if let Some(skipped) = self.conditional_move(index, end) {
                index += 1 + skipped;
                continue;
            }
            if let Some(group) = self.group(index, end) {
                index = group.records.end;
                self.grouped(&group);
                continue;
            }
            self.instruction(index);
            index += 1;
        }
    }

    fn instruction(&mut self, index: usize) {
        let InstructionRecord { slot, pc, left, .. } = self.records[index];
        let Some(Slot { instruction: i, .. }) = slot else {
            self.mark(index, Begins::Step(1));
            self.settle(index);
            return self.interpret(index);
        };
        if self.is_region() && slot.is_some_and(|slot| is_outside(&slot)) {
            self.reach(Point::Outside);
            self.give_back(left);
            self.settle(index);
            self.leave_mapping();
            return self.link(pc, pc, false);
        }
        self.mark(index, Begins::Step(1));
        let reached = self.reach_some_operation(&i);
        let done = self.compute(index, &i)
            || self.access(index, &i)
            || self.control(index, &i)
            || self.float(index, &i)
            || self.msr(index, &i)
            || self.counter(index, &i);
        if let Some(offset) = reached {
            let byte = coverage::operation(self.tier(), &i, !done);
            coverage::correct(&mut self.code, offset, byte);
        }
        if !done {
            self.settle(index);
            self.interpret(index);
            self.floats.clear();
        }
        self.mark(index, Begins::End);
    }

    /// Whether this is a loop, rather than a straight run.
    fn is_region(&self) -> bool {
        !self.local.is_empty()
    }
}
