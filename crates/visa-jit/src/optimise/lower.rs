//! From a plan to Cranelift's intermediate representation: control flow, registers, and the ways out.
//!
//! The guest's registers are variables, loaded when the loop is entered, stored where it is left. Every way out goes
//! by one block, with the number of a [`Departure`] that says how execution goes on. The budget is a variable too: a block
//! takes its instructions out of it when it is entered, and a way out of its middle gives back what was not executed. It is
//! compared where jumps go back to, with the longest way from there.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegionData, InstBuilder, MemFlagsData, SigRef, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, Variable};
use visa_core::layout;
use visa_isa::shape::Condition;
use visa_isa::{Instruction, Shape};

use super::access::{Found, Kind};
use super::data::{RegionData, Site};
use super::plan::{Line, Plan};
use crate::coverage::{self, Point, Tier};
use crate::registers::offset;

/// Registers of the guest that are variables, at most.
const VARIABLES: usize = 12;
/// Of all uses of registers, those of variables must be at least all but one in so many.
const OTHERS: u64 = 50;

/// How execution goes on where the loop is left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Departure {
    /// With an instruction that the loop has not executed, by units.
    Again(u64),
    /// At an address that the code says.
    To {
        /// The instruction that jumps.
        from: u64,
        /// Where it goes.
        target: u64,
    },
    /// At the hart's PC.
    Indirect,
    /// At an address, with a budget that does not suffice to go on here.
    Short(u64),
}

/// Addresses that the code has built in.
#[derive(Clone, Copy)]
pub struct Addresses {
    /// RAM on the host.
    pub ram: u64,
    /// What calls `data::find`.
    pub find: usize,
    /// What calls `data::forget`.
    pub forget: usize,
}

/// Makes the function of one plan.
pub struct Lowering<'a, 'b> {
    pub(super) builder: &'a mut FunctionBuilder<'b>,
    pub(super) plan: &'a Plan,
    pub(super) data: &'a mut RegionData,
    pub(super) addresses: Addresses,
    /// Lines whose accesses go by the TLB's first level alone.
    pub(super) plain: &'a [usize],
    /// The ways out, by number.
    pub departures: Vec<Departure>,
    variables: [Option<Variable>; 32],
    /// Registers that some line writes.
    written: u32,
    budget: Variable,
    departure: Variable,
    blocks: Vec<ir::Block>,
    leave: ir::Block,
    pub(super) hart: Value,
    pub(super) environment: Value,
    pub(super) stub: SigRef,
    /// What was looked up in this block: (kind, base register).
    pub(super) found: Vec<((Kind, u8), Found)>,
    /// The hart's own memory, the guest's, and that of guesses.
    pub(super) own: MemFlagsData,
    pub(super) guest: MemFlagsData,
    pub(super) guesses: MemFlagsData,
}

/// The signature of a region: hart, environment, budget; the departure's number, and the budget that is left.
pub fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = vec![AbiParam::new(types::I64); 3];
    signature.returns = vec![AbiParam::new(types::I64); 2];
    signature
}

/// The signature of the stubs, which keep all registers.
fn stub_signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params = vec![AbiParam::new(types::I64); 6];
    signature
}

impl<'a, 'b> Lowering<'a, 'b> {
    /// Starts in an empty function.
    pub fn new(
        builder: &'a mut FunctionBuilder<'b>,
        plan: &'a Plan,
        data: &'a mut RegionData,
        addresses: Addresses,
        plain: &'a [usize],
    ) -> Lowering<'a, 'b> {
        let mut flags = |user_id, description: &'static str| {
            let region = AliasRegionData { user_id, description: description.into() };
            let region = builder.func.dfg.alias_regions.insert(region);
            MemFlagsData::new().with_notrap().with_alias_region(Some(region))
        };
        let (own, guest, guesses) = (flags(0, "hart"), flags(1, "guest"), flags(2, "guesses"));
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let parameters = builder.block_params(entry).to_vec();
        let stub = builder.import_signature(stub_signature());
        let (budget, departure) = (builder.declare_var(types::I64), builder.declare_var(types::I64));
        builder.def_var(budget, parameters[2]);
        let blocks = plan.blocks.iter().map(|_| builder.create_block()).collect();
        let leave = builder.create_block();
        builder.set_cold_block(leave);
        Lowering {
            plan,
            data,
            addresses,
            plain,
            departures: vec![Departure::Indirect],
            variables: [None; 32],
            written: 0,
            budget,
            departure,
            blocks,
            leave,
            hart: parameters[0],
            environment: parameters[1],
            stub,
            found: Vec::new(),
            own,
            guest,
            guesses,
            builder,
        }
    }

    /// Makes the whole function.
    pub fn function(&mut self) {
        self.load_registers();
        self.check_guesses();
        self.builder.ins().jump(self.blocks[0], &[]);
        for index in 0..self.plan.blocks.len() {
            self.block(index);
        }
        self.leave();
        self.builder.seal_all_blocks();
    }

    /// The registers that are used most become variables, as many as the host has registers for. The others stay in the hart:
    /// if they were variables too, ways out would keep more values alive than fit.
    fn load_registers(&mut self) {
        for line in &self.plan.lines {
            self.written |= registers(&line.slot.instruction).1;
        }
        for (register, _) in by_use(&self.plan.lines).into_iter().take(VARIABLES) {
            let variable = self.builder.declare_var(types::I64);
            let value = self.builder.ins().load(types::I64, self.own, self.hart, offset(register));
            self.builder.def_var(variable, value);
            self.variables[register as usize] = Some(variable);
        }
    }

    /// Guesses of another generation are forgotten.
    fn check_guesses(&mut self) {
        let (forget, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(forget);
        let region = self.constant(&raw const *self.data as u64);
        let known = std::mem::offset_of!(RegionData, generation) as i32;
        let known = self.builder.ins().load(types::I64, self.guesses, region, known);
        let current = self.builder.ins().load(types::I64, self.own, self.hart, layout::GENERATION as i32);
        let differ = self.builder.ins().icmp(IntCC::NotEqual, current, known);
        self.builder.ins().brif(differ, forget, &[], go_on, &[]);
        self.builder.switch_to_block(forget);
        self.reach(Point::GuessesForgotten);
        let stub = self.constant(self.addresses.forget as u64);
        self.call(stub, region, 0, region);
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Calls a stub.
    pub(super) fn call(&mut self, stub: Value, region: Value, site: usize, address: Value) {
        let site = self.constant(site as u64);
        let budget = self.builder.use_var(self.budget);
        let arguments = [region, site, address, self.hart, self.environment, budget];
        self.builder.ins().call_indirect(self.stub, stub, &arguments);
    }

    fn block(&mut self, index: usize) {
        let block = &self.plan.blocks[index];
        self.builder.switch_to_block(self.blocks[index]);
        self.found.clear();
        if let Some(longest) = block.header {
            let pc = self.plan.lines[block.lines.start].pc;
            let (short, enough) = (self.builder.create_block(), self.builder.create_block());
            let budget = self.builder.use_var(self.budget);
            let lacks = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, budget, longest);
            self.builder.ins().brif(lacks, short, &[], enough, &[]);
            self.depart(short, Departure::Short(pc), 0);
            self.builder.switch_to_block(enough);
        }
        self.change_budget(-(block.lines.len() as i64));
        for line in block.lines.clone() {
            self.line(line, block.lines.end);
        }
    }

    fn change_budget(&mut self, by: i64) {
        if by != 0 {
            let budget = self.builder.use_var(self.budget);
            let budget = self.builder.ins().iadd_imm_s(budget, by);
            self.builder.def_var(self.budget, budget);
        }
    }

    /// Fills a block with a way out, `left` instructions of whose block were not executed.
    pub(super) fn depart(&mut self, block: ir::Block, departure: Departure, left: i64) {
        self.builder.set_cold_block(block);
        self.builder.switch_to_block(block);
        self.change_budget(left);
        let number = self.departures.iter().position(|known| *known == departure).unwrap_or_else(|| {
            self.departures.push(departure);
            self.departures.len() - 1
        });
        let number = self.constant(number as u64);
        self.builder.def_var(self.departure, number);
        self.builder.ins().jump(self.leave, &[]);
    }

    /// The one block that all ways out go by.
    fn leave(&mut self) {
        self.builder.switch_to_block(self.leave);
        for register in 1..32u8 {
            if self.written >> register & 1 != 0
                && let Some(variable) = self.variables[register as usize]
            {
                let value = self.builder.use_var(variable);
                self.builder.ins().store(self.own, value, self.hart, offset(register));
            }
        }
        let results = [self.departure, self.budget].map(|variable| self.builder.use_var(variable));
        self.builder.ins().return_(&results);
    }

    /// An instruction of the block that ends before line `end`.
    fn line(&mut self, number: usize, end: usize) {
        let plan = self.plan;
        let line = &plan.lines[number];
        let i = &line.slot.instruction;
        if coverage::ON {
            self.set_byte(coverage::operation(Tier::Optimised, i, false));
        }
        match i.op.shape() {
            Shape::Branch(condition) => self.branch(number, end, condition),
            Shape::Jump => {
                self.set_constant(i.rd, line.next());
                self.go_on(number, end, line.pc.wrapping_add(i.imm as i64 as u64));
            }
            Shape::JumpRegister => self.indirect(number, end),
            _ => {
                if !self.compute(line) && !self.access(number, end) {
                    // A plan holds nothing else; were it otherwise, somebody else would execute it.
                    let block = self.builder.create_block();
                    self.builder.ins().jump(block, &[]);
                    self.depart(block, Departure::Again(line.pc), (end - number) as i64);
                    let unreachable = self.builder.create_block();
                    self.builder.switch_to_block(unreachable);
                }
                if number + 1 == end {
                    self.go_on(number, end, line.next());
                }
            }
        }
    }

    /// After the line: at an address, which is that of the block's next line, or of another block, or outside.
    fn go_on(&mut self, number: usize, end: usize, target: u64) {
        if number + 1 < end {
            return;
        }
        let block = self.destination(number, end, target);
        self.builder.ins().jump(block, &[]);
        self.fill_departure(block, number, end, target);
    }

    /// The block for a way from a line to an address: one of the plan's, or a new one.
    fn destination(&mut self, number: usize, end: usize, target: u64) -> ir::Block {
        let inside = self.inside(number, target);
        match inside.and_then(|line| self.plan.block_at(line)) {
            Some(block) if number + 1 == end => self.blocks[block],
            _ => self.builder.create_block(),
        }
    }

    /// Fills what `destination` has made, if it was a new block, with the way out.
    fn fill_departure(&mut self, block: ir::Block, number: usize, end: usize, target: u64) {
        if !self.blocks.contains(&block) {
            let from = self.plan.lines[number].pc;
            self.depart(block, Departure::To { from, target }, (end - number) as i64 - 1);
        }
    }

    /// The line at an address to which execution has gone on from a line.
    fn inside(&self, number: usize, target: u64) -> Option<usize> {
        self.plan.lines[number].successors.iter().find(|(pc, _)| *pc == target).map(|(_, line)| *line)
    }

    fn branch(&mut self, number: usize, end: usize, condition: Condition) {
        let line = &self.plan.lines[number];
        let i = line.slot.instruction;
        let (a, b) = (self.get(i.rs1), self.get(i.rs2));
        let condition = match condition {
            Condition::Equal => IntCC::Equal,
            Condition::NotEqual => IntCC::NotEqual,
            Condition::Less => IntCC::SignedLessThan,
            Condition::GreaterOrEqual => IntCC::SignedGreaterThanOrEqual,
            Condition::LessUnsigned => IntCC::UnsignedLessThan,
            Condition::GreaterOrEqualUnsigned => IntCC::UnsignedGreaterThanOrEqual,
        };
        let (taken, next) = (line.pc.wrapping_add(i.imm as i64 as u64), line.next());
        if taken == next {
            return self.go_on(number, end, next);
        }
        let holds = self.builder.ins().icmp(condition, a, b);
        // In the middle of a block one of the two ways goes on with the next line.
        let stays = (number + 1 < end).then(|| self.plan.lines[number + 1].pc);
        let go_on = self.builder.create_block();
        let ways = [taken, next]
            .map(|target| if stays == Some(target) { go_on } else { self.destination(number, end, target) });
        self.builder.ins().brif(holds, ways[0], &[], ways[1], &[]);
        for (block, target) in ways.into_iter().zip([taken, next]) {
            if block != go_on {
                self.fill_departure(block, number, end, target);
            }
        }
        if stays.is_some() {
            self.builder.switch_to_block(go_on);
        }
    }

    /// JALR: compares with where execution has gone on so far.
    fn indirect(&mut self, number: usize, end: usize) {
        let plan = self.plan;
        let line = &plan.lines[number];
        let i = &line.slot.instruction;
        let base = self.get(i.rs1);
        let target = self.builder.ins().iadd_imm_s(base, i.imm as i64);
        let target = self.builder.ins().band_imm_s(target, -2);
        self.set_constant(i.rd, line.next());
        for (pc, inside) in &line.successors {
            let wanted = self.constant(*pc);
            let same = self.builder.ins().icmp(IntCC::Equal, target, wanted);
            let other = self.builder.create_block();
            if number + 1 < end {
                let go_on = self.builder.create_block();
                self.builder.ins().brif(same, go_on, &[], other, &[]);
                self.unknown(other, target, (end - number) as i64 - 1);
                self.builder.switch_to_block(go_on);
                return self.reach(Point::ReturnExpected);
            }
            let Some(block) = plan.block_at(*inside) else { continue };
            self.builder.ins().brif(same, self.blocks[block], &[], other, &[]);
            self.builder.switch_to_block(other);
        }
        let other = self.builder.create_block();
        self.builder.ins().jump(other, &[]);
        self.unknown(other, target, (end - number) as i64 - 1);
    }

    /// A block that leaves for an address in a register.
    fn unknown(&mut self, block: ir::Block, target: Value, left: i64) {
        self.builder.switch_to_block(block);
        self.builder.ins().store(self.own, target, self.hart, layout::PC as i32);
        let leave = self.builder.create_block();
        self.builder.set_cold_block(block);
        self.builder.ins().jump(leave, &[]);
        self.depart(leave, Departure::Indirect, left);
    }

    /// Notes that what follows is executed, if anybody wants to know.
    pub(super) fn reach(&mut self, point: Point) {
        if coverage::ON {
            self.set_byte(coverage::point(Tier::Optimised, point));
        }
    }

    fn set_byte(&mut self, byte: u64) {
        let (byte, one) = (self.constant(byte), self.builder.ins().iconst(types::I8, 1));
        self.builder.ins().store(self.own, one, byte, 0);
    }

    /// The value of a register.
    pub(super) fn get(&mut self, register: u8) -> Value {
        match self.variables[register as usize & 31] {
            Some(variable) => self.builder.use_var(variable),
            None if register == 0 => self.constant(0),
            None => self.builder.ins().load(types::I64, self.own, self.hart, offset(register)),
        }
    }

    /// A register has a new value.
    pub(super) fn set(&mut self, register: u8, value: Value) {
        match self.variables[register as usize & 31] {
            Some(variable) => self.builder.def_var(variable, value),
            None if register == 0 => return,
            None => {
                self.builder.ins().store(self.own, value, self.hart, offset(register));
            }
        }
        self.found.retain(|((_, base), _)| *base != register);
    }

    fn set_constant(&mut self, register: u8, value: u64) {
        if register != 0 {
            let value = self.constant(value);
            self.set(register, value);
        }
    }

    /// A constant of 64 bits.
    pub(super) fn constant(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    /// The low bits of a value as a narrower type.
    pub(super) fn narrow(&mut self, to: Type, value: Value) -> Value {
        self.builder.ins().ireduce(to, value)
    }

    /// Adds a site, and gives its number.
    pub(super) fn site(&mut self, site: Site) -> usize {
        self.data.sites.push(site);
        self.data.sites.len() - 1
    }

    /// Registers that a line writes; for what is looked up ahead.
    pub(super) fn writes(line: &Line, register: u8) -> bool {
        registers(&line.slot.instruction).1 >> register & 1 != 0
    }
}

/// The registers that lines use, with how often they did in the trace, the most used first.
fn by_use(lines: &[Line]) -> Vec<(u8, u64)> {
    let mut uses: Vec<(u8, u64)> = (0..32).map(|register| (register, 0)).collect();
    for line in lines {
        let (read, written) = registers(&line.slot.instruction);
        for (register, times) in &mut uses {
            let here = (read >> *register & 1) + (written >> *register & 1);
            *times += here as u64 * line.count as u64;
        }
    }
    uses.retain(|(register, times)| *register != 0 && *times != 0);
    uses.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    uses
}

/// Whether the host has registers enough for what lines use. Where it has not, the templates, which take the guest's registers
/// from memory, make better code.
pub fn fits(lines: &[Line]) -> bool {
    let uses = by_use(lines);
    let total: u64 = uses.iter().map(|(_, times)| times).sum();
    let others: u64 = uses.iter().skip(VARIABLES).map(|(_, times)| times).sum();
    others * OTHERS <= total
}

/// Bits for the integer registers that an instruction reads, and those that it writes. Plans hold no others.
fn registers(i: &Instruction) -> (u32, u32) {
    (i.reads().integer, i.writes().integer)
}
