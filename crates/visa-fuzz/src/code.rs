//! A little code around random programs: instructions one by one, with labels.

use visa_isa::{Instruction, Op, compressed, decode_compressed, encode, encode_compressed};

/// Registers by their ABI names, as far as such code needs them.
pub mod register {
    /// Always zero.
    pub const ZERO: u8 = 0;
    /// Return address.
    pub const RA: u8 = 1;
    /// Thread pointer.
    pub const TP: u8 = 4;
    /// Temporary.
    pub const T0: u8 = 5;
    /// Temporary.
    pub const T1: u8 = 6;
    /// Temporary.
    pub const T2: u8 = 7;
    /// Saved.
    pub const S0: u8 = 8;
    /// Saved.
    pub const S1: u8 = 9;
    /// First argument.
    pub const A0: u8 = 10;
    /// Second argument.
    pub const A1: u8 = 11;
    /// Third argument.
    pub const A2: u8 = 12;
    /// Fourth argument.
    pub const A3: u8 = 13;
    /// Fifth argument.
    pub const A4: u8 = 14;
    /// Number of an SBI call's function.
    pub const A6: u8 = 16;
    /// Number of a Linux system call, or of an SBI extension.
    pub const A7: u8 = 17;
    /// Saved.
    pub const S2: u8 = 18;
    /// Saved.
    pub const S3: u8 = 19;
    /// Saved.
    pub const S11: u8 = 27;
    /// Temporary.
    pub const T3: u8 = 28;
    /// Temporary.
    pub const T4: u8 = 29;
    /// Temporary.
    pub const T5: u8 = 30;
    /// Temporary.
    pub const T6: u8 = 31;
}

/// A place in the code, that may not be known yet.
#[derive(Clone, Copy, Debug)]
pub struct Label(usize);

/// Code with its addresses: what [`Code::lay_out`] gives.
#[derive(Debug)]
pub struct LaidOut {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The address of each label that has a place.
    labels: Vec<Option<u64>>,
}

impl LaidOut {
    /// The address of a label.
    pub fn address_of(&self, label: Label) -> u64 {
        self.labels[label.0].expect(PLACED)
    }
}

const PLACED: &str = "every label that is used has a place";

/// Instructions at an address. The operands are the maker's, so one that does not fit is a mistake of the program that
/// makes the code, and panics.
#[derive(Debug)]
pub struct Code {
    address: u64,
    instructions: Vec<(Instruction, Option<Label>)>,
    labels: Vec<Option<usize>>,
}

impl Code {
    /// No code yet, at this address.
    pub fn at(address: u64) -> Self {
        Self { address, instructions: Vec::new(), labels: Vec::new() }
    }

    /// The address of the next instruction.
    pub fn here(&self) -> u64 {
        self.address + self.instructions.len() as u64 * 4
    }

    /// A label without a place.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Puts a label before the next instruction.
    pub fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.instructions.len());
    }

    /// A label before the next instruction.
    pub fn placed(&mut self) -> Label {
        let label = self.label();
        self.place(label);
        label
    }

    /// Any instruction; fields that its format lacks are not looked at.
    pub fn push(&mut self, instruction: Instruction) {
        self.instructions.push((instruction, None));
    }

    /// `rd = rs1 op imm`, and loads.
    pub fn immediate(&mut self, op: Op, rd: u8, rs1: u8, imm: i32) {
        self.push(Instruction { rd, rs1, imm, ..Instruction::new(op) });
    }

    /// `rd = rs1 op rs2`
    pub fn registers(&mut self, op: Op, rd: u8, rs1: u8, rs2: u8) {
        self.push(Instruction { rd, rs1, rs2, ..Instruction::new(op) });
    }

    /// A store of `value` at `base + imm`.
    pub fn store(&mut self, op: Op, value: u8, base: u8, imm: i32) {
        self.push(Instruction { rs1: base, rs2: value, imm, ..Instruction::new(op) });
    }

    /// `rd` = the MSR.
    pub fn read_msr(&mut self, rd: u8, msr: u16) {
        self.immediate(Op::Csrrs, rd, register::ZERO, msr.into());
    }

    /// The MSR = `rs1`.
    pub fn write_msr(&mut self, msr: u16, rs1: u8) {
        self.immediate(Op::Csrrw, register::ZERO, rs1, msr.into());
    }

    /// `rd = value`, in as many instructions as it takes.
    pub fn constant(&mut self, rd: u8, value: u64) {
        const IMMEDIATE_BITS: u32 = 12;
        let low = (value << 52) as i64 >> 52;
        if low as u64 == value {
            return self.immediate(Op::Addi, rd, register::ZERO, low as i32);
        }
        let upper = value.wrapping_sub(low as u64);
        if value as i32 as u64 == value {
            // ADDIW cuts to 32 bits what LUI overshot.
            self.immediate(Op::Lui, rd, 0, upper as i32);
            return self.immediate(Op::Addiw, rd, rd, low as i32);
        }
        // Each step takes at least twelve bits off.
        let shift = upper.trailing_zeros().max(IMMEDIATE_BITS);
        self.constant(rd, ((upper as i64) >> shift) as u64);
        self.immediate(Op::Slli, rd, rd, shift as i32);
        if low != 0 {
            self.immediate(Op::Addi, rd, rd, low as i32);
        }
    }

    /// A branch to a label.
    pub fn branch(&mut self, op: Op, rs1: u8, rs2: u8, to: Label) {
        self.instructions.push((Instruction { rs1, rs2, ..Instruction::new(op) }, Some(to)));
    }

    /// A jump to a label.
    pub fn jump(&mut self, to: Label) {
        self.instructions.push((Instruction::new(Op::Jal), Some(to)));
    }

    /// A call: a jump to a label that leaves the address behind it in a register.
    pub fn call(&mut self, rd: u8, to: Label) {
        self.instructions.push((Instruction { rd, ..Instruction::new(Op::Jal) }, Some(to)));
    }

    /// A jump to an address within reach.
    pub fn jump_to(&mut self, address: u64) {
        let distance = address.wrapping_sub(self.here()) as i64;
        self.push(Instruction { imm: distance as i32, ..Instruction::new(Op::Jal) });
    }

    /// `rd` = an address within 2 GiB: two instructions.
    pub fn address_of(&mut self, rd: u8, address: u64) {
        let distance = address.wrapping_sub(self.here()) as i32;
        let low = distance << 20 >> 20;
        self.push(Instruction { rd, imm: distance.wrapping_sub(low), ..Instruction::new(Op::Auipc) });
        self.immediate(Op::Addi, rd, rd, low);
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.instructions.len() as u64 * 4
    }

    /// The instructions, if none refers to a label.
    pub fn into_instructions(self) -> Vec<Instruction> {
        self.instructions.into_iter().map(|(instruction, _)| instruction).collect()
    }

    /// Other code behind this, with its labels. Its address is forgotten, so it must not depend on that.
    pub fn append(&mut self, other: Code) {
        let (instructions, labels) = (self.instructions.len(), self.labels.len());
        self.labels.extend(other.labels.into_iter().map(|place| place.map(|place| place + instructions)));
        let moved = |(instruction, label): (Instruction, Option<Label>)| {
            (instruction, label.map(|label| Label(label.0 + labels)))
        };
        self.instructions.extend(other.instructions.into_iter().map(moved));
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.instructions.len() * 4);
        for (index, &(instruction, label)) in self.instructions.iter().enumerate() {
            let distance = label.map(|label| {
                let target = self.labels[label.0].expect(PLACED);
                (target as i32 - index as i32) * 4
            });
            let instruction = Instruction { imm: distance.unwrap_or(instruction.imm), ..instruction };
            let word = encode(&instruction).unwrap_or_else(|error| panic!("{instruction:?}: {error}"));
            bytes.extend(word.to_le_bytes());
        }
        bytes
    }

    /// The bytes with compressed forms, where there is one and `compress` says so. Only labels may stand for addresses: what
    /// [`Code::here`], [`Code::jump_to`] and [`Code::address_of`] take for granted is not so then.
    pub fn lay_out(&self, mut compress: impl FnMut() -> bool) -> LaidOut {
        let long =
            |index: usize, label: Label| (self.labels[label.0].expect(PLACED) as i32 - index as i32) * 4;
        // Compressed forms bring a target nearer, never farther away.
        let form = |(index, &(instruction, label)): (usize, &(Instruction, Option<Label>))| {
            let imm = label.map_or(instruction.imm, |label| long(index, label));
            compress().then(|| compressed_form(&Instruction { imm, ..instruction })).flatten()
        };
        let rows: Vec<_> = self.instructions.iter().enumerate().map(form).collect();
        let mut addresses = vec![self.address];
        for row in &rows {
            let last = addresses[addresses.len() - 1];
            addresses.push(last + if row.is_some() { 2 } else { 4 });
        }
        let mut bytes = Vec::new();
        for (index, (&(instruction, label), row)) in self.instructions.iter().zip(&rows).enumerate() {
            let distance = label.map(|label| {
                let target = addresses[self.labels[label.0].expect(PLACED)];
                target.wrapping_sub(addresses[index]) as i32
            });
            let instruction = Instruction { imm: distance.unwrap_or(instruction.imm), ..instruction };
            match row {
                Some(row) => {
                    bytes.extend(encode_compressed(row, &instruction).expect("it is nearer").to_le_bytes())
                }
                None => {
                    let word =
                        encode(&instruction).unwrap_or_else(|error| panic!("{instruction:?}: {error}"));
                    bytes.extend(word.to_le_bytes());
                }
            }
        }
        LaidOut {
            bytes,
            labels: self.labels.iter().map(|place| place.map(|place| addresses[place])).collect(),
        }
    }
}

/// The compressed form that stands for an instruction, if there is one.
fn compressed_form(instruction: &Instruction) -> Option<&'static compressed::Row> {
    let rows = compressed::ROWS.iter().filter(|row| row.op == instruction.op);
    rows.into_iter().find(|row| {
        let half = encode_compressed(row, instruction).ok();
        half.and_then(decode_compressed) == Some(Instruction { length: 2, ..*instruction })
    })
}
