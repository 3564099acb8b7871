//! Our bytes against those of GNU as, where it is installed.

use object::{Object as _, ObjectSection};
use std::path::{Path, PathBuf};
use std::process::Command;
use visa_asm::{Options, assemble, format_instruction};
use visa_isa::operand::Kind;
use visa_isa::table::ROWS;
use visa_isa::{Op, decode, msr};

const ASSEMBLER: &str = "riscv64-unknown-elf-as";
const LINKER: &str = "riscv64-unknown-elf-ld";

fn is_installed() -> bool {
    let found = [ASSEMBLER, LINKER].iter().all(|tool| Command::new(tool).arg("--version").output().is_ok());
    if !found {
        eprintln!("skipped: {ASSEMBLER} and {LINKER} are not installed");
    }
    found
}

/// The sections that GNU as and ld make of a source, linked at the addresses that ours have.
fn gnu(name: &str, source: &str, ours: &visa_asm::Object) -> Vec<(String, Vec<u8>)> {
    let file = |suffix: &str| -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gnu-{name}.{suffix}"))
    };
    let (text, relocatable, linked) = (file("s"), file("o"), file("elf"));
    std::fs::write(&text, source).expect("a writable directory");
    let run = Command::new(ASSEMBLER)
        .args(["-march=rv64gc_zba_zbb_zbs_zihintpause", "-mno-relax", "-o"])
        .args([&relocatable, &text])
        .output()
        .expect("GNU as");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut link = Command::new(LINKER);
    link.args(["--no-relax", "-e", "0"]);
    for section in &ours.sections {
        link.arg(format!("--section-start={}={:#x}", section.name, section.address));
    }
    let run = link.arg("-o").args([&linked, &relocatable]).output().expect("GNU ld");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let bytes = std::fs::read(&linked).expect("the linker's output");
    let elf = object::File::parse(&*bytes).expect("the linker's ELF");
    ours.sections
        .iter()
        .map(|section| {
            let found = elf.section_by_name(&section.name).expect("the same sections");
            assert_eq!(found.address(), section.address, "{}", section.name);
            (section.name.clone(), found.data().expect("bytes").to_vec())
        })
        .collect()
}

/// Compares section by section, and names the first line that differs.
fn compare(name: &str, source: &str) {
    let ours = assemble(source, name, &Options::default())
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    for (index, (section, theirs)) in gnu(name, source, &ours).into_iter().enumerate() {
        let data = &ours.sections[index].data;
        let differs = data.iter().zip(&theirs).position(|(a, b)| a != b);
        if let Some(at) = differs {
            let address = ours.sections[index].address + at as u64;
            let line = ours.lines.iter().find(|record| {
                record.section == index && (record.address..record.address + record.size).contains(&address)
            });
            let line = line.map_or(0, |record| record.line);
            let text = source.lines().nth(line.saturating_sub(1) as usize).unwrap_or("");
            let word = |bytes: &[u8]| bytes[at & !1..(at + 8).min(bytes.len())].to_vec();
            panic!("{name}:{line}: `{}`: ours {:x?}, GNU {:x?}", text.trim(), word(data), word(&theirs));
        }
        // GNU as fills sections up to their alignment.
        let padding = theirs.len().checked_sub(data.len());
        let is_padding = padding.is_some_and(|padding| (padding as u64) < ours.sections[index].alignment);
        assert!(is_padding, "{name}: {section} is {} long, {} with GNU", data.len(), theirs.len());
    }
}

#[test]
fn the_written_sample_is_the_same() {
    if !is_installed() {
        return;
    }
    let text = include_str!("../../../tests/asm/gnu/base.s");
    compare("base", &format!(".option norvc\n{text}"));
    compare("base-rvc", &format!(".option rvc\n{text}"));
}

#[test]
fn conditions_repetitions_and_numbers_of_seven_bits_are_the_same() {
    if !is_installed() {
        return;
    }
    let text = include_str!("../../../tests/asm/gnu/control.s");
    compare("control", &format!(".option norvc\n{text}"));
    compare("control-rvc", &format!(".option rvc\n{text}"));
}

/// Whether GNU as can know the instruction, and it means the same anywhere.
fn is_common(word: u32) -> bool {
    let Some(instruction) = decode(word) else { return false };
    let row = instruction.op.row();
    let operands = row.format.operands();
    let is_relative = operands.iter().any(|operand| operand.kind() == Kind::PcRelative);
    let is_csr = operands.iter().any(|operand| operand.kind() == Kind::Msr);
    let is_known_csr = !msr::is_visa(instruction.imm as u16) && instruction.imm != i32::from(msr::STIMECMP);
    // GNU as has no text for an empty set.
    let is_empty_fence = row.op == Op::Fence && (instruction.imm & 0xf == 0 || instruction.imm & 0xf0 == 0);
    // Conversions that are always exact have no rounding mode in the text of older versions.
    let is_exact = matches!(row.op, Op::FcvtDS | Op::FcvtDW | Op::FcvtDWu) && instruction.rm != 0;
    !row.group.is_visa() && !is_exact && !is_relative && (!is_csr || is_known_csr) && !is_empty_fence
}

#[test]
fn random_operands_of_every_base_instruction_are_the_same() {
    if !is_installed() {
        return;
    }
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u32
    };
    let mut lines = Vec::new();
    for row in ROWS {
        for _ in 0..40 {
            // Small register numbers now and then, so that compressed forms come up.
            let noise = if lines.len() % 3 == 0 { random() & 0x0187_bc7f | 0x0104_2400 } else { random() };
            let word = noise & !row.bits.mask | row.bits.value;
            if is_common(word) {
                lines.push(format_instruction(word, 0));
            }
        }
    }
    assert!(lines.len() > 5000, "{}", lines.len());
    let text = lines.join("\n");
    compare("random", &format!(".option norvc\n{text}\n"));
    compare("random-rvc", &format!(".option rvc\n{text}\n"));
}

#[test]
fn every_compressed_mnemonic_is_the_same() {
    if !is_installed() {
        return;
    }
    let mut lines = Vec::new();
    for half in (0..=u16::MAX).filter(|half| half & 3 != 3).step_by(7) {
        let Some(instruction) = decode(half.into()) else { continue };
        // Hints have no text that GNU as takes everywhere.
        let is_hint = match instruction.op {
            Op::Addi => instruction.rd == 0 || instruction.rd == instruction.rs1 && instruction.imm == 0,
            Op::Add | Op::Lui => instruction.rd == 0,
            Op::Slli | Op::Srli | Op::Srai => instruction.rd == 0 || instruction.imm == 0,
            _ => false,
        };
        if is_common(half.into()) && !is_hint {
            lines.push(format_instruction(half.into(), 0));
        }
    }
    assert!(lines.len() > 3000, "{}", lines.len());
    compare("compressed", &format!(".option rvc\n{}\n", lines.join("\n")));
}
