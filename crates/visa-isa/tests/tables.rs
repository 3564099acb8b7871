//! The tables' own consistency, and encodings compared with words taken from the RISC-V specification's examples and
//! from GNU as by hand.

use visa_isa::operand::{Kind, Operand};
use visa_isa::table::{Format, ROWS};
use visa_isa::{Instruction, Op, compressed, decode, encode, encode_compressed, msr, register, vmcs};

/// A small deterministic generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

#[test]
fn fixed_bits_lie_in_their_masks_and_outside_of_operands() {
    for row in ROWS {
        assert_eq!(row.bits.value & !row.bits.mask, 0, "{}", row.mnemonic);
        let mut covered = row.bits.mask;
        for operand in row.format.operands() {
            for slice in operand.slices() {
                let bits = ((1u64 << slice.len) - 1) << slice.word;
                assert_eq!(covered as u64 & bits, 0, "{}: {} overlaps", row.mnemonic, operand.name());
                covered |= bits as u32;
            }
        }
        assert_eq!(covered, u32::MAX, "{}: bits that nothing covers", row.mnemonic);
    }
}

#[test]
fn rows_are_indexed_by_their_op_and_mnemonics_are_unique() {
    for (index, row) in ROWS.iter().enumerate() {
        assert_eq!(row.op as usize, index);
        assert_eq!(ROWS.iter().filter(|other| other.mnemonic == row.mnemonic).count(), 1, "{}", row.mnemonic);
    }
}

#[test]
fn operand_names_in_syntax_strings_are_the_formats_operands() {
    for format in Format::ALL {
        let names: Vec<&str> =
            format.syntax().split([',', ' ', '(', ')']).filter(|name| !name.is_empty()).collect();
        let visible =
            format.operands().iter().filter(|o| !matches!(o.kind(), Kind::Rounding | Kind::Ordering));
        assert_eq!(names, visible.map(|o| o.name()).collect::<Vec<_>>(), "{format:?}");
    }
}

#[test]
fn every_word_that_decodes_encodes_back() {
    let mut random = Random(1);
    let mut seen = vec![0u32; ROWS.len()];
    for row in ROWS {
        for _ in 0..2000 {
            let word = random.next() as u32 & !row.bits.mask | row.bits.value;
            let Some(instruction) = decode(word) else { continue };
            seen[instruction.op as usize] += 1;
            assert_eq!(encode(&instruction), Ok(word), "{} {word:#010x}", instruction.op.row().mnemonic);
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "a row that nothing decodes to");
}

#[test]
fn every_compressed_word_that_decodes_encodes_back() {
    let mut seen = 0;
    for half in 0..=u16::MAX {
        let Some(row) = compressed::Row::of(half) else { continue };
        let instruction = decode(half as u32).expect("a row means a legal word");
        assert_eq!(instruction.length, 2);
        assert_eq!(encode_compressed(row, &instruction), Ok(half), "{} {half:#06x}", row.mnemonic);
        seen += 1;
    }
    // 49,152 words are not full-length; the rest are the reserved ones.
    assert!((45_000..49_152).contains(&seen), "{seen}");
}

#[test]
fn known_words() {
    let cases: &[(u32, Op, [i32; 4])] = &[
        // word, instruction, rd, rs1, rs2, imm
        (0x0010_0513, Op::Addi, [10, 0, 0, 1]),
        (0xfe07_9ce3, Op::Bne, [0, 15, 0, -8]),
        (0x8000_00ef, Op::Jal, [1, 0, 0, -1048576]),
        (0xfea4_2e23, Op::Sw, [0, 8, 10, -4]),
        (0x1805_1073, Op::Csrrw, [0, 10, 0, 0x180]),
        (0x0000_800b, Op::Vmenter, [0, 1, 0, 0]),
        (0x0200_000b, Op::Vmresume, [0, 0, 0, 0]),
        (0x0400_000b, Op::Vmexit, [0, 0, 0, 0]),
        (0x0a00_008b, Op::Vmcause, [1, 0, 0, 0]),
        (0x0000_900b, Op::Ldgptbr, [0, 1, 0, 0]),
        (0x0201_100b, Op::Ldhptbr, [0, 2, 0, 0]),
        (0x0400_100b, Op::Tlbflushv, [0, 0, 0, 0]),
        (0x3f80_00ab, Op::Inb, [1, 0, 0, 0x3f8]),
        (0x3e10_4c2b, Op::Outb, [0, 0, 1, 0x3f8]),
        (0x0000_b00b, Op::VintSend, [0, 1, 0, 0]),
        // Compressed: c.addi16sp sp,-64; c.ldsp ra,8(sp); c.mv a0,a1; c.beqz a0,.+6
        (0x7139, Op::Addi, [2, 2, 0, -64]),
        (0x60a2, Op::Ld, [1, 2, 0, 8]),
        (0x852e, Op::Add, [10, 0, 11, 0]),
        (0xc119, Op::Beq, [0, 10, 0, 6]),
    ];
    for &(word, op, [rd, rs1, rs2, imm]) in cases {
        let decoded = decode(word).unwrap_or_else(|| panic!("{word:#x} is illegal"));
        let length = if word & 3 == 3 { 4 } else { 2 };
        let expected =
            Instruction { rd: rd as u8, rs1: rs1 as u8, rs2: rs2 as u8, imm, length, ..Instruction::new(op) };
        assert_eq!(decoded, expected, "{word:#x}");
    }
}

#[test]
fn reserved_words_are_illegal() {
    for word in [0, 0xffff_ffff, 0x4002, 0x6101, 0x8002, 0x0000_0004] {
        assert_eq!(decode(word), None, "{word:#x}");
    }
    // fadd.s with the reserved rounding modes 5 and 6.
    assert_eq!(decode(0x0000_5053), None);
    assert_eq!(decode(0x0000_6053), None);
}

/// Every value of the reserved fields (unprivileged specification, 2.7 and Zifencei), the other bits of each word being those of
/// the fence that it executes as.
#[test]
fn reserved_fields_of_fences_are_ignored() {
    let base = |word| decode(word).unwrap_or_else(|| panic!("{word:#010x} is illegal"));
    let registers = (0..32).flat_map(|rd| (0..32).map(move |rs1| rd << 7 | rs1 << 15));
    for fields in registers {
        for upper in 0..1 << 12 {
            let word = upper << 20 | fields | 0x1000 | 0x0f;
            assert_eq!(base(word), Instruction::new(Op::FenceI), "{word:#010x}");
            let word = upper << 20 | fields | 0x0f;
            let decoded = base(word);
            match word {
                0x0100_000f => assert_eq!(decoded.op, Op::Pause),
                0x8330_000f => assert_eq!(decoded.op, Op::FenceTso),
                _ => {
                    let sets = (upper & 0xff) as i32;
                    assert_eq!(
                        decoded,
                        Instruction { imm: sets, ..Instruction::new(Op::Fence) },
                        "{word:#010x}"
                    );
                }
            }
        }
    }
    // The other minor opcodes of MISC-MEM are not the base's.
    for minor in 2..8 {
        assert_eq!(decode(minor << 12 | 0x0f), None, "{minor}");
    }
}

/// Hints (unprivileged specification, 2.9 and 26.3): what would compute into R0 is legal, and what it computes goes nowhere.
#[test]
fn hints_are_instructions() {
    let writes_integer = |op: Op| op.row().format.operands().contains(&Operand::Rd);
    let mut random = Random(3);
    for row in ROWS.iter().filter(|row| row.group == visa_isa::Group::Base && writes_integer(row.op)) {
        for _ in 0..500 {
            let word = (random.next() as u32 & !row.bits.mask | row.bits.value) & !(0x1f << 7);
            let decoded = decode(word).unwrap_or_else(|| panic!("{} {word:#010x}", row.mnemonic));
            assert_eq!((decoded.op, decoded.rd), (row.op, 0), "{word:#010x}");
        }
    }
    let register = |number: u16| number << 7;
    for number in 0..32 {
        for low in 0..64u16 {
            let immediate = (low & 31) << 2 | (low & 32) << 7;
            // c.addi rd, 0 (c.nop with an immediate is rd = 0); c.li, c.lui, c.slli of R0; shifts by 0.
            let mut hints = vec![0x0001 | immediate, 0x4001 | immediate, 0x0002 | immediate];
            hints.extend([0x0001 | register(number), 0x0002 | register(number)]);
            hints.extend([0x8001 | register(number & 7), 0x8401 | register(number & 7)]);
            if low != 0 {
                hints.push(0x6001 | immediate);
            }
            if number != 0 {
                // c.mv and c.add of R0.
                hints.extend([0x8002 | number << 2, 0x9002 | number << 2]);
            }
            for half in hints {
                assert!(decode(half.into()).is_some(), "{half:#06x}");
            }
        }
    }
}

#[test]
fn out_of_range_operands_are_refused() {
    let too_far = Instruction { rs1: 1, imm: 4096, ..Instruction::new(Op::Beq) };
    let error = encode(&too_far).unwrap_err();
    assert_eq!(error.to_string(), "target is 4096, which is outside -4096 to 4094");
    let odd = Instruction { imm: 3, ..Instruction::new(Op::Jal) };
    assert_eq!(encode(&odd).unwrap_err().to_string(), "jump is 3, which is not a multiple of 2");
}

#[test]
fn msrs_are_sorted_and_their_names_unique() {
    assert!(msr::MSRS.windows(2).all(|pair| pair[0].number < pair[1].number));
    for entry in msr::MSRS {
        assert_eq!(msr::by_name(entry.name).map(|found| found.number), Some(entry.number));
    }
    assert_eq!(msr::by_control_register(3).map(|found| found.name), Some("satp"));
}

#[test]
fn vmcs_fields_do_not_overlap_and_fit_the_page() {
    let mut end = 0;
    for field in vmcs::FIELDS {
        assert!(field.offset >= end && field.offset.is_multiple_of(8), "{}", field.name);
        end = field.offset + field.count * 8;
    }
    assert!(end as u64 <= vmcs::SIZE);
}

#[test]
fn register_names() {
    assert_eq!(register::integer("r0"), Some(0));
    assert_eq!(register::integer("x31"), Some(31));
    assert_eq!(register::integer("fp"), Some(8));
    assert_eq!(register::integer("t6"), Some(31));
    for bad in ["r32", "r01", "r", "r+1", "rsp", "f1"] {
        assert_eq!(register::integer(bad), None, "{bad}");
    }
    assert_eq!(register::float("f31"), Some(31));
    assert_eq!(register::float("fa0"), Some(10));
}

#[test]
fn operand_ranges() {
    assert_eq!(Operand::ImmI.range(), (-2048, 2047));
    assert_eq!(Operand::ImmB.range(), (-4096, 4094));
    assert_eq!(Operand::CAddi16sp.range(), (-512, 496));
    assert_eq!(Operand::CRdShort.range(), (8, 15));
    assert_eq!(Operand::PortIn.range(), (0, 4095));
}
