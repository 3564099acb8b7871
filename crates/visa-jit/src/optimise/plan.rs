//! What is worth optimising in a trace: the loop in which most of it was spent, as blocks of instructions.
//!
//! A loop is a strongly connected component of the ways that execution took. So it follows jumps, calls and returns
//! wherever they lead, and has nothing in it that was not executed; whatever else may happen leaves it.

use std::ops::Range;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use rustc_hash::FxHashMap;
use visa_isa::shape::{Load, RegisterFile, Store};
use visa_isa::{Instruction, Shape};

use super::trace::{OUTERMOST, Place, Trace, is_call, is_return, page_of};

/// Most instructions of a loop.
const LINES: usize = 100;
/// The least share of the trace that must be in the loop: one in so many instructions.
const SHARE: u64 = 4;
/// Least instructions, on average, from entering the loop to leaving it.
const STAY: u64 = 64;

/// An instruction of a loop.
pub struct PlanLine {
    /// Its address.
    pub pc: u64,
    /// What it is.
    pub slot: visa_interp::Slot,
    /// How often it was executed in the trace.
    pub count: u32,
    /// Where execution has gone on, inside of the loop: addresses and lines.
    pub successors: Vec<(u64, usize)>,
}

impl PlanLine {
    /// The address of the instruction behind it.
    pub fn next(&self) -> u64 {
        self.pc.wrapping_add(self.slot.instruction.length as u64)
    }
}

/// A run of instructions that is entered at its first one alone. Branches may leave the loop in the middle.
pub struct PlanBlock {
    /// Its lines.
    pub lines: Range<usize>,
    /// If jumps go back to it: the most instructions from here to the next such block, or out of the loop.
    pub header: Option<i64>,
}

/// A loop to optimise.
pub struct Plan {
    /// Offset of RAM of its entry, which is the first line.
    pub offset: u64,
    /// All instructions, block by block.
    pub lines: Vec<PlanLine>,
    /// The blocks; the first is the entry.
    pub blocks: Vec<PlanBlock>,
    /// Every page that it is fetched from: address, and offset of RAM.
    pub pages: Vec<(u64, u64)>,
}

impl Plan {
    /// Finds the loop of a trace. `None`: there is none, or none that is worth it.
    pub fn of(trace: &Trace) -> Option<Plan> {
        let members = component(trace)?;
        let entry = entry(trace, &members)?;
        let graph = Graph::new(trace, &members);
        // A function that is called from where it was not seen to be: recursion goes better by blocks.
        let strays = |member: &u32| {
            let place = &trace.places[*member as usize];
            let returns = is_return(&place.step.slot.instruction);
            returns && (place.context == OUTERMOST || graph.after(*member).len() > 1)
        };
        if members.iter().any(strays) {
            return None;
        }
        let (lines, blocks) = graph.blocks(trace, entry);
        let mut pages = Vec::new();
        for &member in &members {
            let step = &trace.places[member as usize].step;
            pages.push((page_of(step.pc), page_of(step.offset)));
            pages.extend(step.across.map(|offset| (page_of(step.pc.wrapping_add(2)), offset)));
        }
        pages.sort_unstable();
        pages.dedup();
        // One virtual page in two places: it was mapped anew meanwhile.
        if pages.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        // What stays in a page and calls nothing is a region of blocks already.
        let calls = |line: &PlanLine| {
            is_call(&line.slot.instruction) || line.slot.instruction.op.shape() == Shape::JumpRegister
        };
        if pages.len() == 1 && !lines.iter().any(calls) {
            return None;
        }
        let offset = trace.places[entry as usize].step.offset;
        let mut plan = Plan { offset, lines, blocks, pages };
        plan.find_headers();
        Some(plan)
    }

    /// The block that starts with a line.
    pub fn block_at(&self, line: usize) -> Option<usize> {
        self.blocks.iter().position(|block| block.lines.start == line)
    }

    /// The blocks that follow a block.
    fn following(&self, block: usize) -> Vec<usize> {
        let Some(last) = self.blocks[block].lines.clone().next_back() else { return Vec::new() };
        let lines = self.lines[last].successors.iter();
        lines.filter_map(|(_, line)| self.block_at(*line)).collect()
    }

    /// Marks the blocks that jumps go back to, so that every cycle has one, with the longest ways from them.
    fn find_headers(&mut self) {
        let following: Vec<Vec<usize>> = (0..self.blocks.len()).map(|block| self.following(block)).collect();
        let mut is_header = vec![false; self.blocks.len()];
        is_header[0] = true;
        let mut state = vec![Visit::Not; self.blocks.len()];
        let mut finished = Vec::new();
        let mut open = vec![(0, 0)];
        state[0] = Visit::Open;
        while let Some((block, next)) = open.pop() {
            let Some(&successor) = following[block].get(next) else {
                state[block] = Visit::Done;
                finished.push(block);
                continue;
            };
            open.push((block, next + 1));
            match state[successor] {
                Visit::Not => {
                    state[successor] = Visit::Open;
                    open.push((successor, 0));
                }
                Visit::Open => is_header[successor] = true,
                Visit::Done => {}
            }
        }
        // Whoever finishes first is furthest down, headers aside, where the way ends.
        let mut longest = vec![0; self.blocks.len()];
        for &block in &finished {
            let onward = following[block].iter().filter(|next| !is_header[**next]);
            let onward = onward.map(|next| longest[*next]).max().unwrap_or(0);
            longest[block] = self.blocks[block].lines.len() as i64 + onward;
        }
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.header = is_header[index].then_some(longest[index]);
        }
    }
}

/// Where a depth-first search is with a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Open,
    Done,
}

/// An instruction that a loop can hold.
pub fn is_inside(i: &Instruction) -> bool {
    match i.op.shape() {
        Shape::Branch(_) | Shape::Jump | Shape::JumpRegister => true,
        Shape::Pause | Shape::Float(_) => false,
        Shape::Load(Load { file, .. }) | Shape::Store(Store { file, .. }) => file == RegisterFile::Integer,
        shape => !shape.ends_block(),
    }
}

/// The places of the component in which most of the trace was spent. If it is too large, ways that were taken less often are
/// left out until it is not.
fn component(trace: &Trace) -> Option<Vec<u32>> {
    let total: u64 = trace.places.iter().map(|place| place.count as u64).sum();
    let inside = |place: u32| is_inside(&trace.places[place as usize].step.slot.instruction);
    let mut least = 1;
    loop {
        let mut graph = DiGraphMap::<u32, ()>::new();
        for (&(from, to), &count) in &trace.ways {
            if count >= least && inside(from) && inside(to) {
                graph.add_edge(from, to, ());
            }
        }
        let weight = |members: &Vec<u32>| -> u64 {
            members.iter().map(|&place| trace.places[place as usize].count as u64).sum()
        };
        let cyclic = |members: &Vec<u32>| members.len() > 1 || graph.contains_edge(members[0], members[0]);
        let mut members = tarjan_scc(&graph).into_iter().filter(cyclic).max_by_key(weight)?;
        if members.len() > LINES {
            least *= 2;
            continue;
        }
        members.sort_unstable();
        let entries: u64 = trace
            .ways
            .iter()
            .filter(|((from, to), _)| {
                members.binary_search(from).is_err() && members.binary_search(to).is_ok()
            })
            .map(|(_, count)| *count as u64)
            .sum();
        let weight = weight(&members);
        let worth = weight * SHARE >= total && weight >= (entries + 1) * STAY;
        return worth.then_some(members);
    }
}

/// Where the loop is entered: the place that is most often jumped back to, outside of calls if there is one.
fn entry(trace: &Trace, members: &[u32]) -> Option<u32> {
    let is_member = |place: &u32| members.binary_search(place).is_ok();
    trace
        .ways
        .iter()
        .filter(|((from, to), _)| is_member(from) && is_member(to))
        .filter(|((from, to), _)| {
            let (from, to) = (&trace.places[*from as usize], &trace.places[*to as usize]);
            to.context == OUTERMOST && to.step.across.is_none() && from.step.pc >= to.step.pc
        })
        .max_by_key(|((_, to), count)| (**count, std::cmp::Reverse(trace.places[*to as usize].step.pc)))
        .map(|((_, to), _)| *to)
}

/// The ways inside of the loop.
struct Graph {
    successors: FxHashMap<u32, Vec<u32>>,
    predecessors: FxHashMap<u32, usize>,
}

impl Graph {
    fn new(trace: &Trace, members: &[u32]) -> Graph {
        let mut graph = Graph { successors: FxHashMap::default(), predecessors: FxHashMap::default() };
        let is_member = |place: &u32| members.binary_search(place).is_ok();
        let mut ways: Vec<_> =
            trace.ways.iter().filter(|((from, to), _)| is_member(from) && is_member(to)).collect();
        // The most frequent first: what an indirect jump compares with first.
        ways.sort_unstable_by_key(|((from, to), count)| (std::cmp::Reverse(**count), *from, *to));
        for ((from, to), _) in ways {
            graph.successors.entry(*from).or_default().push(*to);
            *graph.predecessors.entry(*to).or_default() += 1;
        }
        graph
    }

    fn after(&self, place: u32) -> &[u32] {
        self.successors.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Whether a block can go on from a place to its only successor.
    fn continues(&self, from: u32, entry: u32) -> Option<u32> {
        let [to] = self.after(from) else { return None };
        (self.predecessors.get(to) == Some(&1) && *to != entry).then_some(*to)
    }

    /// All lines in blocks, the entry's first.
    fn blocks(&self, trace: &Trace, entry: u32) -> (Vec<PlanLine>, Vec<PlanBlock>) {
        let mut order = Vec::new();
        let mut blocks = Vec::new();
        let mut numbers: FxHashMap<u32, usize> = FxHashMap::default();
        let mut open = vec![entry];
        while let Some(start) = open.pop() {
            if numbers.contains_key(&start) {
                continue;
            }
            let first = order.len();
            let mut at = start;
            loop {
                numbers.insert(at, order.len());
                order.push(at);
                match self.continues(at, entry) {
                    Some(next) => at = next,
                    None => break,
                }
            }
            blocks.push(PlanBlock { lines: first..order.len(), header: None });
            // The most frequent way comes next.
            open.extend(self.after(at).iter().rev());
        }
        let line = |place: &u32| {
            let Place { step, count, .. } = &trace.places[*place as usize];
            let target = |to: &u32| (trace.places[*to as usize].step.pc, numbers[to]);
            let successors = self.after(*place).iter().map(target).collect();
            PlanLine { pc: step.pc, slot: step.slot, count: *count, successors }
        };
        (order.iter().map(line).collect(), blocks)
    }
}
