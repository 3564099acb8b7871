//! Nested loops with random bodies: for engines that treat hot loops specially. They end by themselves, and start again.

use crate::code::{Code, Label};
use crate::instruction::{self, Reserved, Role, rows};
use crate::{Random, touches, values};
use visa_isa::operand::Kind;
use visa_isa::table::Row;
use visa_isa::{Group, Instruction, Op, msr};

/// Loops inside loops, at most.
const DEPTH: u32 = 3;
/// Steps of a body, at most.
const STEPS: u64 = 9;
/// The rounding mode that FRM says.
const DYNAMIC: Option<u8> = Some(7);
/// Rounds of a loop, at most.
const ROUNDS: u64 = 40;

/// Makes one program.
struct Maker<'a> {
    random: &'a mut Random,
    code: Code,
    compute: Vec<&'static Row>,
    memory: Vec<&'static Row>,
    /// Those of `compute` that are on floating point.
    float: Vec<&'static Row>,
    /// Registers that bodies leave alone: counters, and the address of the scratch memory.
    kept: Vec<u8>,
    scratch: u8,
    /// A function that bodies may call, and the register with the address to return to.
    function: Label,
    link: u8,
}

/// A program at an address. It uses the memory within reach of an instruction's offset from `scratch`.
pub fn program(random: &mut Random, address: u64, scratch: u64) -> Vec<u8> {
    // Engines may treat loops with and without floating point differently.
    let all = [Group::Base, Group::Muldiv, Group::Bitmanip, Group::Float];
    let groups = if random.once_in(2) { &all[..] } else { &all[..3] };
    let mut code = Code::at(address);
    let function = code.label();
    let mut kept: Vec<u8> = Vec::new();
    while kept.len() < DEPTH as usize + 2 {
        let register = random.between(1, 31) as u8;
        if !kept.contains(&register) {
            kept.push(register);
        }
    }
    let (scratch_register, link) = (kept[0], kept[1]);
    let compute = rows(groups, |role| role == Role::Compute);
    let mut maker = Maker {
        random,
        code,
        float: compute.iter().copied().filter(|row| row.group == Group::Float).collect(),
        compute,
        memory: rows(groups, |role| role == Role::Memory),
        kept,
        scratch: scratch_register,
        function,
        link,
    };
    maker.start(scratch);
    for _ in 0..3 {
        maker.repeat(0);
    }
    maker.code.jump_to(address);
    maker.code.place(function);
    maker.steps(DEPTH);
    maker.code.immediate(Op::Jalr, 0, link, 0);
    maker.code.bytes()
}

impl Maker<'_> {
    fn start(&mut self, scratch: u64) {
        for register in 1..32 {
            if !self.kept.contains(&register) {
                let value = values::integer(self.random);
                self.code.constant(register, value);
            }
        }
        self.code.constant(self.scratch, scratch);
    }

    fn repeat(&mut self, depth: u32) {
        let counter = self.kept[2 + depth as usize];
        let rounds = 1 + self.random.below(ROUNDS >> depth);
        self.code.constant(counter, rounds);
        if self.random.once_in(4) {
            let words = self.some_registers();
            self.skip_words(words);
        }
        let head = self.code.placed();
        if self.random.once_in(2) {
            self.steps(depth + 1);
            self.code.immediate(Op::Addi, counter, counter, -1);
            self.code.branch(Op::Bne, counter, 0, head);
        } else {
            let end = self.code.label();
            self.code.branch(Op::Beq, counter, 0, end);
            self.code.immediate(Op::Addi, counter, counter, -1);
            self.steps(depth + 1);
            self.code.jump(head);
            self.code.place(end);
        }
    }

    /// A loop that computes nothing but floating point, with many registers or few.
    fn sums(&mut self, depth: u32) {
        const LONGEST: u64 = 40;
        let counter = self.kept[2 + depth as usize];
        let rounds = 1 + self.random.below(ROUNDS >> depth);
        self.code.constant(counter, rounds);
        let head = self.code.placed();
        for _ in 0..1 + self.random.below(LONGEST) {
            let row = self.random.pick(&self.float);
            self.one_of(row, DYNAMIC);
        }
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.code.branch(Op::Bne, counter, 0, head);
    }

    fn steps(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(STEPS) {
            match self.random.below(16) {
                0 if depth < DEPTH && !self.float.is_empty() && self.random.once_in(2) => self.sums(depth),
                0 | 1 if depth < DEPTH => self.repeat(depth),
                2 | 3 => self.skip(),
                4 if depth < DEPTH => self.call(),
                5 | 6 => self.access(None),
                7 => self.fields(),
                8 if self.random.once_in(3) => self.extended(),
                8 if self.random.once_in(2) => self.state(),
                8 => {
                    let register = self.free_register();
                    self.code.read_msr(register, msr::INSTRET);
                }
                9 if self.random.once_in(2) => self.words(),
                9 if self.random.once_in(3) => self.zero_extended(),
                _ => {
                    let row = self.random.pick(&self.compute);
                    self.one(row);
                }
            }
        }
    }

    /// What kernels do with their MSRs, if that leaves alone what must be.
    fn state(&mut self) {
        if !self.kept.iter().any(|kept| touches::STATE_WRITES.contains(kept)) {
            touches::state(self.random, &mut self.code);
        }
    }

    /// A register that bodies may write.
    fn free_register(&mut self) -> u8 {
        loop {
            let register = self.random.between(0, 31) as u8;
            if !self.kept.contains(&register) {
                return register;
            }
        }
    }

    fn one(&mut self, row: &Row) {
        self.one_of(row, None);
    }

    /// An instruction of a row, with a rounding mode if it has one.
    fn one_of(&mut self, row: &Row, rounding: Option<u8>) {
        let operands = row.format.operands();
        let rounds = operands.iter().any(|operand| operand.kind() == Kind::Rounding);
        loop {
            let mut i = instruction::of_row(row, self.random, Reserved::NONE);
            if let Some(rounding) = rounding.filter(|_| rounds) {
                i.rm = rounding;
            }
            let spoils = |&register: &u8| instruction::writes_reserved(&i, Reserved(register));
            if !self.kept.iter().any(spoils) {
                return self.code.push(i);
            }
        }
    }

    /// An access, of a row if one is given, then near to the scratch memory's address.
    fn access(&mut self, near: Option<&'static Row>) {
        /// How far fields are from the scratch memory's address, at most.
        const NEAR: u64 = 150;
        let row = near.unwrap_or_else(|| self.random.pick(&self.memory));
        loop {
            let mut i = instruction::of_row(row, self.random, Reserved::NONE);
            i.rs1 = self.scratch;
            if near.is_some() {
                i.imm = self.random.below(NEAR) as i32;
            }
            let spoils = |&register: &u8| instruction::writes_reserved(&i, Reserved(register));
            if !self.kept.iter().any(spoils) {
                return self.code.push(i);
            }
        }
    }

    /// Accesses of a kind to places that are near to each other, with computations in between, and branches that leave them out.
    fn fields(&mut self) {
        let behind = self.random.once_in(3).then(|| self.code.label());
        let loads = self.random.once_in(2);
        let rows: Vec<_> =
            self.memory.iter().copied().filter(|row| instruction::loads_integer(row.op) == loads).collect();
        for _ in 0..2 + self.random.below(4) {
            let row = self.random.pick(&rows);
            self.access(Some(row));
            if self.random.once_in(3) {
                let row = self.random.pick(&self.compute);
                self.one(row);
            }
            if let Some(behind) = behind.filter(|_| self.random.once_in(3)) {
                self.branch(behind);
            }
        }
        if let Some(behind) = behind {
            self.code.place(behind);
        }
    }

    /// Zero extension, and likewise shifts that are none.
    fn zero_extended(&mut self) {
        let (to, from) = (self.free_register(), self.random.below(32) as u8);
        let (left, right) = instruction::zero_extension(self.random);
        self.code.immediate(Op::Slli, to, from, left);
        self.code.immediate(Op::Srli, to, to, right);
    }

    /// What a load or a computation gives, sign-extended from 32 bits, as compilers write it.
    fn extended(&mut self) {
        const LOADS: [Op; 7] = [Op::Lb, Op::Lbu, Op::Lh, Op::Lhu, Op::Lw, Op::Lwu, Op::Ld];
        const COMPUTATIONS: [Op; 6] = [Op::Add, Op::Addw, Op::Sub, Op::Subw, Op::Mul, Op::Xor];
        let register = self.free_register();
        if self.random.once_in(2) {
            let op = self.random.pick(&LOADS);
            self.code.immediate(op, register, self.scratch, self.random.below(128) as i32);
        } else {
            let op = self.random.pick(&COMPUTATIONS);
            let (rs1, rs2) = (self.random.below(32) as u8, self.random.below(32) as u8);
            self.code.push(Instruction { rd: register, rs1, rs2, ..Instruction::new(op) });
        }
        if self.random.once_in(2) {
            let row = self.random.pick(&self.compute);
            self.one(row);
        }
        let to = if self.random.once_in(2) { register } else { self.free_register() };
        self.code.immediate(Op::Addiw, to, register, 0);
    }

    /// Computations of 32 bits, each of which mostly feeds the others, as compilers make of C's int.
    fn words(&mut self) {
        const LONGEST: u64 = 6;
        let registers = self.some_registers();
        for _ in 0..1 + self.random.below(LONGEST) {
            match self.random.below(8) {
                0 => self.skip_words(registers),
                1 => self.access(None),
                _ => {
                    let to = self.random.pick(&registers);
                    self.word(to, registers);
                }
            }
        }
    }

    /// Registers for a piece of code to compute with.
    fn some_registers(&mut self) -> [u8; 3] {
        std::array::from_fn(|_| self.free_register())
    }

    /// A computation of 32 bits, or one that gives such of such, or a use of all 64.
    fn word(&mut self, to: u8, of: [u8; 3]) {
        const PAIRS: [Op; 10] =
            [Op::Addw, Op::Addw, Op::Subw, Op::Mulw, Op::Sllw, Op::Srlw, Op::Xor, Op::And, Op::Sltu, Op::Add];
        const WITH_CONSTANT: [Op; 6] = [Op::Addiw, Op::Slliw, Op::Srliw, Op::Sraiw, Op::Andi, Op::Addi];
        const SHIFT: u64 = 32;
        let (rs1, rs2) = (self.random.pick(&of), self.random.pick(&of));
        if self.random.once_in(2) {
            let op = self.random.pick(&PAIRS);
            self.code.push(Instruction { rd: to, rs1, rs2, ..Instruction::new(op) });
        } else {
            let op = self.random.pick(&WITH_CONSTANT);
            self.code.immediate(op, to, rs1, self.random.below(SHIFT) as i32);
        }
    }

    /// A branch that compares words, over computations of another.
    fn skip_words(&mut self, registers: [u8; 3]) {
        const BRANCHES: [Op; 4] = [Op::Beq, Op::Bne, Op::Blt, Op::Bltu];
        let over = self.code.label();
        let op = self.random.pick(&BRANCHES);
        let (a, b) = (self.random.pick(&registers), self.random.pick(&registers));
        let to = self.random.pick(&registers);
        if self.random.once_in(2) {
            self.word(to, registers);
        }
        self.code.branch(op, a, b, over);
        for _ in 0..1 + self.random.below(3) {
            self.word(to, registers);
        }
        self.code.place(over);
    }

    /// A branch over a few instructions.
    fn skip(&mut self) {
        let over = self.code.label();
        self.branch(over);
        for _ in 0..1 + self.random.below(3) {
            let row = self.random.pick(&self.compute);
            self.one(row);
        }
        self.code.place(over);
    }

    /// Any branch.
    fn branch(&mut self, to: Label) {
        const BRANCHES: [Op; 6] = [Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu];
        let op = self.random.pick(&BRANCHES);
        let (a, b) = (self.random.below(32) as u8, self.random.below(32) as u8);
        self.code.branch(op, a, b, to);
    }

    fn call(&mut self) {
        let (link, function) = (self.link, self.function);
        self.code.call(link, function);
    }
}
