//! Loops as of programs that work on much data: nests in which each loop has registers of its own, walks through memory, and loops that
//! call small functions.

use super::control::ROUNDS;
use super::{Maker, Registers, SCRATCH_SIZE, Scope, USUAL};
use visa_isa::Op;

/// Loops side by side in a nest, at most.
const SIDE_BY_SIDE: u64 = 3;
/// Values that a nest reads and does not write, at most.
const INVARIANTS: u64 = 6;
/// Registers that a nest needs to be one.
const ENOUGH: u32 = 12;

impl Maker<'_> {
    /// Loops side by side in a loop, as of products of matrices or of passes over data. Bounds, bases and factors are computed before,
    /// and nothing in the nest writes them; a loop reads some of them and does not name the others.
    pub(super) fn nest(&mut self, scope: &Scope) {
        let free = self.function.usable & !self.busy;
        if free.count_ones() < ENOUGH {
            return self.repeat(scope);
        }
        let busy = self.busy;
        let count = 1 + self.random.below(INVARIANTS);
        let invariants: Vec<u8> = (0..count).filter_map(|_| self.invariant(scope, free)).collect();
        let Some(counter) = self.take(free) else { return };
        let rounds = 1 + self.random.below(4);
        self.code.constant(counter, rounds);
        let head = self.code.placed();
        let mut others = 0;
        for _ in 0..2 + self.random.below(SIDE_BY_SIDE - 1) {
            let named = self.random.below(1 << count);
            let named = invariants.iter().enumerate().filter(|(at, _)| named >> at & 1 != 0);
            let named: Registers = named.fold(0, |named, (_, register)| named | 1 << register);
            self.pass(scope, rounds, named, &mut others);
            if self.random.once_in(4) {
                self.use_one(&Scope { reads: named | scope.reads, ..*scope });
            }
        }
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.code.branch(Op::Bne, counter, 0, head);
        self.busy = busy;
        for register in invariants {
            if self.random.once_in(2) {
                let offset = self.offset();
                self.code.store(Op::Sd, register, self.function.base, offset);
            }
        }
    }

    /// A register with a value of its own that stays until it is let go.
    fn invariant(&mut self, scope: &Scope, of: Registers) -> Option<u8> {
        let usual = of & USUAL & !self.busy;
        let from = if usual != 0 && !self.random.once_in(4) { usual } else { of };
        let register = self.take(from)?;
        self.let_go(register);
        self.compute(&Scope { writes: 1 << register, reads: scope.reads | scope.writes, ..*scope });
        self.busy |= 1 << register;
        Some(register)
    }

    /// A loop of a nest: computes a few registers again and again, of themselves and of some that it does not write.
    fn pass(&mut self, scope: &Scope, rounds: u64, reads: Registers, others: &mut Registers) {
        let free = self.function.usable & !self.busy;
        let own = self.few_of(match free & !*others {
            0 => free,
            unnamed => unnamed,
        });
        *others |= own;
        let Some(counter) = self.take(free) else { return };
        let inner = Scope {
            writes: own & !(1 << counter),
            reads: reads | own,
            depth: scope.depth + 2,
            rounds: scope.rounds * rounds * 4,
        };
        self.code.constant(counter, 1 + self.random.below(6));
        let head = self.code.placed();
        for _ in 0..1 + self.random.below(2) {
            self.sweep(&inner);
            if reads != 0 && !self.random.once_in(4) {
                self.apply(&inner, reads);
            }
        }
        if self.random.once_in(2) {
            self.access(&inner);
        }
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.code.branch(Op::Bne, counter, 0, head);
        self.let_go(counter);
    }

    /// Uses each of some values a few times: adds them up, scales by them, masks.
    fn apply(&mut self, scope: &Scope, values: Registers) {
        for value in (1..32).filter(|value| values >> value & 1 != 0) {
            for _ in 0..1 + self.random.below(6) {
                let op = self.random.pick(&[Op::Add, Op::Add, Op::Sub, Op::And, Op::Xor, Op::Mul, Op::Sltu]);
                let (rd, other) = (self.target(scope), self.one_of(scope.reads));
                self.code.registers(op, rd, other, value);
            }
        }
    }

    /// A pointer walks through packed records, around the memory's middle or anywhere: each round it accesses some fields of one, of any
    /// size, which need not be aligned. Unrolled, it goes on to the next record in the middle of a round.
    pub(super) fn walk(&mut self, scope: &Scope) {
        const SIZES: [u64; 10] = [1, 2, 4, 8, 8, 16, 24, 3, 7, 12];
        const MOST: u64 = 60;
        const FIELDS: u64 = 4;
        const WIDEST: u64 = 8;
        let (free, busy) = (self.function.usable & !self.busy, self.busy);
        if free.count_ones() < 2 {
            return self.compute(scope);
        }
        let (Some(at), Some(end)) = (self.take(free), self.take(free)) else { return };
        let size = self.random.pick(&SIZES);
        let rounds = 2 + self.random.below(MOST.min(1 + ROUNDS / scope.rounds));
        let length = size * rounds;
        let last = SCRATCH_SIZE - length - (FIELDS + 1) * size - WIDEST;
        let middle = (SCRATCH_SIZE / 2).saturating_sub(self.random.below(length + WIDEST));
        let start = if self.random.once_in(2) { middle } else { self.random.below(last) }.min(last);
        self.code.immediate(Op::Addi, at, self.function.base, start as i32);
        self.code.immediate(Op::Addi, end, at, length as i32);
        let inner = Scope { depth: scope.depth + 1, rounds: scope.rounds * rounds, ..*scope };
        let unrolled = self.random.once_in(2);
        let rows = self.fields_of();
        let head = self.code.placed();
        for _ in 0..1 + self.random.below(FIELDS) {
            let row = self.random.pick(&rows);
            let mut i = self.with_registers(&inner, row);
            i.rs1 = at;
            i.imm = self.random.below(size + 1) as i32;
            self.code.push(i);
            if self.random.once_in(4) {
                self.compute(&inner);
            }
            if unrolled && self.random.once_in(2) {
                self.code.immediate(Op::Addi, at, at, size as i32);
            }
        }
        self.code.immediate(Op::Addi, at, at, size as i32);
        self.code.branch(Op::Bltu, at, end, head);
        self.busy = busy;
    }

    /// A loop that calls a small function in each round, and computes a little before and after.
    pub(super) fn caller(&mut self, scope: &Scope) {
        const MOST: [u64; 3] = [10, 40, 160];
        if self.first_small == self.functions.len() || self.function.kept.is_none() {
            return self.repeat(scope);
        }
        let Some(counter) = self.take(self.function.usable) else { return };
        let most = self.random.pick(&MOST);
        let rounds = 1 + self.random.below(most.min(1 + 160 / scope.rounds));
        let own = self.small_pool & self.function.usable;
        let own = if own == 0 { scope.writes } else { own };
        let inner = Scope { writes: own, reads: own, depth: scope.depth + 1, rounds: scope.rounds * rounds };
        self.code.constant(counter, rounds);
        let head = self.code.placed();
        for _ in 0..1 + self.random.below(2) {
            for _ in 0..self.random.below(6) {
                match self.random.below(4) {
                    0 => self.conditional_move(&inner),
                    _ => self.compute(&inner),
                }
            }
            if self.random.once_in(2) {
                self.access(&inner);
            }
            let function = self.random.between(self.first_small as i64, self.functions.len() as i64 - 1);
            self.call_of(&inner, function as usize);
        }
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.code.branch(Op::Bne, counter, 0, head);
        self.let_go(counter);
    }
}
