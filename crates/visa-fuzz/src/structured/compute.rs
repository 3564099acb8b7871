//! Computations and accesses.

use super::{Maker, Scope};
use crate::instruction::{self, Reserved, Role};
use crate::structured::SCRATCH_SIZE;
use visa_isa::operand::{Kind, Target};
use visa_isa::table::Row;
use visa_isa::{Instruction, Op, msr};

/// The rounding mode that FRM says.
const DYNAMIC: u8 = 7;
/// Most bytes of an access.
const WIDEST: u64 = 8;

impl Maker<'_> {
    /// A computation: mostly one that is common, with results and operands of 64 bits or of 32.
    pub(super) fn compute(&mut self, scope: &Scope) {
        use Op::*;
        const PAIRS: [Op; 14] = [Add, Add, Sub, Xor, Or, And, Addw, Addw, Subw, Mul, Mulw, Sltu, Sll, Srlw];
        const CONSTANTS: [Op; 12] =
            [Addi, Addi, Addiw, Andi, Ori, Xori, Slli, Srli, Srai, Slliw, Sraiw, Sltiu];
        const SHIFT: u64 = 32;
        if self.random.below(8) < self.style.any {
            let row = self.random.pick(&self.any);
            return self.of_row(scope, row);
        }
        match self.random.below(7) {
            0..3 => {
                let op = self.random.pick(&PAIRS);
                let (rd, rs1, rs2) = (self.target(scope), self.source(scope), self.source(scope));
                self.code.registers(op, rd, rs1, rs2);
            }
            3..6 => {
                let op = self.random.pick(&CONSTANTS);
                let (rd, rs1) = (self.target(scope), self.source(scope));
                self.code.immediate(op, rd, rs1, self.random.below(SHIFT) as i32);
            }
            _ => {
                let (rd, rs1) = (self.target(scope), self.source(scope));
                // A move, a constant, or an extension.
                match self.random.below(5) {
                    0 => self.code.immediate(Addi, rd, 0, self.random.between(-2048, 2047) as i32),
                    1 => self.code.immediate(Addiw, rd, rs1, 0),
                    2 => {
                        let (left, right) = instruction::zero_extension(self.random);
                        self.code.immediate(Slli, rd, rs1, left);
                        self.code.immediate(Srli, rd, rd, right);
                    }
                    _ => self.code.immediate(Addi, rd, rs1, 0),
                }
            }
        }
    }

    /// An instruction of a row, with the scope's registers.
    fn of_row(&mut self, scope: &Scope, row: &'static Row) {
        let i = self.with_registers(scope, row);
        self.code.push(i);
    }

    pub(super) fn with_registers(&mut self, scope: &Scope, row: &'static Row) -> Instruction {
        let mut i = instruction::of_row(row, self.random, Reserved::NONE);
        for operand in row.format.operands() {
            match (operand.kind(), operand.target()) {
                (Kind::Integer, Target::Rd | Target::RdRs1) => {
                    let register = self.target(scope);
                    operand.set(&mut i, register.into());
                }
                (Kind::Integer, _) => {
                    let register = self.source(scope);
                    operand.set(&mut i, register.into());
                }
                (Kind::Rounding, _) if !self.random.once_in(8) => i.rm = DYNAMIC,
                _ => {}
            }
        }
        i
    }

    /// Some computations of floating point.
    pub(super) fn floats(&mut self, scope: &Scope) {
        const LONGEST: u64 = 8;
        for _ in 0..1 + self.random.below(LONGEST) {
            let row = self.random.pick(&self.float);
            self.of_row(scope, row);
        }
    }

    /// A load or a store near to the scratch memory's address, or where a register says.
    pub(super) fn access(&mut self, scope: &Scope) {
        if self.random.once_in(self.style.atomics) {
            return self.atomic(scope);
        }
        let row = self.random.pick(&self.memory);
        let mut i = self.with_registers(scope, row);
        i.rs1 = self.function.base;
        i.imm = self.offset();
        if self.random.once_in(3)
            && let Some(index) = self.index(scope)
        {
            i.rs1 = index;
            i.imm = 0;
            self.let_go(index);
        }
        self.code.push(i);
    }

    /// An offset in the scratch memory, mostly aligned.
    pub(super) fn offset(&mut self) -> i32 {
        let offset = self.random.below(SCRATCH_SIZE - WIDEST);
        (if self.random.once_in(8) { offset } else { offset & !7 }) as i32
    }

    /// A register with an aligned address in the scratch memory that follows from another register.
    fn index(&mut self, scope: &Scope) -> Option<u8> {
        let index = self.take(scope.writes)?;
        let of = self.source(scope);
        self.code.immediate(Op::Andi, index, of, (SCRATCH_SIZE - WIDEST) as i32);
        self.code.registers(Op::Add, index, index, self.function.base);
        Some(index)
    }

    /// An atomic operation; an SC has its LR before it.
    fn atomic(&mut self, scope: &Scope) {
        let Some(index) = self.index(scope) else { return };
        let row = self.random.pick(&self.atomic);
        let mut i = self.with_registers(scope, row);
        i.rs1 = index;
        let reserve = match row.op {
            Op::ScW => Some(Op::LrW),
            Op::ScD => Some(Op::LrD),
            _ => None,
        };
        if let Some(reserve) = reserve {
            let rd = self.target(scope);
            self.code.push(Instruction { rd, rs1: index, ..Instruction::new(reserve) });
        }
        debug_assert!(matches!(instruction::role(row.op), Role::Atomic(_)));
        self.code.push(i);
        self.let_go(index);
    }

    /// Loads or stores side by side, as of a structure's fields, with computations in between, and branches that leave them out.
    pub(super) fn fields(&mut self, scope: &Scope) {
        const LONGEST: u64 = 9;
        const BRANCHES: [Op; 4] = [Op::Beq, Op::Bne, Op::Blt, Op::Bgeu];
        let behind = (self.style.branches_among_fields && self.random.once_in(2)).then(|| self.code.label());
        let rows = self.fields_of();
        let start = self.offset() & !0xff;
        for _ in 0..2 + self.random.below(LONGEST) {
            let row = self.random.pick(&rows);
            let mut i = self.with_registers(scope, row);
            i.rs1 = self.function.base;
            i.imm = start + 8 * self.random.below(16) as i32;
            self.code.push(i);
            if self.random.once_in(4) {
                self.compute(scope);
            }
            if let Some(behind) = behind.filter(|_| self.random.once_in(4)) {
                let (op, a, b) = (self.random.pick(&BRANCHES), self.source(scope), self.source(scope));
                self.code.branch(op, a, b, behind);
            }
        }
        if let Some(behind) = behind {
            self.code.place(behind);
        }
    }

    /// What accesses fields: loads of integers, or all the others.
    pub(super) fn fields_of(&mut self) -> Vec<&'static Row> {
        let loads = self.random.once_in(2);
        self.memory.iter().copied().filter(|row| instruction::loads_integer(row.op) == loads).collect()
    }

    /// Reads what was set before the loops around, and puts it where it is seen.
    pub(super) fn use_one(&mut self, scope: &Scope) {
        let register = self.one_of(scope.reads & !scope.writes);
        match self.random.below(3) {
            0 => {
                let offset = self.offset();
                self.code.store(Op::Sd, register, self.function.base, offset);
            }
            1 => {
                let rd = self.target(scope);
                self.code.registers(Op::Add, rd, rd, register);
            }
            _ => {
                let rd = self.target(scope);
                self.code.immediate(Op::Addi, rd, register, 0);
            }
        }
    }

    /// A counter that says how many instructions have retired.
    pub(super) fn counter(&mut self, scope: &Scope) {
        let rd = self.target(scope);
        let number = self.random.pick(&[msr::INSTRET, msr::CYCLE, msr::FFLAGS, msr::FCSR]);
        self.code.read_msr(rd, number);
    }
}
