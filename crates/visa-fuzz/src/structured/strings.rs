//! Loops as of a library's functions for strings, lists and numbers.

use super::{CELL, CELLS, LIST, Maker, SCRATCH_SIZE, Scope};
use visa_isa::Op;

/// Bytes of the scratch memory that such loops use, from its start.
const BUFFER: u64 = 512;

impl Maker<'_> {
    /// One of them.
    pub(super) fn string(&mut self, scope: &Scope) {
        let free = self.function.usable & !self.busy;
        if free.count_ones() < 5 {
            return self.compute(scope);
        }
        let registers: [u8; 5] = std::array::from_fn(|_| self.take(free).unwrap_or(0));
        match self.random.below(8) {
            0 => self.length(registers),
            1 => self.copy(registers),
            2 => self.compare(registers),
            3 => self.fill(scope, registers),
            4 => self.list(registers),
            5 => self.bits(scope, registers),
            6 => self.divisor(scope, registers),
            _ => self.sort(registers),
        }
        registers.into_iter().for_each(|register| self.let_go(register));
    }

    /// An address in the data, near to its start, where strings are.
    fn of_strings(&mut self, register: u8) {
        let at = self.places.data + self.random.below(LIST / 2);
        self.code.constant(register, at);
    }

    fn of_buffer(&mut self, register: u8) {
        let offset = self.random.below(BUFFER) as i32;
        self.code.immediate(Op::Addi, register, self.function.base, offset);
    }

    /// The length of a string, and a hash of it.
    fn length(&mut self, [at, byte, length, hash, _]: [u8; 5]) {
        self.of_strings(at);
        self.code.immediate(Op::Addi, length, 0, -1);
        let head = self.code.placed();
        self.code.immediate(Op::Lbu, byte, at, 0);
        self.code.immediate(Op::Addi, at, at, 1);
        self.code.immediate(Op::Addi, length, length, 1);
        if self.random.once_in(2) {
            self.code.immediate(Op::Slliw, hash, hash, 5);
            self.code.registers(Op::Addw, hash, hash, byte);
        }
        self.code.branch(Op::Bne, byte, 0, head);
    }

    fn copy(&mut self, [from, to, byte, ..]: [u8; 5]) {
        self.of_strings(from);
        self.of_buffer(to);
        let head = self.code.placed();
        let op = self.random.pick(&[Op::Lb, Op::Lbu]);
        self.code.immediate(op, byte, from, 0);
        self.code.immediate(Op::Addi, from, from, 1);
        self.code.store(Op::Sb, byte, to, 0);
        self.code.immediate(Op::Addi, to, to, 1);
        self.code.branch(Op::Bne, byte, 0, head);
    }

    fn compare(&mut self, [one, other, a, b, difference]: [u8; 5]) {
        self.of_strings(one);
        if self.random.once_in(2) {
            self.code.immediate(Op::Addi, other, one, 0);
        } else {
            self.of_strings(other);
        }
        let end = self.code.label();
        let head = self.code.placed();
        self.code.immediate(Op::Lbu, a, one, 0);
        self.code.immediate(Op::Lbu, b, other, 0);
        self.code.branch(Op::Bne, a, b, end);
        self.code.immediate(Op::Addi, one, one, 1);
        self.code.immediate(Op::Addi, other, other, 1);
        self.code.branch(Op::Bne, a, 0, head);
        self.code.place(end);
        self.code.registers(Op::Subw, difference, a, b);
    }

    /// Fills words up to an address, or adds them up, anywhere in the scratch memory; the value changes, or stays.
    fn fill(&mut self, scope: &Scope, [at, end, value, word, _]: [u8; 5]) {
        const LAST: u64 = SCRATCH_SIZE - 8 * 42;
        let rounds = self.rounds(scope);
        let offset = self.random.below(LAST) as i32;
        self.code.immediate(Op::Addi, at, self.function.base, offset);
        self.code.immediate(Op::Addi, end, at, 8 * rounds as i32);
        let head = self.code.placed();
        if self.random.once_in(2) {
            let op = self.random.pick(&[Op::Lh, Op::Lw, Op::Ld]);
            self.code.immediate(op, word, at, 0);
            self.code.registers(Op::Add, value, value, word);
        } else {
            let op = self.random.pick(&[Op::Sb, Op::Sw, Op::Sd]);
            self.code.store(op, value, at, 0);
        }
        self.code.immediate(Op::Addi, at, at, 8);
        if self.random.once_in(2) {
            self.code.immediate(Op::Addi, value, value, 3);
        }
        self.code.branch(Op::Bne, at, end, head);
    }

    fn list(&mut self, [at, value, sum, ..]: [u8; 5]) {
        let cell = self.places.data + LIST + CELL * self.random.below(CELLS);
        self.code.constant(at, cell);
        let head = self.code.placed();
        self.code.immediate(Op::Ld, value, at, 8);
        self.code.immediate(Op::Ld, at, at, 0);
        let op = self.random.pick(&[Op::Add, Op::Addw, Op::Xor]);
        self.code.registers(op, sum, sum, value);
        self.code.branch(Op::Bne, at, 0, head);
    }

    /// Counts the bits of a number.
    fn bits(&mut self, scope: &Scope, [number, count, bit, ..]: [u8; 5]) {
        let of = self.source(scope);
        self.code.immediate(Op::Addi, number, of, 0);
        let end = self.code.label();
        let head = self.code.placed();
        self.code.branch(Op::Beq, number, 0, end);
        self.code.immediate(Op::Andi, bit, number, 1);
        self.code.registers(Op::Add, count, count, bit);
        let op = self.random.pick(&[Op::Srli, Op::Srliw]);
        self.code.immediate(op, number, number, 1);
        self.code.jump(head);
        self.code.place(end);
    }

    /// The greatest common divisor of two numbers.
    fn divisor(&mut self, scope: &Scope, [a, b, rest, ..]: [u8; 5]) {
        let (of, and) = (self.source(scope), self.source(scope));
        self.code.immediate(Op::Addi, a, of, 0);
        self.code.immediate(Op::Addi, b, and, 0);
        let end = self.code.label();
        self.code.branch(Op::Beq, b, 0, end);
        let head = self.code.placed();
        self.code.registers(Op::Remu, rest, a, b);
        self.code.immediate(Op::Addi, a, b, 0);
        self.code.immediate(Op::Addi, b, rest, 0);
        self.code.branch(Op::Bne, rest, 0, head);
        self.code.place(end);
    }

    /// Sorts a few words: rounds of exchanges.
    fn sort(&mut self, [outer, at, end, a, b]: [u8; 5]) {
        const WORDS: u64 = 5;
        self.code.constant(outer, WORDS - 1);
        let round = self.code.placed();
        self.code.immediate(Op::Addi, at, self.function.base, 0);
        self.code.immediate(Op::Addi, end, at, 8 * (WORDS as i32 - 1));
        let head = self.code.placed();
        let over = self.code.label();
        self.code.immediate(Op::Ld, a, at, 0);
        self.code.immediate(Op::Ld, b, at, 8);
        self.code.branch(Op::Bge, b, a, over);
        self.code.store(Op::Sd, b, at, 0);
        self.code.store(Op::Sd, a, at, 8);
        self.code.place(over);
        self.code.immediate(Op::Addi, at, at, 8);
        self.code.branch(Op::Bltu, at, end, head);
        self.code.immediate(Op::Addi, outer, outer, -1);
        self.code.branch(Op::Bne, outer, 0, round);
    }
}
