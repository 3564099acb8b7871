//! Units that access memory and change what maps it.

use super::Builder;
use crate::code::{Code, register::*};
use crate::kernel::space::{C, SPACES, Target};
use crate::kernel::{USER_CODE_BYTES, word};
use visa_isa::msr;
use visa_isa::paging::{PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_USER, PTE_WRITE};
use visa_isa::{Instruction, Op};

impl Builder<'_> {
    /// A load, store or atomic anywhere.
    pub(super) fn access(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let what = self.emit_access(&mut code, None);
        self.log(&mut code);
        (code, what)
    }

    pub(super) fn emit_access(&mut self, code: &mut Code, at: Option<u64>) -> String {
        const LOADS: [Op; 8] = [Op::Lb, Op::Lbu, Op::Lh, Op::Lhu, Op::Lw, Op::Lwu, Op::Ld, Op::Fld];
        const STORES: [Op; 5] = [Op::Sb, Op::Sh, Op::Sw, Op::Sd, Op::Fsd];
        const ATOMICS: [Op; 4] = [Op::AmoaddW, Op::AmoswapD, Op::AmoorD, Op::AmominuW];
        let what = self.random.below(12);
        let stores = what >= 5;
        let address = at.unwrap_or_else(|| self.spaces.address(self.random, stores));
        code.constant(T0, address);
        code.constant(A1, word(self.random));
        code.immediate(Op::Addi, A0, ZERO, 0);
        let op = match what {
            0..5 => {
                let op = self.random.pick(&LOADS);
                code.immediate(op, A0, T0, 0);
                op
            }
            5..9 => {
                let op = self.random.pick(&STORES);
                code.store(op, A1, T0, 0);
                op
            }
            9 | 10 => {
                let op = self.random.pick(&ATOMICS);
                code.registers(op, A0, T0, A1);
                op
            }
            _ => {
                let again = code.placed();
                code.registers(Op::LrD, A0, T0, ZERO);
                code.registers(Op::ScD, T1, T0, A1);
                code.branch(Op::Bne, T1, ZERO, again);
                Op::ScD
            }
        };
        format!("{} at {address:#x}", op.row().mnemonic)
    }

    /// Changes entries of tables, does the fences, and often makes an access there.
    pub(super) fn change_tables(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let mut what = String::new();
        let count = self.random.pick(&[1, 1, 1, 2, 3]);
        let targets: Vec<_> = (0..count).map(|_| self.spaces.target(self.random)).collect();
        for target in &targets {
            what += &self.change(&mut code, target);
        }
        let several = targets.len() > 1;
        what += &self.emit_fence(&mut code, targets[0], several);
        let reached = targets[0];
        let is_code = (C..C + USER_CODE_BYTES).contains(&reached.address);
        if !is_code && reached.space.is_some() && self.random.once_in(2) {
            let offset = self.random.below(PAGE_SIZE / 8) * 8;
            what += ", ";
            what += &self.emit_access(&mut code, Some(reached.address + offset));
            self.log(&mut code);
        }
        (code, what)
    }

    pub(super) fn change(&mut self, code: &mut Code, target: &Target) -> String {
        let entry = self.at(target.entry);
        code.constant(T0, entry);
        let random = &mut *self.random;
        let (op, value) = match random.below(8) {
            // A and D off, or a permission; never what would make a leaf of a higher level a table.
            0 | 1 => (Op::AmoandD, !random.pick(&[PTE_ACCESSED, PTE_DIRTY, PTE_ACCESSED | PTE_DIRTY])),
            2 if target.level == 0 => (Op::AmoxorD, random.pick(&[PTE_READ, PTE_WRITE, PTE_EXECUTE])),
            3 => (Op::AmoxorD, PTE_USER),
            _ => (Op::Sd, self.spaces.leaf(random, target)),
        };
        code.constant(T1, value);
        if op == Op::Sd {
            code.store(op, T1, T0, 0);
        } else {
            code.registers(op, A0, T0, T1);
        }
        format!(
            "{} {value:#x} to the entry of {:#x} in {:?}; ",
            op.row().mnemonic,
            target.address,
            target.space
        )
    }

    /// One of the fences that will do for changes of which `target` is the first. (Privileged, SFENCE.VMA: an address is enough
    /// for leaves alone, an ASID for what only its spaces have.)
    pub(super) fn emit_fence(&mut self, code: &mut Code, target: Target, several: bool) -> String {
        // A pointer to a table may have been changed into a leaf above the lowest level.
        let by_address = !several && target.level == 0;
        let by_space = if several { None } else { target.space };
        let address =
            (by_address && self.random.once_in(2)).then(|| target.address + self.random.below(PAGE_SIZE));
        let asid = by_space.filter(|_| self.random.once_in(2)).map(|space| self.spaces.asid(space));
        if let Some(address) = address {
            code.constant(A0, address);
        }
        if let Some(asid) = asid {
            code.constant(A1, asid.into());
        }
        code.push(Instruction {
            rs1: if address.is_some() { A0 } else { ZERO },
            rs2: if asid.is_some() { A1 } else { ZERO },
            ..Instruction::new(Op::SfenceVma)
        });
        format!("SFENCE.VMA {address:x?} {asid:?}")
    }

    /// A fence that nothing asks for.
    pub(super) fn fence(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let target = self.spaces.target(self.random);
        let what = self.emit_fence(&mut code, target, false);
        (code, what)
    }

    /// Another value for satp.
    pub(super) fn switch_space(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        if self.spaces.kernel.is_identity() && random.once_in(6) {
            self.current = None;
            code.write_msr(msr::SATP, ZERO);
            return (code, "no translation".into());
        }
        if random.once_in(8) {
            // A mode that there is not: nothing is written.
            code.constant(A0, 5 << 60 | random.bits() >> 8);
            code.immediate(Op::Csrrw, A0, A0, msr::SATP.into());
            code.read_msr(A1, msr::SATP);
            self.log(&mut code);
            return (code, "satp with an unknown mode".into());
        }
        let space = random.below(SPACES as u64) as usize;
        self.current = Some(space);
        code.constant(A0, self.spaces.satp(space));
        code.immediate(Op::Csrrw, A0, A0, msr::SATP.into());
        code.read_msr(A1, msr::SATP);
        // Spaces with the same ASID may not be confused.
        if self.spaces.shares_asid(space) || self.random.once_in(6) {
            let by_asid = self.random.once_in(2);
            code.constant(T2, self.spaces.asid(space).into());
            code.push(Instruction {
                rs2: if by_asid { T2 } else { ZERO },
                ..Instruction::new(Op::SfenceVma)
            });
        }
        self.log(&mut code);
        (code, format!("space {space}, {:#x}", self.spaces.satp(space)))
    }
}
