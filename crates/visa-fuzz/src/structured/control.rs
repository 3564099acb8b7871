//! Statements: loops, branches, calls.

use super::{Around, KEPT, Maker, Registers, Scope, Style, TABLES};
use crate::code::Label;
use visa_isa::Op;

/// Loops in loops, at most.
const DEPTH: u32 = 4;
/// A loop is not executed oftener than this for each call of its function, by about.
pub(super) const ROUNDS: u64 = 600;
/// Calls are not, nor what they call.
const CALLS: u64 = 40;
/// Bytes of a function that is not made longer by what is long itself: branches reach over 4 KiB.
const LONG: u64 = 2200;
const BRANCHES: [Op; 6] = [Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu];

impl Maker<'_> {
    /// One statement, with all that is in it.
    pub(super) fn statement(&mut self, scope: &Scope) {
        self.function.left -= 1;
        if self.is_long() {
            self.function.left = 0;
        }
        let inner = scope.depth < DEPTH && self.function.left > 0;
        let Style { nests, walks, callers, .. } = self.style;
        let choice = self.random.below(16);
        if inner && choice < nests {
            return self.nest(scope);
        } else if choice < nests + walks {
            return self.walk(scope);
        } else if inner && choice < nests + walks + callers {
            return self.caller(scope);
        }
        match self.random.below(40) {
            0..8 if inner => self.repeat(scope),
            8..11 => self.if_else(scope),
            11 => self.conditional_move(scope),
            12 if inner => self.switch(scope),
            13..15 => self.call(scope),
            15..17 => self.leave(scope),
            17 | 18 if inner => self.string(scope),
            19..22 => self.access(scope),
            22 => self.fields(scope),
            23..27 => self.use_one(scope),
            27 | 28 if !self.float.is_empty() => self.floats(scope),
            29 if self.random.once_in(3) => self.counter(scope),
            _ => self.compute(scope),
        }
    }

    /// Whether the function is so long that what comes must be short.
    fn is_long(&self) -> bool {
        self.code.size() - self.function.start > LONG
    }

    /// Some statements.
    pub(super) fn statements(&mut self, scope: &Scope, most: u64) {
        for _ in 0..1 + self.random.below(most) {
            if self.function.left > 0 {
                self.statement(scope);
            } else {
                self.compute(scope);
            }
        }
    }

    /// The scope of a loop or another part of the code: with registers of its own, or with those around it.
    fn inner(&mut self, scope: &Scope, rounds: u64) -> Scope {
        let usable = self.function.usable & !self.busy;
        let writes = match self.random.below(4) {
            // What the code around does not name.
            0 | 1 => usable & !(scope.writes | scope.reads),
            2 => usable & !scope.writes,
            _ => usable,
        };
        let writes = if writes == 0 { usable } else { writes };
        let writes = self.few_of(writes);
        let reads = match self.random.below(3) {
            0 => writes,
            1 => writes | self.few_of(scope.reads),
            _ => writes | scope.reads,
        };
        Scope { writes, reads, depth: scope.depth + 1, rounds: scope.rounds * rounds }
    }

    pub(super) fn few_of(&mut self, of: Registers) -> Registers {
        match self.random.below(4) {
            0 => self.some_of(of),
            choice => {
                let most = if choice == 1 { 5 } else { 12 };
                let few = 1 + self.random.below(most);
                (0..few).fold(0, |few, _| few | 1 << self.one_of(of)) & !1
            }
        }
    }

    /// How often a loop goes round.
    pub(super) fn rounds(&mut self, scope: &Scope) -> u64 {
        let most = (ROUNDS / scope.rounds).max(1);
        let few = if self.random.once_in(3) { 40 } else { 5 };
        1 + self.random.below(most.min(few))
    }

    /// A loop that counts, in one of the forms that compilers give them.
    pub(super) fn repeat(&mut self, scope: &Scope) {
        let rounds = self.rounds(scope);
        let Some(counter) = self.take(self.function.usable) else { return };
        let mut inner = self.inner(scope, rounds);
        inner.reads |= 1 << counter;
        let [again, end] = [self.code.label(), self.code.label()];
        self.function.loops.push(Around { again, end });
        match self.random.below(5) {
            0 => self.counts_down(&inner, counter, rounds, again),
            1 => self.tests_first(&inner, counter, rounds, again, end),
            2 => self.has_exit_inside(&inner, counter, rounds, again, end),
            _ => match self.take(self.function.usable) {
                Some(bound) => {
                    inner.reads |= 1 << bound;
                    self.counts_up(&inner, [counter, bound], rounds, again);
                    self.let_go(bound);
                }
                None => self.counts_down(&inner, counter, rounds, again),
            },
        }
        self.code.place(end);
        self.function.loops.pop();
        self.let_go(counter);
        if self.random.once_in(2) {
            self.use_one(scope);
        }
    }

    fn body_of_loop(&mut self, scope: &Scope) {
        const LONGEST: u64 = 7;
        if self.random.once_in(2) {
            self.statements(scope, LONGEST);
        } else if scope.depth < DEPTH && !self.is_long() && self.random.once_in(2) {
            // Loops side by side: the registers of the one are no use to the other.
            for _ in 0..2 {
                self.function.left -= 1;
                self.repeat(scope);
                self.use_one(scope);
            }
        } else {
            self.sweep(scope);
            if self.random.once_in(2) {
                self.statements(scope, 2);
            }
        }
    }

    /// Computes every register that the scope writes, for loops in which registers are scarce.
    pub(super) fn sweep(&mut self, scope: &Scope) {
        let writes = scope.writes & !self.busy;
        for register in (1..32).filter(|register| writes & 1 << register != 0) {
            let one = Scope { writes: 1 << register, ..*scope };
            self.compute(&one);
        }
    }

    fn counts_down(&mut self, scope: &Scope, counter: u8, rounds: u64, again: Label) {
        self.code.constant(counter, rounds);
        let head = self.code.placed();
        self.body_of_loop(scope);
        self.code.place(again);
        let op = self.random.pick(&[Op::Addi, Op::Addiw]);
        self.code.immediate(op, counter, counter, -1);
        self.code.branch(Op::Bne, counter, 0, head);
    }

    fn tests_first(&mut self, scope: &Scope, counter: u8, rounds: u64, again: Label, end: Label) {
        self.code.constant(counter, rounds);
        self.code.place(again);
        self.code.branch(Op::Beq, counter, 0, end);
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.body_of_loop(scope);
        self.code.jump(again);
    }

    fn has_exit_inside(&mut self, scope: &Scope, counter: u8, rounds: u64, again: Label, end: Label) {
        self.code.constant(counter, rounds);
        let head = self.code.placed();
        self.body_of_loop(scope);
        self.code.place(again);
        self.code.immediate(Op::Addi, counter, counter, -1);
        self.code.branch(Op::Beq, counter, 0, end);
        self.compute(scope);
        self.code.jump(head);
    }

    /// From zero to a bound that a register holds; the test is before the loop, too, or a jump to it.
    fn counts_up(&mut self, scope: &Scope, [counter, bound]: [u8; 2], rounds: u64, again: Label) {
        let step = self.random.pick(&[1, 1, 2, 8]);
        self.code.constant(bound, rounds * step);
        self.code.constant(counter, 0);
        let test = self.code.label();
        if self.random.once_in(3) {
            self.code.jump(test);
        }
        let head = self.code.placed();
        self.body_of_loop(scope);
        self.code.place(again);
        let op = self.random.pick(&[Op::Addi, Op::Addiw]);
        self.code.immediate(op, counter, counter, step as i32);
        self.code.place(test);
        match self.random.below(3) {
            0 => self.code.branch(Op::Bgeu, bound, counter, head),
            1 => self.code.branch(Op::Blt, counter, bound, head),
            _ => self.code.branch(Op::Bltu, counter, bound, head),
        }
    }

    /// A branch on data, or on some bits of a register, which is taken now and then.
    fn branch(&mut self, scope: &Scope, to: Label) {
        let register = self.target(scope);
        if register != 0 && self.random.once_in(2) {
            let of = self.source(scope);
            self.code.immediate(Op::Andi, register, of, self.random.pick(&[1, 3, 7, 0x18]));
            let op = self.random.pick(&[Op::Beq, Op::Bne]);
            self.code.branch(op, register, 0, to);
        } else {
            let op = self.random.pick(&BRANCHES);
            let (a, b) = (self.source(scope), self.source(scope));
            self.code.branch(op, a, b, to);
        }
    }

    /// An if, an if with an else, or a ladder of them.
    fn if_else(&mut self, scope: &Scope) {
        const STEPS: u64 = 3;
        let end = self.code.label();
        for _ in 0..1 + self.random.below(STEPS) {
            let otherwise = self.code.label();
            self.branch(scope, otherwise);
            self.statements(scope, 3);
            if self.random.once_in(2) {
                self.code.jump(end);
            }
            self.code.place(otherwise);
        }
        if self.random.once_in(2) {
            self.statements(scope, 3);
        }
        self.code.place(end);
    }

    /// A branch over a few computations of one register.
    pub(super) fn conditional_move(&mut self, scope: &Scope) {
        let over = self.code.label();
        let rd = self.target(scope);
        self.branch(scope, over);
        for _ in 0..1 + self.random.below(3) {
            let (rs1, rs2) = (self.source(scope), self.source(scope));
            match self.random.below(3) {
                0 => self.code.registers(Op::Add, rd, rs1, rs2),
                1 => self.code.registers(Op::Subw, rd, rs1, rs2),
                _ => self.code.immediate(Op::Xori, rd, rs1, 5),
            }
        }
        self.code.place(over);
    }

    /// A jump by a table to one of several cases.
    fn switch(&mut self, scope: &Scope) {
        let cases: u64 = self.random.pick(&[2, 4, 8]);
        let of = self.source(scope);
        let (Some(case), Some(to)) = (self.take(scope.writes), self.take(self.function.usable)) else {
            return;
        };
        self.code.immediate(Op::Andi, case, of, cases as i32 - 1);
        self.code.immediate(Op::Slli, case, case, 3);
        let labels: Vec<Label> = (0..cases).map(|_| self.code.label()).collect();
        self.through_table(to, case, &labels);
        self.code.immediate(Op::Jalr, 0, to, 0);
        self.let_go(case);
        self.let_go(to);
        let end = self.code.label();
        for label in labels {
            self.code.place(label);
            self.statements(scope, 2);
            if !self.random.once_in(4) {
                self.code.jump(end);
            }
        }
        self.code.place(end);
    }

    /// Loads an address of code: of a table that begins with these, at an offset that a register holds.
    fn through_table(&mut self, to: u8, offset: u8, labels: &[Label]) {
        let at = self.places.data + TABLES + 8 * self.table.len() as u64;
        self.table.extend(labels);
        self.code.constant(to, at);
        if offset != 0 {
            self.code.registers(Op::Add, to, to, offset);
        }
        self.code.immediate(Op::Ld, to, to, 0);
    }

    /// A call of a function further on, directly or by its address in memory.
    fn call(&mut self, scope: &Scope) {
        let others = self.function.number + 1..self.functions.len();
        if others.is_empty() || scope.rounds > CALLS {
            return self.compute(scope);
        }
        let function = self.random.between(others.start as i64, others.end as i64 - 1);
        self.call_of(scope, function as usize);
    }

    /// A call of a function, if this one calls others and can keep what it must.
    pub(super) fn call_of(&mut self, scope: &Scope, function: usize) {
        let Some(first_kept) = self.function.kept else { return self.compute(scope) };
        let kept: Vec<u8> = (1..32).filter(|register| self.busy & !self.saved & 1 << register != 0).collect();
        if kept.len() > KEPT || self.busy & 1 << self.link != 0 {
            return self.compute(scope);
        }
        let function = self.functions[function];
        for (place, &register) in kept.iter().enumerate() {
            self.code.store(Op::Sd, register, self.stack, first_kept + 8 * place as i32);
        }
        if self.random.once_in(3)
            && let Some(to) = self.take(scope.writes)
        {
            self.through_table(to, 0, &[function]);
            self.code.immediate(Op::Jalr, self.link, to, 0);
            self.let_go(to);
        } else {
            self.code.call(self.link, function);
        }
        for (place, &register) in kept.iter().enumerate() {
            self.code.immediate(Op::Ld, register, self.stack, first_kept + 8 * place as i32);
        }
    }

    /// Goes on with another round of a loop around, leaves it, or leaves the function.
    fn leave(&mut self, scope: &Scope) {
        let to = match self.function.loops.len() {
            0 => self.function.epilogue,
            _ if self.random.once_in(6) => self.function.epilogue,
            loops => {
                let around = self.function.loops[self.random.below(loops as u64) as usize];
                if self.random.once_in(2) { around.again } else { around.end }
            }
        };
        self.branch(scope, to);
    }
}
