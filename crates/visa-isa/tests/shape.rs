//! What rows say that operations are, held against what the RISC-V specification says of their encodings: it gives width, sign,
//! condition, precision and much of the operation by fields that mean the same in many instructions.

use visa_isa::Op;
use visa_isa::operand::Target;
use visa_isa::shape::*;
use visa_isa::table::{CUSTOM_0, CUSTOM_1, ROWS};

/// The fixed fields of an instruction; those that are not fixed are zero.
struct Fields {
    opcode: u32,
    funct3: u32,
    funct7: u32,
    rs2: u32,
}

fn fields(op: Op) -> Fields {
    let bits = op.row().bits.value;
    Fields { opcode: bits & 0x7f, funct3: bits >> 12 & 7, funct7: bits >> 25, rs2: bits >> 20 & 31 }
}

const LOAD: u32 = 0x03;
const LOAD_FLOAT: u32 = 0x07;
const FENCES: u32 = 0x0f;
const IMMEDIATE: u32 = 0x13;
const AUIPC: u32 = 0x17;
const IMMEDIATE_WORD: u32 = 0x1b;
const STORE: u32 = 0x23;
const STORE_FLOAT: u32 = 0x27;
const ATOMIC: u32 = 0x2f;
const REGISTERS: u32 = 0x33;
const LUI: u32 = 0x37;
const REGISTERS_WORD: u32 = 0x3b;
const FUSED: [u32; 4] = [0x43, 0x47, 0x4b, 0x4f];
const FLOAT: u32 = 0x53;
const BRANCH: u32 = 0x63;
const JALR: u32 = 0x67;
const JAL: u32 = 0x6f;
const SYSTEM: u32 = 0x73;

/// The kind of thing that an opcode means (unprivileged specification, 36, "RISC-V base opcode map").
#[test]
fn opcodes_say_the_kind() {
    for row in ROWS {
        let Fields { opcode, funct3, .. } = fields(row.op);
        let shape = row.op.shape();
        let fits = match opcode {
            LOAD | LOAD_FLOAT => matches!(shape, Shape::Load(_)),
            STORE | STORE_FLOAT => matches!(shape, Shape::Store(_)),
            ATOMIC => matches!(shape, Shape::Atomic(_)),
            BRANCH => shape.is_branch(),
            JAL => shape == Shape::Jump,
            JALR => shape == Shape::JumpRegister,
            FENCES if funct3 == 1 => shape == Shape::FenceInstructions,
            FENCES => matches!(shape, Shape::Fence | Shape::Pause),
            SYSTEM if funct3 != 0 => matches!(shape, Shape::Msr(_)),
            SYSTEM => matches!(shape, Shape::Trap | Shape::Return | Shape::System),
            CUSTOM_0 => matches!(shape, Shape::WorldSwitch | Shape::Return | Shape::System),
            CUSTOM_1 => matches!(shape, Shape::Port(_)),
            FLOAT => matches!(shape, Shape::Float(_)),
            opcode if FUSED.contains(&opcode) => matches!(shape, Shape::Float(_)),
            _ => shape.is_pure(),
        };
        assert!(fits, "{}: {shape:?}", row.mnemonic);
        // Control stays, and nothing but registers and memory changes, outside of these.
        let ends = matches!(opcode, BRANCH | JAL | JALR | SYSTEM | CUSTOM_0 | CUSTOM_1)
            || (opcode, funct3) == (FENCES, 1);
        assert_eq!(shape.ends_block(), ends, "{}", row.mnemonic);
    }
}

/// funct3 of loads and stores is the logarithm of the bytes; its upper bit says that a load is unsigned (2.6). Atomics have the
/// same width field (14.2).
#[test]
fn widths_are_those_of_the_encoding() {
    for row in ROWS {
        let Fields { opcode, funct3, .. } = fields(row.op);
        let width = 1 << (funct3 & 3);
        let touched = u64::from(width);
        let memory = row.op.shape().memory();
        match row.op.shape() {
            Shape::Load(Load { bytes, extend, file }) => {
                let extension = match (opcode, funct3 & 4) {
                    (LOAD_FLOAT, _) => Extend::NanBox,
                    (_, 0) => Extend::Sign,
                    _ => Extend::Zero,
                };
                assert_eq!((bytes, extend), (width, extension), "{}", row.mnemonic);
                assert_eq!(Some(file), row.op.file(Target::Rd), "{}", row.mnemonic);
                assert_eq!(memory, Some(Memory { bytes: touched, loads: true, stores: false }));
            }
            Shape::Store(Store { bytes, file }) => {
                assert_eq!(bytes, width, "{}", row.mnemonic);
                assert_eq!(Some(file), row.op.file(Target::Rs2), "{}", row.mnemonic);
                assert_eq!(memory, Some(Memory { bytes: touched, loads: false, stores: true }));
            }
            Shape::Atomic(Atomic { bytes, .. }) => {
                assert_eq!(bytes, width, "{}", row.mnemonic);
                assert_eq!(memory.map(|memory| memory.bytes), Some(touched));
            }
            // Of V-ISA (specification, 5.1): the same, and the upper bit says that it is OUT.
            Shape::Port(Port { bytes, direction }) => {
                let expected = if funct3 & 4 == 0 { Direction::Read } else { Direction::Write };
                assert_eq!((bytes, direction), (width, expected), "{}", row.mnemonic);
                let data = if funct3 & 4 == 0 { Target::Rd } else { Target::Rs2 };
                assert_eq!(row.op.file(data), Some(RegisterFile::Integer), "{}", row.mnemonic);
            }
            _ => assert_eq!(memory, None, "{}", row.mnemonic),
        }
    }
}

/// funct5 of atomics (14.2, 14.4).
#[test]
fn atomic_operations_are_those_of_the_encoding() {
    use AtomicOperation::*;
    for row in ROWS.iter().filter(|row| fields(row.op).opcode == ATOMIC) {
        let Shape::Atomic(Atomic { operation, .. }) = row.op.shape() else { panic!("{}", row.mnemonic) };
        let expected = match fields(row.op).funct7 >> 2 {
            0x02 => LoadReserved,
            0x03 => StoreConditional,
            0x01 => Swap,
            0x00 => Add,
            0x04 => Xor,
            0x08 => Or,
            0x0c => And,
            0x10 => Minimum,
            0x14 => Maximum,
            0x18 => MinimumUnsigned,
            0x1c => MaximumUnsigned,
            other => panic!("{}: funct5 {other:#x}", row.mnemonic),
        };
        assert_eq!(operation, expected, "{}", row.mnemonic);
    }
}

/// funct3 of branches: its lowest bit inverts the condition of the others (2.5.2).
#[test]
fn conditions_are_those_of_the_encoding() {
    let branch = |funct3: u32| {
        let is_it =
            |row: &&visa_isa::table::Row| (fields(row.op).opcode, fields(row.op).funct3) == (BRANCH, funct3);
        ROWS.iter().find(is_it).and_then(|row| row.op.shape().condition())
    };
    let pairs = [(0, Condition::Equal), (4, Condition::Less), (6, Condition::LessUnsigned)];
    for (funct3, condition) in pairs {
        assert_eq!(branch(funct3), Some(condition));
        assert_eq!(branch(funct3 | 1), Some(condition.negated()));
        assert_eq!(condition.negated().negated(), condition);
    }
    assert_eq!([branch(2), branch(3)], [None, None]);
}

/// The integer operations by funct3, in the forms with a register, with an immediate, and on words (2.4, 4.2, 13).
#[test]
fn computations_are_those_of_the_encoding() {
    use Operation::*;
    const BASE: [Operation; 8] = [Add, ShiftLeft, Less, LessUnsigned, Xor, ShiftRightLogical, Or, And];
    const MULTIPLY: [Operation; 8] = [
        Multiply,
        MultiplyHigh,
        MultiplyHighMixed,
        MultiplyHighUnsigned,
        Divide,
        DivideUnsigned,
        Remainder,
        RemainderUnsigned,
    ];
    for row in ROWS {
        let Shape::Compute(Compute { operation, width }) = row.op.shape() else { continue };
        let Fields { opcode, funct3, funct7, rs2 } = fields(row.op);
        let of_base = BASE[funct3 as usize];
        let expected = match (opcode, funct7, funct3) {
            (LUI, ..) => Immediate,
            (AUIPC, ..) => AddPc,
            // Without a shift amount, all of the upper bits are the immediate's.
            (IMMEDIATE | IMMEDIATE_WORD, _, 0 | 2 | 3 | 4 | 6 | 7) => of_base,
            // The lowest bit is the amount's in the 64-bit form.
            (IMMEDIATE | IMMEDIATE_WORD | REGISTERS | REGISTERS_WORD, 0x00, _) => of_base,
            (REGISTERS | REGISTERS_WORD, 0x20, 0) => Subtract,
            (_, 0x20, 5) => ShiftRightArithmetic,
            (REGISTERS | REGISTERS_WORD, 0x01, _) => MULTIPLY[funct3 as usize],
            // Zba, Zbb and Zbs (28).
            (REGISTERS_WORD, 0x04, 0) => Add,
            (IMMEDIATE_WORD, 0x04, 1) => ShiftLeft,
            (REGISTERS | REGISTERS_WORD, 0x10, 2) => ShiftAdd(1),
            (REGISTERS | REGISTERS_WORD, 0x10, 4) => ShiftAdd(2),
            (REGISTERS | REGISTERS_WORD, 0x10, 6) => ShiftAdd(3),
            (REGISTERS, 0x20, 4) => XorNot,
            (REGISTERS, 0x20, 6) => OrNot,
            (REGISTERS, 0x20, 7) => AndNot,
            (REGISTERS, 0x05, 4) => Minimum,
            (REGISTERS, 0x05, 5) => MinimumUnsigned,
            (REGISTERS, 0x05, 6) => Maximum,
            (REGISTERS, 0x05, 7) => MaximumUnsigned,
            (REGISTERS_WORD, 0x04, 4) => ZeroExtend(2),
            (IMMEDIATE | IMMEDIATE_WORD, 0x30, 1) => match rs2 {
                0 => LeadingZeros,
                1 => TrailingZeros,
                2 => PopulationCount,
                4 => SignExtend(1),
                5 => SignExtend(2),
                other => panic!("{}: {other}", row.mnemonic),
            },
            (IMMEDIATE, 0x14, 5) if rs2 == 7 => OrCombineBytes,
            (IMMEDIATE, 0x35, 5) if rs2 == 0x18 => ReverseBytes,
            (_, 0x30, 1) => RotateLeft,
            (_, 0x30, 5) => RotateRight,
            (_, 0x14, 1) => SetBit,
            (_, 0x24, 1) => ClearBit,
            (_, 0x24, 5) => ExtractBit,
            (_, 0x34, 1) => InvertBit,
            _ => panic!("{}: opcode {opcode:#x}, funct3 {funct3}, funct7 {funct7:#x}", row.mnemonic),
        };
        assert_eq!(operation, expected, "{}", row.mnemonic);
        let of_words = matches!(opcode, IMMEDIATE_WORD | REGISTERS_WORD);
        let expected = match (of_words, funct7) {
            (true, 0x04 | 0x10) if operation != ZeroExtend(2) => Width::UnsignedWord,
            (true, _) if operation != ZeroExtend(2) => Width::Word,
            _ => Width::Double,
        };
        assert_eq!(width, expected, "{}", row.mnemonic);
        let immediate = matches!(opcode, IMMEDIATE | IMMEDIATE_WORD | LUI | AUIPC);
        let unary = matches!(
            operation,
            LeadingZeros
                | TrailingZeros
                | PopulationCount
                | SignExtend(_)
                | ZeroExtend(_)
                | OrCombineBytes
                | ReverseBytes
        );
        assert_eq!(row.op.has_immediate(), immediate && !unary, "{}", row.mnemonic);
        assert_eq!(row.op.file(Target::Rs2).is_some(), !immediate && !unary, "{}", row.mnemonic);
    }
}

/// The lowest two bits of funct7 are the format, of conversions to floating point that of the result (20.3, 21.3).
#[test]
fn floats_are_those_of_the_encoding() {
    use FloatOperation::*;
    const INTEGERS: [IntegerFormat; 4] = [
        IntegerFormat::Word,
        IntegerFormat::UnsignedWord,
        IntegerFormat::Double,
        IntegerFormat::UnsignedDouble,
    ];
    for row in ROWS {
        let Shape::Float(Float { operation, precision }) = row.op.shape() else { continue };
        let Fields { opcode, funct3, funct7, rs2 } = fields(row.op);
        let expected = match (opcode, funct7 >> 2, funct3) {
            (0x43, ..) => MultiplyAdd,
            (0x47, ..) => MultiplySubtract,
            (0x4b, ..) => NegatedMultiplySubtract,
            (0x4f, ..) => NegatedMultiplyAdd,
            (_, 0x00, _) => Add,
            (_, 0x01, _) => Subtract,
            (_, 0x02, _) => Multiply,
            (_, 0x03, _) => Divide,
            (_, 0x0b, _) => SquareRoot,
            (_, 0x04, 0) => Sign,
            (_, 0x04, 1) => SignNegated,
            (_, 0x04, 2) => SignXor,
            (_, 0x05, 0) => Minimum,
            (_, 0x05, 1) => Maximum,
            (_, 0x08, _) => Convert,
            (_, 0x14, 0) => LessOrEqual,
            (_, 0x14, 1) => Less,
            (_, 0x14, 2) => Equal,
            (_, 0x18, _) => ToInteger(INTEGERS[rs2 as usize]),
            (_, 0x1a, _) => FromInteger(INTEGERS[rs2 as usize]),
            (_, 0x1c, 0) => MoveToInteger,
            (_, 0x1c, 1) => Classify,
            (_, 0x1e, 0) => MoveFromInteger,
            other => panic!("{}: {other:x?}", row.mnemonic),
        };
        assert_eq!(operation, expected, "{}", row.mnemonic);
        let format = [Precision::Single, Precision::Double][(funct7 & 3) as usize];
        assert_eq!(precision, format, "{}", row.mnemonic);
        if operation == Convert {
            let other = [Precision::Single, Precision::Double][rs2 as usize];
            assert_eq!(precision.other(), other, "{}", row.mnemonic);
        }
    }
}

/// funct3 of MSR instructions: the lower two bits say what they do, the upper one that the operand is in the place of rs1 (6.1).
#[test]
fn changes_of_msrs_are_those_of_the_encoding() {
    for row in ROWS {
        let Shape::Msr(change) = row.op.shape() else { continue };
        let Fields { funct3, .. } = fields(row.op);
        let expected = [MsrChange::Write, MsrChange::Set, MsrChange::Clear][(funct3 & 3) as usize - 1];
        assert_eq!(change, expected, "{}", row.mnemonic);
        assert_eq!(row.op.file(Target::Rs1).is_none(), funct3 & 4 != 0, "{}", row.mnemonic);
        for (rs1, writes) in [(0, change == MsrChange::Write), (1, true)] {
            let instruction = visa_isa::Instruction { rs1, ..visa_isa::Instruction::new(row.op) };
            let expected = if writes { change } else { MsrChange::None };
            assert_eq!(instruction.msr_change(), Some(expected), "{}", row.mnemonic);
        }
    }
}

#[test]
fn an_access_of_ports_ends_with_the_last_of_them() {
    let four = Port { bytes: 4, direction: Direction::Read };
    assert_eq!([0x3f8, 0xfffc, 0xfffe].map(|port| four.last(port)), [0x3fb, 0xffff, 0xffff]);
}
