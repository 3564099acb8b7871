//! Functions: what they keep, and what they do.

use super::{ALL, Function, KEPT, Maker, Scope};
use visa_isa::Op;

/// Statements of a function, at least.
const STATEMENTS: i64 = 4;

impl Maker<'_> {
    /// A function: one that calls others, and keeps on its stack what it must give back, or a leaf.
    pub(super) fn function(&mut self, number: usize) {
        let small = number >= self.first_small;
        let leaf = small || number + 1 == self.functions.len() || self.random.once_in(3);
        let own = if leaf {
            self.random.bits() as u32 & 0xf << self.random.below(28)
        } else {
            self.random.bits() as u32
        };
        let spilled: Vec<u8> = (1..32).filter(|register| self.saved & own & 1 << register != 0).collect();
        let pool = if small { self.small_pool } else { self.pool };
        let mut usable = match pool & !(1 << self.stack | 1 << self.link) & (!self.saved | own) {
            few if few.count_ones() < 3 => !(self.saved | 1 << self.stack | 1 << self.link) & ALL,
            usable => usable,
        };
        if !leaf && self.random.once_in(2) {
            usable |= 1 << self.link;
        }
        let base = self.one_of(usable & !(1 << self.link));
        let epilogue = self.code.label();
        let first_kept = 8 * (spilled.len() as i32 + 1);
        let frame = (first_kept + 8 * KEPT as i32 + 15) & !15;
        let has_frame = !leaf || !spilled.is_empty();
        let start = self.code.size();
        self.code.place(self.functions[number]);
        if has_frame {
            self.code.immediate(Op::Addi, self.stack, self.stack, -frame);
            self.frame(&spilled, frame, true, !leaf);
        }
        self.code.constant(base, self.places.scratch);
        self.busy = 1 << base;
        self.function = Function {
            number,
            start,
            base,
            pool,
            usable,
            kept: (!leaf).then_some(0),
            epilogue,
            loops: Vec::new(),
            left: if small { 0 } else { self.random.between(STATEMENTS, self.style.statements) },
        };
        self.body();
        self.code.place(epilogue);
        if has_frame {
            self.frame(&spilled, frame, false, !leaf);
            self.code.immediate(Op::Addi, self.stack, self.stack, frame);
        }
        let others = number + 1..self.functions.len();
        if !small && !others.is_empty() && self.random.once_in(6) {
            let next = self.random.between(others.start as i64, others.end as i64 - 1);
            self.code.jump(self.functions[next as usize]);
        } else {
            self.code.immediate(Op::Jalr, 0, self.link, 0);
        }
    }

    /// Saves or restores what a function gives back.
    fn frame(&mut self, spilled: &[u8], frame: i32, saves: bool, links: bool) {
        let link = links.then_some(self.link);
        for (place, register) in link.into_iter().chain(spilled.iter().copied()).enumerate() {
            let offset = frame - 8 * (place as i32 + 1);
            match saves {
                true => self.code.store(Op::Sd, register, self.stack, offset),
                false => self.code.immediate(Op::Ld, register, self.stack, offset),
            }
        }
    }

    /// What a function does: it sets some registers, then goes on with them.
    fn body(&mut self) {
        let Function { usable, base, .. } = self.function;
        let writes = self.some_of(usable & !(1 << base));
        let reads = self.some_of(self.function.pool) | writes | 1 << base;
        let scope = Scope { writes, reads, depth: 0, rounds: 1 };
        for _ in 0..self.random.below(8) {
            self.compute(&scope);
        }
        if self.function.number >= self.first_small && self.random.once_in(2) {
            self.access(&scope);
        }
        while self.function.left > 0 {
            self.statement(&scope);
        }
    }
}
