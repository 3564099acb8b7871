//! The checker accepts what the emitter makes, and nothing that was broken.

use std::collections::BTreeSet;

use iced_x86::{Code, Decoder, DecoderOptions, FastFormatter, Instruction, Mnemonic, OpKind, Register};
use visa_asm::{Options, assemble};
use visa_isa::paging::PAGE_SIZE;
use visa_mem::Ram;

use super::{Fault, Subject, check};
use crate::block::{self, End};
use crate::emit::{self, Emitted, Source};
use crate::memory::CodeMemory;
use crate::region;
use crate::registers::{BUDGET, MAPPED};
use crate::trampolines::Trampolines;

const BASE: u64 = 0x8000_0000;

/// An outer loop that leaves R10 where it is between blocks, and an inner one that displaces it.
const DISPLACED: &str = "
outer:  add  t5, a1, a2
top:    srli t1, a2, 43
        slli s2, a2, 21
        srli s1, a5, 32
        add  a6, a6, a2
        or   a3, t1, s2
        xor  a4, a4, a5
        or   a7, a7, s1
        bne  t2, t3, top
        sd   a4, 40(a0)
        addi a1, a1, 1
        ld   a5, 40(a0)
last:   bltu a1, t5, outer
";

/// 32-bit sums whose extension is left out, a branch over a computation.
const WORDS: &str = "
outer:  addw  s3, s3, a0
        subw  s3, s3, s4
        xor   s5, s3, s4
        bltz  s3, 1f
        addi  s3, s3, 5
1:      slli  t0, s4, 32
        srli  t0, t0, 32
        cpopw t1, s4
        sw    s3, 8(sp)
        addiw a0, a0, -1
last:   bnez  a0, outer
";

/// Groups of accesses, a branch that leaves among them, and one that ends inside.
const ACCESSES: &str = "
outer:  ld   a1, 0(a0)
        ld   a2, 8(a0)
        beqz a2, out
        ld   a3, 16(a0)
        add  s2, s2, a1
        add  s2, s2, a2
        sd   s2, 24(a0)
        sd   a3, 32(a0)
        lw   t0, 40(sp)
        amoadd.w t1, t0, (a0)
        addi a0, a0, 8
last:   bne  a0, a5, outer
out:    nop
";

/// Floating point that XMM registers keep around a loop.
const FLOATS: &str = "
outer:  fld     fa0, 0(a0)
        fld     fa1, 8(a0)
        fmul.d  fa2, fa0, fa1
        fadd.d  fs0, fs0, fa2
        flw     ft0, 16(a0)
        fadd.s  ft1, ft1, ft0
        flt.s   t0, ft0, ft1
        fcvt.w.d t1, fa2, rtz
        add     t2, t2, t1
        fsd     fs0, 24(a0)
        addi    a0, a0, 32
last:   bne     a0, a1, outer
";

/// What has no template: the interpreter is called.
const INTERPRETED: &str = "
outer:  addw   s3, s3, a0
        mulhsu s4, s3, a1
        fadd.d fa0, fa1, fa2, rup
        addiw  a0, a0, -1
last:   bnez   a0, outer
";

const PROGRAMS: [(&str, &str); 5] = [
    ("displaced", DISPLACED),
    ("words", WORDS),
    ("accesses", ACCESSES),
    ("floats", FLOATS),
    ("interpreted", INTERPRETED),
];

/// What was emitted, and with what.
struct Made {
    emitted: Emitted,
    address: usize,
    first_place: Option<usize>,
    trampolines: Trampolines,
}

impl Made {
    fn check(&self) -> Result<(), Fault> {
        check(&Subject {
            emitted: &self.emitted,
            marks: self.emitted.marks.as_ref().unwrap(),
            address: self.address,
            first_link: 7,
            first_place: self.first_place,
            trampolines: &self.trampolines,
            thunk: None,
        })
    }
}

/// A program in RAM, and the offset of its last branch.
fn load(program: &str) -> (Ram, u64) {
    let object = assemble(program, "loop.s", &Options::default()).unwrap();
    let ram = Ram::new(BASE, 2 * PAGE_SIZE).unwrap();
    let flat = object.to_flat();
    flat.iter().enumerate().for_each(|(at, byte)| ram.store_u8(at as u64, *byte).unwrap());
    let last = object.symbols.iter().find(|symbol| symbol.name == "last").unwrap();
    (ram, last.value - BASE)
}

fn source<'a>(ram: &Ram, slots: &'a [visa_interp::Slot], end: End) -> Source<'a> {
    Source { slots, end, start: BASE, ram: ram.host_pointer() as u64, table: None, marked: true }
}

/// A program as a region, that goes by predicted pages or does not.
fn region_of(program: &str, predicts: bool) -> Made {
    let (ram, last) = load(program);
    let mut memory = CodeMemory::new().unwrap();
    let trampolines = Trampolines::new(&mut memory);
    let region = region::find(&ram, 0, BASE, BASE + last, &BTreeSet::new()).unwrap();
    let address = memory.next_address();
    let first_place = predicts.then_some(40);
    let source = source(&ram, &[], End::Jump);
    let emitted = emit::region(&trampolines, address, &source, &region, 7, first_place).unwrap();
    Made { emitted, address, first_place, trampolines }
}

/// Its first instructions as a block.
fn block_of(program: &str) -> Made {
    let (ram, _) = load(program);
    let mut memory = CodeMemory::new().unwrap();
    let trampolines = Trampolines::new(&mut memory);
    let (slots, end) = block::decode(&ram, 0, BASE, &BTreeSet::new());
    let address = memory.next_address();
    let emitted = emit::block(&trampolines, address, &source(&ram, &slots, end), 7).unwrap();
    Made { emitted, address, first_place: None, trampolines }
}

fn all() -> impl Iterator<Item = (String, Made)> {
    PROGRAMS.into_iter().flat_map(|(name, program)| {
        [
            (format!("{name}, a block"), block_of(program)),
            (format!("{name}, a region"), region_of(program, false)),
            (format!("{name}, predicting"), region_of(program, true)),
        ]
    })
}

#[test]
fn what_is_emitted_is_right() {
    for (name, made) in all() {
        if let Err(fault) = made.check() {
            panic!("{name}: {fault}");
        }
    }
}

/// Whether the code is wrong without an instruction of the host: one that moves a register of the guest, or the budget. What is
/// stored twice, as around calls of the interpreter, is not meant, nor is what XMM registers get again though nobody reads it.
fn matters(made: &Made, i: &Instruction) -> bool {
    let is_hart = i.memory_base() == Register::RBP && i.memory_index() == Register::None;
    let is_slot = is_hart && {
        let at = i.memory_displacement64() as usize;
        let registers = visa_core::layout::INTEGER..visa_core::layout::INTEGER + 256;
        let floats = visa_core::layout::FLOAT..visa_core::layout::FLOAT + 256;
        registers.contains(&at) || floats.contains(&at)
    };
    let guest = |register: Register| {
        MAPPED
            .iter()
            .any(|(_, host)| register.is_gpr() && register.full_register().number() == *host as usize)
    };
    let budget = i.op0_register().full_register().number() == BUDGET as usize && i.op0_register().is_gpr();
    // What a local trampoline does for the host is no matter of the guest's registers.
    let within = (i.ip() as usize - made.address) < made.local();
    match i.mnemonic() {
        Mnemonic::Movsd | Mnemonic::Movss if is_slot => within && i.op0_kind() == OpKind::Memory,
        Mnemonic::Mov if is_slot => within,
        Mnemonic::Mov | Mnemonic::Lea | Mnemonic::Movsxd if i.op0_kind() == OpKind::Register => {
            within && guest(i.op0_register())
        }
        Mnemonic::Add if budget => true,
        Mnemonic::Cmovae | Mnemonic::Cmovb | Mnemonic::Cmovl | Mnemonic::Cmovge => true,
        _ => false,
    }
}

impl Made {
    /// Where the code that executes instructions ends, and that which serves it begins.
    fn local(&self) -> usize {
        let last = self.emitted.links.iter().map(|link| link.stub).min();
        last.unwrap_or(self.emitted.code.len())
    }
}

#[test]
fn every_move_matters() {
    let (mut broken, mut unseen) = (0, Vec::new());
    for (name, mut made) in all().filter(|(name, _)| !name.starts_with("interpreted")) {
        let code = made.emitted.code.clone();
        let decoder = Decoder::with_ip(64, &code, made.address as u64, DecoderOptions::NONE);
        for i in decoder.into_iter().filter(|i| i.code() != Code::INVALID) {
            if !matters(&made, &i) {
                continue;
            }
            let offset = i.ip() as usize - made.address;
            made.emitted.code[offset..offset + i.len()].fill(0x90);
            broken += 1;
            if made.check().is_ok() {
                let mut text = String::new();
                FastFormatter::new().format(&i, &mut text);
                unseen.push(format!("{name}: {offset:#x}: {text}"));
            }
            made.emitted.code.clone_from(&code);
        }
    }
    assert!(broken > 300, "only {broken} instructions were taken away");
    // A group whose first access the interpreter has executed stores once more what that has stored.
    assert!(unseen.len() <= 2, "{} of {broken} were not missed:\n{}", unseen.len(), unseen.join("\n"));
}

#[test]
fn floating_point_is_read_again_where_xmm_registers_were_spoilt() {
    let mut made = region_of(FLOATS, false);
    let code = made.emitted.code.clone();
    for i in Decoder::with_ip(64, &code, made.address as u64, DecoderOptions::NONE) {
        let loads = matches!(i.mnemonic(), Mnemonic::Movsd) && i.op0_kind() == OpKind::Register;
        if loads && i.memory_base() == Register::RBP {
            let offset = i.ip() as usize - made.address;
            made.emitted.code[offset..offset + i.len()].fill(0x90);
        }
    }
    assert!(made.check().unwrap_err().what.contains("XMM register"));
}

#[test]
fn a_register_that_an_inner_loop_displaces_must_have_been_stored() {
    let mut made = region_of(DISPLACED, false);
    assert!(made.check().is_ok());
    // The first store is that of R10, before the loop: without it the slot is older than the register.
    let slot = crate::registers::offset(10) as u64;
    let code = made.emitted.code.clone();
    let mut decoder = Decoder::with_ip(64, &code, made.address as u64, DecoderOptions::NONE).into_iter();
    let store =
        decoder.find(|i| i.op0_kind() == OpKind::Memory && i.memory_displacement64() == slot).unwrap();
    let offset = store.ip() as usize - made.address;
    made.emitted.code[offset..offset + store.len()].fill(0x90);
    let fault = made.check().unwrap_err();
    assert!(fault.what.contains("R10") || fault.what.contains("holds nothing"), "{fault}");
}
