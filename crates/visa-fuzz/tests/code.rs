//! The code around random programs, and the machine around wild guests.

use visa_fuzz::code::{Code, register::*};
use visa_fuzz::wild_guest::{GUEST_MEMORY, WildGuest};
use visa_isa::{Op, decode_word};

/// What the few instructions that make constants leave in a register.
fn evaluate(code: &Code) -> u64 {
    let mut value = 0u64;
    for word in code.bytes().chunks(4) {
        let instruction = decode_word(u32::from_le_bytes(word.try_into().unwrap())).unwrap();
        let source = if instruction.rs1 == T0 { value } else { 0 };
        let imm = instruction.imm as u64;
        value = match instruction.op {
            Op::Addi => source.wrapping_add(imm),
            Op::Addiw => source.wrapping_add(imm) as i32 as u64,
            Op::Lui => imm,
            Op::Slli => source << imm,
            other => panic!("{other:?} makes no constant"),
        };
    }
    value
}

#[test]
fn constants_of_every_size() {
    let mut values =
        vec![0, 0x7ff, 0x800, 0x801, 0x7fff_f7ff, 0x7fff_f800, 0x8000_0000, 0xffff_ffff, u64::MAX];
    for shift in 0..64 {
        let bit = 1u64 << shift;
        values.extend([bit, bit - 1, bit + 1, !bit, bit.wrapping_neg(), 0x8765_4321_0fed_cba9 >> shift]);
    }
    for value in values {
        let mut code = Code::at(0);
        code.constant(T0, value);
        assert_eq!(evaluate(&code), value, "{value:#x}: {code:?}");
        assert!(code.bytes().len() <= 8 * 4, "{value:#x} takes {} bytes", code.bytes().len());
    }
}

#[test]
fn labels_before_and_after() {
    let mut code = Code::at(0x100);
    let (back, ahead) = (code.placed(), code.label());
    code.branch(Op::Beq, T0, ZERO, ahead);
    code.jump(back);
    code.place(ahead);
    code.jump_to(0x100);
    // beq x5, x0, +8; jal x0, -4; jal x0, -8
    let expected = [0x0002_8463u32, 0xffdf_f06f, 0xff9f_f06f];
    assert_eq!(code.bytes(), expected.map(u32::to_le_bytes).concat());
}

#[test]
fn wild_guests_follow_from_their_seed_and_do_not_overlap() {
    let guest = WildGuest::random(7, 1000);
    let again = WildGuest::random(7, 1000);
    assert!(guest.segments.iter().zip(&again.segments).all(|(one, other)| one.bytes == other.bytes));
    for (first, second) in guest.segments.iter().zip(&guest.segments[1..]) {
        assert!(first.address + first.bytes.len() as u64 <= second.address, "{:#x}", first.address);
    }
    let memory = guest.segments.last().unwrap();
    assert_eq!(
        (memory.address, memory.bytes.len() as u64),
        (GUEST_MEMORY.start, GUEST_MEMORY.end - GUEST_MEMORY.start)
    );
}
