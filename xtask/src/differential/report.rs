//! What is printed of a difference: the instructions of the unit, what they started from, what came out.

use super::image::Placed;
use super::results::{Pair, Results};
use std::fmt::Write;
use visa_fuzz::program::{Line, block};

/// The text of a difference: of a program cut after the unit that differs, the state before that unit, and what the
/// engines made of it.
pub fn difference(placed: &Placed, before: Option<&Results>, after: &Pair) -> String {
    let mut text = String::new();
    match placed.unit_count.checked_sub(1) {
        None => text += "    in the code that loads and stores all registers\n",
        // Where the program starts does not matter for a listing but for its addresses.
        Some(last) => {
            for line in placed.program.unit_lines(0, last) {
                text += &format!("    {}\n", describe(&line));
            }
        }
    }
    text += &ending(after);
    if let (Ok(theirs), Ok(ours)) = (&after.theirs, &after.ours) {
        text += &states(placed, before, theirs, ours);
    }
    text
}

/// The registers and memory that changed, differ, or that the last unit reads.
fn states(placed: &Placed, before: Option<&Results>, theirs: &Results, ours: &Results) -> String {
    let words = |results: &Results| -> Vec<u64> {
        let bytes = results.of(placed).chunks_exact(8);
        bytes.map(|word| u64::from_le_bytes(word.try_into().expect("a chunk of eight bytes"))).collect()
    };
    let (theirs, ours) = (words(theirs), words(ours));
    let before = before.map_or_else(|| theirs.clone(), words);
    let mut text = format!("    {:<24}{:<20}{:<20}V-ISA\n", "", "before", "QEMU");
    for (index, &before) in before.iter().enumerate() {
        let (theirs, ours) = (theirs[index], ours[index]);
        if theirs != before || ours != before || is_source(placed, index) {
            let mark = if theirs == ours { ' ' } else { '!' };
            let what = block::describe(index as u64 * 8);
            writeln!(text, "  {mark} {what:<24}{before:016x}    {theirs:016x}    {ours:016x}")
                .expect("a string takes all that is written to it");
        }
    }
    text
}

/// How the runs ended, if one failed or ended with a trap.
pub fn ending(pair: &Pair) -> String {
    let mut text = String::new();
    for (name, run) in [("QEMU", &pair.theirs), ("V-ISA", &pair.ours)] {
        match run {
            Err(error) => text += &format!("    {name}: {error:#}\n"),
            Ok(results) => {
                if let Some([cause, address, value]) = results.trap() {
                    text += &format!(
                        "    {name}: a trap of Ring -1, cause {cause}, address {address:#x}, value {value:#x}\n"
                    );
                }
            }
        }
    }
    text
}

/// Whether the word of this index is a register that the last unit names.
fn is_source(placed: &Placed, index: usize) -> bool {
    const REGISTERS: usize = 64;
    let Some(last) = placed.unit_count.checked_sub(1).filter(|_| index < REGISTERS) else {
        return index == (block::FCSR / 8) as usize;
    };
    placed.program.unit_lines(0, last).iter().any(|line| {
        let row = line.instruction.op.row();
        row.format.operands().iter().any(|operand| {
            use visa_isa::operand::Kind;
            let register = operand.get(&line.instruction) as usize;
            match operand.kind() {
                Kind::Integer => register == index,
                Kind::Float => register + 32 == index,
                _ => false,
            }
        })
    })
}

/// Bits, mnemonic and operands by name.
fn describe(line: &Line) -> String {
    let row = line.instruction.op.row();
    let digits = usize::from(line.instruction.length) * 2;
    let mut text = format!("{:<10}{:<12}", format!("{:0digits$x}", line.bits), row.mnemonic);
    for operand in row.format.operands() {
        text += &format!(" {} {}", operand.name(), operand.get(&line.instruction));
    }
    text
}
