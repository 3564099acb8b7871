//! Compiled sites: what is taken into a run, and that each instruction is one that the machine has.

use crate::software::compile::{Entry, compile, may_be_site};
use visa_isa::{Instruction, Op, decode_word, encode, msr};

fn csr(op: Op, rd: u8, number: u16, rs1: u8) -> u32 {
    encode(&Instruction { rd, rs1, imm: number as i32, ..Instruction::new(op) }).unwrap()
}

fn run(words: &[u32], entry: Entry) -> Option<(usize, Vec<Op>)> {
    let mut buffer = [0; 512];
    let (count, length) = compile(words, entry, true, &mut buffer)?;
    let code = buffer[..length].iter();
    Some((count, code.map(|&word| decode_word(word).unwrap_or_else(|| panic!("{word:#010x}")).op).collect()))
}

#[test]
fn a_kernels_entry_is_one_run_up_to_the_first_other_instruction() {
    let words = [
        csr(Op::Csrrc, 9, msr::SSTATUS, 5),
        csr(Op::Csrrs, 18, msr::SEPC, 0),
        csr(Op::Csrrs, 19, msr::STVAL, 0),
        csr(Op::Csrrs, 20, msr::SCAUSE, 0),
        csr(Op::Csrrs, 21, msr::SSCRATCH, 0),
        encode(&Instruction { rs1: 2, rs2: 8, ..Instruction::new(Op::Sd) }).unwrap(),
        csr(Op::Csrrw, 0, msr::SSCRATCH, 0),
    ];
    let (count, code) = run(&words, Entry::Trap).unwrap();
    assert_eq!(count, 5);
    assert_eq!(code.last(), Some(&Op::Sret));
}

#[test]
fn a_run_ends_where_an_interrupt_may_come_or_rust_is_called() {
    let enable = csr(Op::Csrrsi, 0, msr::SSTATUS, 2);
    let read = csr(Op::Csrrs, 10, msr::SEPC, 0);
    let fence = encode(&Instruction { rs1: 10, ..Instruction::new(Op::SfenceVma) }).unwrap();
    let sret = encode(&Instruction::new(Op::Sret)).unwrap();
    assert_eq!(run(&[enable, read], Entry::Trap).unwrap().0, 1);
    assert_eq!(run(&[read, fence, read], Entry::Trap).unwrap().0, 2);
    assert_eq!(run(&[read, sret], Entry::Trap).unwrap().0, 1, "SRET stands alone");
    assert_eq!(run(&[sret], Entry::Trap).unwrap().0, 1);
}

#[test]
fn at_the_vector_only_the_exchange_of_sscratch_is_compiled() {
    let exchange = csr(Op::Csrrw, 4, msr::SSCRATCH, 4);
    assert_eq!(run(&[exchange, exchange], Entry::Vector).unwrap().0, 2);
    assert_eq!(run(&[csr(Op::Csrrs, 4, msr::SEPC, 0)], Entry::Vector), None);
}

#[test]
fn what_rust_has_to_decide_is_no_site() {
    for word in [
        csr(Op::Csrrw, 0, msr::STVEC, 5),
        csr(Op::Csrrw, 5, msr::SATP, 5),
        csr(Op::Csrrsi, 0, msr::SSTATUS, 3),
        csr(Op::Csrrs, 5, msr::VMTRAPCFG, 0),
        encode(&Instruction::new(Op::Vmexit)).unwrap(),
        0,
        0xffff_ffff,
    ] {
        assert!(!may_be_site(word), "{word:#010x}");
    }
}

#[test]
fn code_that_does_not_fit_is_refused() {
    let mut buffer = [0; 10];
    assert_eq!(compile(&[csr(Op::Csrrs, 10, msr::SSTATUS, 0)], Entry::Trap, false, &mut buffer), None);
}
