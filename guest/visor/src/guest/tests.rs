//! Fetching through a guest's tables, and the rules of privileged instructions. Expected values are by hand from the RISC-V
//! privileged specification.

use super::memory::Region;
use super::privileged;
use super::space::{FetchFault, Memory, Space};
use std::collections::HashMap;
use visa_isa::cause::Exception;
use visa_isa::{Instruction, Op};

const RAM: u64 = 0x8000_0000;
const ROOT: u64 = RAM;
const SV39: u64 = 8 << 60;
const SV48: u64 = 9 << 60;
/// V, R, X and A; U is 0x10.
const CODE: u64 = 0b0100_1011;
const POINTER: u64 = 1;

/// Memory by halves.
#[derive(Default)]
struct Halves(HashMap<u64, u16>);

impl Memory for Halves {
    fn entry(&self, physical: u64) -> u64 {
        assert_eq!(physical % 8, 0);
        (0..4).map(|index| u64::from(self.half(physical + 2 * index)) << (16 * index)).sum()
    }

    fn half(&self, physical: u64) -> u16 {
        assert!((RAM..RAM + 0x1_0000).contains(&physical), "{physical:#x} is not the guest's");
        self.0.get(&physical).copied().unwrap_or(0)
    }
}

impl Halves {
    fn put(&mut self, physical: u64, value: u64) {
        for index in 0..4 {
            self.0.insert(physical + 2 * index, (value >> (16 * index)) as u16);
        }
    }

    fn map(&mut self, table: u64, index: u64, target: u64, bits: u64) {
        self.put(table + 8 * index, target >> 12 << 10 | bits);
    }
}

const MEMORY: &[Region] = &[Region::identity(RAM, 0x1_0000)];

fn fetch(memory: &Halves, satp: u64, kernel: bool, address: u64) -> Result<u32, FetchFault> {
    Space { regions: MEMORY, satp, kernel }.instruction(memory, address)
}

/// Two pages that follow each other in the address space and not in memory: 0x1000 at RAM + 0x6000, 0x2000 at
/// RAM + 0x4000; the page after is not mapped.
fn two_pages(first: u64, second: u64) -> Halves {
    let mut memory = Halves::default();
    memory.map(ROOT, 0, RAM + 0x1000, POINTER);
    memory.map(RAM + 0x1000, 0, RAM + 0x2000, POINTER);
    memory.map(RAM + 0x2000, 1, RAM + 0x6000, first);
    memory.map(RAM + 0x2000, 2, RAM + 0x4000, second);
    memory.0.insert(RAM + 0x6ffc, 0x8082);
    memory.0.insert(RAM + 0x6ffe, 0x0073);
    memory.0.insert(RAM + 0x4000, 0x1020);
    memory
}

#[test]
fn an_instruction_may_be_compressed_or_reach_into_the_next_page() {
    let memory = two_pages(CODE, CODE);
    let satp = SV39 | ROOT >> 12;
    assert_eq!(fetch(&memory, satp, true, 0x1ffc), Ok(0x8082), "C.JR ra");
    assert_eq!(fetch(&memory, satp, true, 0x1ffe), Ok(0x1020_0073), "SRET");
    let memory = two_pages(CODE, 0);
    assert_eq!(fetch(&memory, satp, true, 0x1ffe), Err(FetchFault(Exception::FetchPageFault, 0x2000)));
}

#[test]
fn a_fetch_obeys_the_tables() {
    let satp = SV39 | ROOT >> 12;
    let page_fault = |address| Err(FetchFault(Exception::FetchPageFault, address));
    let user = two_pages(CODE | 0x10, CODE);
    assert_eq!(fetch(&user, satp, true, 0x1ffc), page_fault(0x1ffc), "Ring 0 runs no page of Ring 3");
    assert_eq!(fetch(&user, satp, false, 0x1ffc), Ok(0x8082));
    assert_eq!(fetch(&user, satp, false, 0x1ffe), page_fault(0x2000), "nor Ring 3 one of Ring 0");
    let data = two_pages(0b0100_0011, CODE);
    assert_eq!(fetch(&data, satp, true, 0x1ffc), page_fault(0x1ffc), "X is clear");
    assert_eq!(fetch(&user, satp, true, 0x40_0000_1ffc), page_fault(0x40_0000_1ffc), "not sign-extended");
    assert_eq!(fetch(&user, 5 << 60, true, 0x1ffc), page_fault(0x1ffc), "no such mode");
    let mut large = Halves::default();
    large.map(ROOT, 2, RAM, CODE);
    large.0.insert(RAM + 0x8000, 0x8082);
    assert_eq!(fetch(&large, satp, true, 0x8000_8000), Ok(0x8082), "1 GiB");
    large.map(ROOT, 2, RAM + 0x1000, CODE);
    assert_eq!(fetch(&large, satp, true, 0x8000_8000), page_fault(0x8000_8000), "misaligned");
}

#[test]
fn sv48_has_a_level_more_and_bare_none() {
    let mut memory = two_pages(CODE, CODE);
    memory.map(RAM + 0x7000, 0, ROOT, POINTER);
    assert_eq!(fetch(&memory, SV48 | (RAM + 0x7000) >> 12, true, 0x1ffc), Ok(0x8082));
    assert_eq!(fetch(&memory, 0, true, RAM + 0x6ffc), Ok(0x8082));
    assert_eq!(fetch(&memory, 0, true, 0x1000), Err(FetchFault(Exception::FetchAccessFault, 0x1000)));
}

#[test]
fn tables_and_code_outside_of_the_guests_memory_are_access_faults() {
    let access_fault = Err(FetchFault(Exception::FetchAccessFault, 0x1000));
    let mut memory = Halves::default();
    memory.map(ROOT, 0, 0x9000_0000, POINTER);
    assert_eq!(fetch(&memory, SV39 | ROOT >> 12, true, 0x1000), access_fault, "a table");
    assert_eq!(fetch(&memory, SV39 | 0x9000_0000 >> 12, true, 0x1000), access_fault, "the root");
    let mut memory = two_pages(CODE, CODE);
    memory.map(RAM + 0x2000, 1, 0x9000_0000, CODE);
    assert_eq!(fetch(&memory, SV39 | ROOT >> 12, true, 0x1000), access_fault, "the code");
}

#[test]
fn a_return_restores_ring_and_interrupts() {
    const SIE: u64 = 1 << 1;
    const SPIE: u64 = 1 << 5;
    const SPP: u64 = 1 << 8;
    assert_eq!(privileged::after_return(SPP | SPIE), (SIE | SPIE, false));
    assert_eq!(privileged::after_return(SIE), (SPIE, true));
    assert_eq!(privileged::after_return(SPIE | 3 << 13), (SIE | SPIE | 3 << 13, true), "FS stays");
}

#[test]
fn msr_instructions_write_as_their_forms_say() {
    let write = |op, rs1: u8, old, register| {
        privileged::written(&Instruction { rd: 1, rs1, imm: 0x100, ..Instruction::new(op) }, old, register)
    };
    assert_eq!(write(Op::Csrrw, 0, 0b1100, 0), Some(0), "even with R0");
    assert_eq!(write(Op::Csrrs, 5, 0b1100, 0b1010), Some(0b1110));
    assert_eq!(write(Op::Csrrc, 5, 0b1100, 0b1010), Some(0b0100));
    assert_eq!(write(Op::Csrrs, 0, 0b1100, 0), None);
    assert_eq!(write(Op::Csrrwi, 0, 0b1100, 99), Some(0), "the immediate, not the register");
    assert_eq!(write(Op::Csrrsi, 2, 0b1100, 99), Some(0b1110));
    assert_eq!(write(Op::Csrrci, 4, 0b1100, 99), Some(0b1000));
    assert_eq!(write(Op::Csrrci, 0, 0b1100, 99), None);
    assert_eq!(write(Op::Add, 5, 0b1100, 99), None);
}
