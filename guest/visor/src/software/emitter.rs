//! Writing RISC-V instructions into memory: the few that compiled sites are made of.

/// Integer registers by number.
pub mod register {
    /// R0.
    pub const ZERO: u8 = 0;
    /// R28, free in compiled code.
    pub const T3: u8 = 28;
    /// R29, likewise.
    pub const T4: u8 = 29;
    /// R30, likewise; the site at entry.
    pub const T5: u8 = 30;
    /// R31: the [`super::super::cpu::Cpu`].
    pub const T6: u8 = 31;
}

const LOAD: u32 = 0x03;
const OP_IMM: u32 = 0x13;
const STORE: u32 = 0x23;
const OP: u32 = 0x33;
const LUI: u32 = 0x37;
const BRANCH: u32 = 0x63;
const JALR: u32 = 0x67;
const SYSTEM: u32 = 0x73;
/// SRET.
pub const SRET: u32 = 0x1020_0073;

/// CSR instructions by funct3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Csr {
    /// CSRRW.
    Write = 1,
    /// CSRRS.
    Set = 2,
    /// CSRRC.
    Clear = 3,
}

/// Instructions, one after the other, in a buffer that may be too small.
pub struct Emitter<'a> {
    buffer: &'a mut [u32],
    length: usize,
}

/// A branch whose target is not known yet.
#[must_use]
pub struct Forward(usize);

impl<'a> Emitter<'a> {
    /// Nothing yet.
    pub fn new(buffer: &'a mut [u32]) -> Self {
        Emitter { buffer, length: 0 }
    }

    /// How many instructions there are; `None` if they did not fit.
    pub fn finish(self) -> Option<usize> {
        (self.length <= self.buffer.len()).then_some(self.length)
    }

    /// A whole instruction.
    pub fn word(&mut self, word: u32) {
        if let Some(place) = self.buffer.get_mut(self.length) {
            *place = word;
        }
        self.length += 1;
    }

    fn immediate(&mut self, opcode: u32, funct3: u32, rd: u8, rs1: u8, value: i32) {
        debug_assert!((-2048..2048).contains(&value));
        self.word((value as u32) << 20 | (rs1 as u32) << 15 | funct3 << 12 | (rd as u32) << 7 | opcode);
    }

    fn operation(&mut self, funct3: u32, rd: u8, rs1: u8, rs2: u8) {
        self.word((rs2 as u32) << 20 | (rs1 as u32) << 15 | funct3 << 12 | (rd as u32) << 7 | OP);
    }

    /// LD.
    pub fn load(&mut self, rd: u8, base: u8, offset: usize) {
        self.immediate(LOAD, 3, rd, base, offset as i32);
    }

    /// LWU.
    pub fn load_word(&mut self, rd: u8, base: u8, offset: usize) {
        self.immediate(LOAD, 6, rd, base, offset as i32);
    }

    /// SD.
    pub fn store(&mut self, source: u8, base: u8, offset: usize) {
        let offset = offset as u32;
        self.word(
            (offset >> 5 & 0x7f) << 25
                | (source as u32) << 20
                | (base as u32) << 15
                | 3 << 12
                | (offset & 31) << 7
                | STORE,
        );
    }

    /// ADDI.
    pub fn add_immediate(&mut self, rd: u8, rs1: u8, value: i32) {
        self.immediate(OP_IMM, 0, rd, rs1, value);
    }

    /// ANDI.
    pub fn and_immediate(&mut self, rd: u8, rs1: u8, value: i32) {
        self.immediate(OP_IMM, 7, rd, rs1, value);
    }

    /// ORI.
    pub fn or_immediate(&mut self, rd: u8, rs1: u8, value: i32) {
        self.immediate(OP_IMM, 6, rd, rs1, value);
    }

    /// XORI by all ones.
    pub fn not(&mut self, rd: u8, rs1: u8) {
        self.immediate(OP_IMM, 4, rd, rs1, -1);
    }

    /// MV.
    pub fn copy(&mut self, rd: u8, rs1: u8) {
        self.add_immediate(rd, rs1, 0);
    }

    /// AND.
    pub fn and(&mut self, rd: u8, rs1: u8, rs2: u8) {
        self.operation(7, rd, rs1, rs2);
    }

    /// OR.
    pub fn or(&mut self, rd: u8, rs1: u8, rs2: u8) {
        self.operation(6, rd, rs1, rs2);
    }

    /// XOR.
    pub fn xor(&mut self, rd: u8, rs1: u8, rs2: u8) {
        self.operation(4, rd, rs1, rs2);
    }

    /// LUI of a value whose low 12 bits are zero.
    pub fn load_upper(&mut self, rd: u8, value: u64) {
        debug_assert!(value & 0xfff == 0 && value < 1 << 31);
        self.word(value as u32 | (rd as u32) << 7 | LUI);
    }

    /// A CSR instruction with a register.
    pub fn csr(&mut self, kind: Csr, rd: u8, number: u16, rs1: u8) {
        self.word(
            (number as u32) << 20 | (rs1 as u32) << 15 | (kind as u32) << 12 | (rd as u32) << 7 | SYSTEM,
        );
    }

    /// JR.
    pub fn jump(&mut self, rs1: u8) {
        self.immediate(JALR, 0, register::ZERO, rs1, 0);
    }

    /// BEQ (or BNE) forward to where [`Emitter::land`] is called.
    pub fn branch(&mut self, if_equal: bool, rs1: u8, rs2: u8) -> Forward {
        let at = self.length;
        self.word((rs2 as u32) << 20 | (rs1 as u32) << 15 | (!if_equal as u32) << 12 | BRANCH);
        Forward(at)
    }

    /// The branch comes here.
    pub fn land(&mut self, branch: Forward) {
        let distance = ((self.length - branch.0) * 4) as u32;
        if let Some(word) = self.buffer.get_mut(branch.0) {
            *word |= (distance >> 12 & 1) << 31
                | (distance >> 5 & 0x3f) << 25
                | (distance >> 1 & 15) << 8
                | (distance >> 11 & 1) << 7;
        }
    }
}
