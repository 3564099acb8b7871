//! Loops as a whole: the straight run of code from a loop's head to the jump that goes back, with all jumps inside of it.
//!
//! A region keeps the registers that its loop uses most in host registers, whichever they are, and gives the usual ones
//! back where it is left. It is entered at its head alone.

use std::collections::{BTreeMap, BTreeSet};

use visa_interp::{Slot, decode_at};
use visa_isa::operand::Target;
use visa_isa::paging::PAGE_SIZE;
use visa_isa::shape::{MsrChange, RegisterFile};
use visa_isa::{Instruction, Shape, msr};
use visa_mem::Ram;

use crate::block::is_float_control;
use crate::emit::{extends, float};
use crate::registers::Mapping;

/// Most instructions of a region.
const REGION_LENGTH: usize = 256;
/// How much more an instruction in an inner loop counts.
const INNER: u32 = 4;
/// How often a register must occur at least to be worth the moves at the region's ends.
const OCCURRENCES: u32 = 3;

/// Most instructions of a loop that is emitted twice.
const PEELED_LENGTH: usize = 64;

/// A run of instructions that is entered at its first one alone.
pub struct BasicBlock {
    /// Its address.
    pub pc: u64,
    /// Its instructions; at least one.
    pub slots: Vec<Slot>,
    /// Which of the region's mappings is in force.
    pub mapping: usize,
}

impl BasicBlock {
    /// Its instructions with their addresses.
    fn lines(&self) -> impl Iterator<Item = (u64, &Instruction)> {
        let mut pc = self.pc;
        self.slots.iter().map(move |slot| {
            let at = pc;
            pc += slot.instruction.length as u64;
            (at, &slot.instruction)
        })
    }
}

impl BasicBlock {
    /// Whether it is a loop by itself that is emitted twice, for its first round and for the others: these begin with what a
    /// round leaves in registers.
    pub fn is_peeled(&self) -> bool {
        let back = self.lines().last().and_then(|(pc, i)| target(pc, i)) == Some(self.pc);
        let ends = self.slots.last().is_some_and(|slot| slot.instruction.op.shape().is_branch());
        let gains = |slot: &Slot| float::is_inline(&slot.instruction) || extends(&slot.instruction);
        back && ends && self.slots.len() <= PEELED_LENGTH && self.slots.iter().any(gains)
    }
}

/// A loop.
pub struct Region {
    /// Its basic blocks, by address; the first is the head.
    pub basic_blocks: Vec<BasicBlock>,
    /// Where its registers are: in all of it, and in inner loops.
    pub mappings: Vec<Mapping>,
}

impl Region {
    /// Whether jumps of later basic blocks, or its own, go back to a basic block.
    pub fn is_loop_head(&self, number: usize) -> bool {
        let head = self.basic_blocks[number].pc;
        self.basic_blocks[number..]
            .iter()
            .flat_map(BasicBlock::lines)
            .any(|(pc, i)| target(pc, i) == Some(head))
    }

    /// Instructions from one execution of a basic block to the next, if the shortest loop that it is in goes round without skipping any.
    pub fn round(&self, number: usize) -> usize {
        let lines = lines_of(&self.basic_blocks);
        let at = self.basic_blocks[number].pc;
        let around = loops(&lines).into_iter().filter(|(to, from)| (*to..=*from).contains(&at));
        let length = |(to, from)| lines.iter().filter(|(pc, _)| (to..=from).contains(pc)).count();
        around.map(length).min().unwrap_or(lines.len())
    }
}

/// One decoded instruction with its address.
struct Line {
    pc: u64,
    slot: Slot,
}

/// Finds the loop from `head`, which is at an offset of RAM, to the jump back at `last`, in the same page. `None`: there
/// is something in between that a region cannot hold, so that the jump back is not reached.
pub fn find(ram: &Ram, offset: u64, head: u64, last: u64, breakpoints: &BTreeSet<u64>) -> Option<Region> {
    let page_end = (offset & !(PAGE_SIZE - 1)) + PAGE_SIZE;
    let mut lines = Vec::new();
    let mut pc = head;
    while pc <= last {
        if lines.len() == REGION_LENGTH || breakpoints.contains(&pc) {
            return None;
        }
        let slot = decode_at(ram, offset + (pc - head)..page_end)?;
        lines.push(Line { pc, slot });
        pc += slot.instruction.length as u64;
    }
    // The block of an instruction that is outside must stay what it is.
    if is_outside(&lines.first()?.slot) {
        return None;
    }
    let mut basic_blocks = reachable(split(&lines));
    let back = basic_blocks.iter().flat_map(BasicBlock::lines).any(|(pc, _)| pc == last);
    back.then(|| Region { mappings: mappings(&mut basic_blocks), basic_blocks })
}

/// Decides where registers are in each basic block.
fn mappings(basic_blocks: &mut [BasicBlock]) -> Vec<Mapping> {
    let mut mappings = vec![Mapping::of_loop(&weights(basic_blocks), written(basic_blocks))];
    for (to, from) in inner_loops(basic_blocks) {
        let within: Vec<usize> = (0..basic_blocks.len())
            .filter(|&basic_block| (to..=from).contains(&basic_blocks[basic_block].pc))
            .collect();
        let (Some(&first), Some(&last)) = (within.first(), within.last()) else { continue };
        let outer = &mappings[basic_blocks[first].mapping];
        let inner = outer.of_inner_loop(&occurrences(&lines_of(&basic_blocks[first..=last]), &[]));
        if outer.changes(&inner).next().is_some() {
            within.into_iter().for_each(|basic_block| basic_blocks[basic_block].mapping = mappings.len());
            mappings.push(inner);
        }
    }
    mappings
}

/// The loops within a region, from their heads to the last jumps back to them, those that contain others first. Of loops that
/// overlap otherwise, only one.
fn inner_loops(basic_blocks: &[BasicBlock]) -> Vec<(u64, u64)> {
    let mut ends = BTreeMap::new();
    for (to, from) in loops(&lines_of(basic_blocks)) {
        let end = ends.entry(to).or_insert(from);
        *end = from.max(*end);
    }
    let mut loops: Vec<(u64, u64)> = Vec::new();
    for (to, from) in
        ends.into_iter().skip_while(|(to, _)| basic_blocks.first().is_some_and(|head| *to == head.pc))
    {
        if loops.iter().all(|(_, end)| *end < to || from <= *end) {
            loops.push((to, from));
        }
    }
    loops
}

/// Where a direct jump at an address goes.
fn target(pc: u64, i: &Instruction) -> Option<u64> {
    matches!(i.op.shape(), Shape::Branch(_) | Shape::Jump).then(|| pc.wrapping_add(i.imm as i64 as u64))
}

/// An instruction that a region leaves before: a block of its own executes it.
pub fn is_outside(slot: &Slot) -> bool {
    let (shape, number) = (slot.instruction.op.shape(), slot.instruction.imm as u16);
    match slot.instruction.msr_change() {
        Some(_) if is_float_control(number) => true,
        Some(change) => change != MsrChange::None && !(change == MsrChange::Write && msr::is_inert(number)),
        None => shape.ends_block() && !matches!(shape, Shape::Branch(_) | Shape::Jump),
    }
}

/// Cuts the run where jumps go to, behind jumps, and behind branches back: those need not give anything back to the budget. A
/// basic block may end with an instruction that is outside.
fn split(lines: &[Line]) -> Vec<BasicBlock> {
    let starts: BTreeSet<u64> =
        lines.iter().filter_map(|line| target(line.pc, &line.slot.instruction)).collect();
    let mut basic_blocks: Vec<BasicBlock> = Vec::new();
    let mut ended = true;
    for line in lines {
        if ended || starts.contains(&line.pc) {
            basic_blocks.push(BasicBlock { pc: line.pc, slots: Vec::new(), mapping: 0 });
        }
        let back = target(line.pc, &line.slot.instruction).is_some_and(|to| to <= line.pc);
        ended = back || line.slot.instruction.op.shape() == Shape::Jump || is_outside(&line.slot);
        if let Some(basic_block) = basic_blocks.last_mut() {
            basic_block.slots.push(line.slot);
        }
    }
    basic_blocks
}

/// The basic blocks that execution can reach from the head without leaving.
fn reachable(basic_blocks: Vec<BasicBlock>) -> Vec<BasicBlock> {
    let mut seen = vec![false; basic_blocks.len()];
    let mut open = vec![0];
    while let Some(index) = open.pop() {
        let Some(basic_block) =
            basic_blocks.get(index).filter(|_| !std::mem::replace(&mut seen[index], true))
        else {
            continue;
        };
        let mut pc = basic_block.pc;
        let mut ended = false;
        for slot in &basic_block.slots {
            let i = &slot.instruction;
            let inside = |address| basic_blocks.iter().position(|basic_block| basic_block.pc == address);
            // A call leaves, and does not come back to the region.
            if let Some(next) = target(pc, i).filter(|_| i.rd == 0).and_then(inside) {
                open.push(next);
            }
            ended = i.op.shape() == Shape::Jump || is_outside(slot);
            pc += i.length as u64;
        }
        if !ended && basic_blocks.get(index + 1).is_some_and(|next| next.pc == pc) {
            open.push(index + 1);
        }
    }
    let mut seen = seen.into_iter();
    basic_blocks.into_iter().filter(|_| seen.next() == Some(true)).collect()
}

/// How often each integer register occurs, inner loops counting more.
fn weights(basic_blocks: &[BasicBlock]) -> [u32; 32] {
    let lines = lines_of(basic_blocks);
    occurrences(&lines, &loops(&lines)).map(|weight| if weight < OCCURRENCES { 0 } else { weight })
}

/// How often lines name each integer register, those in loops counting more.
fn occurrences(lines: &[(u64, &Instruction)], loops: &[(u64, u64)]) -> [u32; 32] {
    let mut weights = [0u32; 32];
    for (pc, i) in lines {
        let depth = loops.iter().filter(|(to, from)| to <= pc && pc <= from).count().clamp(1, 4) as u32;
        for register in integer_registers(i) {
            weights[register as usize & 31] += INNER.pow(depth - 1);
        }
    }
    weights[0] = 0;
    weights
}

/// The instructions of basic blocks with their addresses.
fn lines_of(basic_blocks: &[BasicBlock]) -> Vec<(u64, &Instruction)> {
    basic_blocks.iter().flat_map(BasicBlock::lines).collect()
}

/// The jumps back: (to, from).
fn loops(lines: &[(u64, &Instruction)]) -> Vec<(u64, u64)> {
    let jumps = lines.iter().filter_map(|(pc, i)| Some((target(*pc, i)?, *pc)));
    jumps.filter(|(to, from)| to <= from).collect()
}

/// The integer registers that an instruction names, as often as it names them.
fn integer_registers(i: &Instruction) -> impl Iterator<Item = u8> {
    let fields = [(Target::Rd, i.rd), (Target::Rs1, i.rs1), (Target::Rs2, i.rs2)];
    let op = i.op;
    let named = fields.into_iter().filter(move |(field, _)| op.file(*field) == Some(RegisterFile::Integer));
    named.map(|(_, register)| register)
}

/// A bit for each register that instructions may write: whatever their field rd names, if it is an integer register.
fn written(basic_blocks: &[BasicBlock]) -> u32 {
    basic_blocks
        .iter()
        .flat_map(|basic_block| &basic_block.slots)
        .fold(0, |written, slot| written | 1 << (slot.instruction.rd & 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_that_of_the_shortest_loop_around() {
        const BASE: u64 = 0x8000_0000;
        let ram = Ram::new(BASE, PAGE_SIZE).unwrap();
        let program: [u32; 6] = [
            0x0030_0293, // outer: addi x5, x0, 3
            0x0013_0313, // inner: addi x6, x6, 1
            0xfff2_8293, //        addi x5, x5, -1
            0xfe02_9ce3, //        bne x5, x0, inner
            0xfff3_8393, //        addi x7, x7, -1
            0xfe03_96e3, //        bne x7, x0, outer
        ];
        for (number, word) in program.into_iter().enumerate() {
            ram.store_u32(4 * number as u64, word).unwrap();
        }
        let region = find(&ram, 0, BASE, BASE + 20, &BTreeSet::new()).unwrap();
        let rounds: Vec<(u64, usize)> = (0..region.basic_blocks.len())
            .map(|number| (region.basic_blocks[number].pc - BASE, region.round(number)))
            .collect();
        assert_eq!(rounds, [(0, 6), (4, 3), (16, 6)]);
    }
}
