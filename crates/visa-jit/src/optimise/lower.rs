//! From a plan to Cranelift's intermediate representation: control flow, registers, and the ways out.
//!
//! The guest's registers are variables, loaded when the loop is entered, stored where it is left. Every way out goes
//! by one block, with the number of a [`SideExit`] that says how execution goes on. The budget is a variable too: a block
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
use super::data::{AccessRecord, RegionData};
use super::plan::{Plan, PlanLine};
use crate::coverage::{self, Point, Tier};
use crate::registers::offset;

/// Registers of the guest that are variables, at most.
const VARIABLES: usize = 12;
/// Of all uses of registers, those of variables must be at least all but one in so many.
const OTHERS: u64 = 50;

/// How execution goes on where the loop is left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SideExit {
    /// With an instruction that the loop has not executed, by blocks.
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
    pub side_exits: Vec<SideExit>,
    variables: [Option<Variable>; 32],
    /// Registers that some line writes.
    written: u32,
    budget: Variable,
    side_exit: Variable,
    blocks: Vec<ir::Block>,
    leave: ir::Block,
    pub(super) hart: Value,
    pub(super) environment: Value,
    pub(super) stub: SigRef,
    /// What was looked up in this block: (kind, base register).
    pub(super) found: Vec<((Kind, u8), Found)>,
    /// The hart's own memory, the guest's, and that of predictions.
    pub(super) own: MemFlagsData,
    pub(super) guest: MemFlagsData,
    pub(super) predictions: MemFlagsData,
}

/// The signature of a region: hart, environment, budget; the side exit's number, and the budget that is left.
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
        let (own, guest, predictions) = (flags(0, "hart"), flags(1, "guest"), flags(2, "predictions"));
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let parameters = builder.block_params(entry).to_vec();
        let stub = builder.import_signature(stub_signature());
        let (budget, side_exit) = (builder.declare_var(types::I64), builder.declare_var(types::I64));
        builder.def_var(budget, parameters[2]);
        let blocks = plan.blocks.iter().map(|_| builder.create_block()).collect();
        let leave = builder.create_block();
        builder.set_cold_block(leave);
        Lowering {
            plan,
            data,
            addresses,
            plain,
            side_exits: vec![SideExit::Indirect],
            variables: [None; 32],
            written: 0,
            budget,
            side_exit,
            blocks,
            leave,
            hart: parameters[0],
            environment: parameters[1],
            stub,
            found: Vec::new(),
            own,
            guest,
            predictions,
            builder,
        }
    }

    /// Makes the whole function.
    pub fn function(&mut self) {
        self.load_registers();
        self.check_predictions();
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

    /// Predictions of another generation are forgotten.
    fn check_predictions(&mut self) {
        let (forget, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(forget);
        let region = self.constant(&raw const *self.data as u64);
        let known = std::mem::offset_of!(RegionData, generation) as i32;
        let known = self.builder.ins().load(types::I64, self.predictions, region, known);
        let current = self.builder.ins().load(types::I64, self.own, self.hart, layout::GENERATION as i32);
        let differ = self.builder.ins().icmp(IntCC::NotEqual, current, known);
        self.builder.ins().brif(differ, forget, &[], go_on, &[]);
        self.builder.switch_to_block(forget);
        self.reach(Point::PredictionsForgotten);
        let stub = self.constant(self.addresses.forget as u64);
        self.call(stub, region, 0, region);
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Calls a stub.
    pub(super) fn call(&mut self, stub: Value, region: Value, record: usize, address: Value) {
        let record = self.constant(record as u64);
        let budget = self.builder.use_var(self.budget);
        let arguments = [region, record, address, self.hart, self.environment, budget];
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
            self.depart(short, SideExit::Short(pc), 0);
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
    pub(super) fn depart(&mut self, block: ir::Block, side_exit: SideExit, left: i64) {
        self.builder.set_cold_block(block);
        self.builder.switch_to_block(block);
        self.change_budget(left);
        let number = self.side_exits.iter().position(|known| *known == side_exit).unwrap_or_else(|| {
            self.side_exits.push(side_exit);
            self.side_exits.len() - 1
        });
        let number = self.constant(number as u64);
        self.builder.def_var(self.side_exit, number);
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
        let results = [self.side_exit, self.budget].map(|variable| self.builder.use_var(variable));
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
                    self.depart(block, SideExit::Again(line.pc), (end - number) as i64);
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
        self.fill_side_exit(block, number, end, target);
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
    fn fill_side_exit(&mut self, block: ir::Block, number: usize, end: usize, target: u64) {
        if !self.blocks.contains(&block) {
            let from = self.plan.lines[number].pc;
            self.depart(block, SideExit::To { from, target }, (end - number) as i64 - 1);
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
                self.fill_side_exit(block, number, end, target);
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
        self.depart(leave, SideExit::Indirect, left);
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

    /// Adds a record, and gives its number.
    pub(super) fn record(&mut self, record: AccessRecord) -> usize {
        self.data.records.push(record);
        self.data.records.len() - 1
    }

    /// Registers that a line writes; for what is looked up ahead.
    pub(super) fn writes(line: &PlanLine, register: u8) -> bool {
        registers(&line.slot.instruction).1 >> register & 1 != 0
    }
}

/// The registers that lines use, with how often they did in the trace, the most used first.
fn by_use(lines: &[PlanLine]) -> Vec<(u8, u64)> {
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
pub fn fits(lines: &[PlanLine]) -> bool {
    let uses = by_use(lines);
    let total: u64 = uses.iter().map(|(_, times)| times).sum();
    let others: u64 = uses.iter().skip(VARIABLES).map(|(_, times)| times).sum();
    others * OTHERS <= total
}

/// Bits for the integer registers that an instruction reads, and those that it writes. Plans hold no others.
fn registers(i: &Instruction) -> (u32, u32) {
    (i.reads().integer, i.writes().integer)
}
