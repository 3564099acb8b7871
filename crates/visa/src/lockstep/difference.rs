//! A difference between engines, in words.

use std::fmt::Write;

use visa_machine::lockstep::state::SHOWN_BYTES;
use visa_machine::lockstep::{Difference, Executed, MemoryMismatch};

use crate::numbers::grouped;
use crate::symbols::Symbols;

/// Instructions that are shown.
const SHOWN: usize = 8;

/// The whole report of an engine. Writing to a `String` does not fail.
pub fn describe(engine: &str, difference: &Difference, symbols: &Symbols) -> String {
    let mut text = format!("\nvisa: {engine}: {}\n", summary(difference));
    if let Some(last) = difference.executed.last() {
        let place = symbols.describe(last.ring, last.pc);
        let place = format!("hart {}, {}, pc {:#018x} {place}", last.hart, last.ring.name(), last.pc);
        let _ = writeln!(text, "  {}\n\nThe interpreter executed last:", place.trim_end());
        let from = difference.executed.len().saturating_sub(SHOWN);
        for (index, executed) in difference.executed.iter().enumerate().skip(from) {
            let mark = if index + 1 == difference.executed.len() { '>' } else { ' ' };
            let _ = writeln!(text, "{mark} {}", instruction(executed, symbols));
        }
    }
    text.push('\n');
    text + &table(difference)
}

fn summary(difference: &Difference) -> String {
    let [agreed, found] = [difference.agreed, difference.found].map(grouped);
    if difference.found == 0 {
        "the machines differ before the first instruction".into()
    } else if agreed == found {
        format!("after {agreed} instructions the engines differ before another one retires")
    } else {
        format!("instruction {found} makes the engines differ; after {agreed} they are the same")
    }
}

fn instruction(executed: &Executed, symbols: &Symbols) -> String {
    let Executed { hart, ring, pc, bits, retired, .. } = executed;
    let (shown, text) = match bits {
        Some(bits) if bits & 3 == 3 => (format!("{bits:08x}"), visa_asm::format_instruction(*bits, *pc)),
        Some(bits) => (format!("{:04x}", *bits as u16), visa_asm::format_instruction(*bits, *pc)),
        None => ("-".into(), "(an interrupt comes)".into()),
    };
    let note = if *retired || bits.is_none() { "" } else { " (does not retire)" };
    let place = symbols.describe(*ring, *pc);
    let line = format!("hart {hart} {:<7} {pc:#018x}  {shown:<8}  {text:<32} {place}{note}", ring.name());
    line.trim_end().into()
}

/// What differs, side by side, with the place that changed it last.
pub fn table(difference: &Difference) -> String {
    let mut rows = vec![["What differs", "JIT", "interpreter", "changed last at"].map(String::from)];
    let place = |index: Option<usize>| {
        index.and_then(|index| difference.executed.get(index)).map_or("-".into(), |executed| {
            let text = executed.bits.map(|bits| visa_asm::format_instruction(bits, executed.pc));
            format!("{:#x}  {}", executed.pc, text.as_deref().unwrap_or("(interrupt)"))
        })
    };
    for mismatch in &difference.mismatches {
        let owner = mismatch.hart.map_or(String::new(), |hart| format!("hart {hart}, "));
        rows.push([
            format!("{owner}{}", mismatch.name),
            mismatch.fast.to_string(),
            mismatch.reference.to_string(),
            place(difference.last_change(mismatch)),
        ]);
    }
    let mut text = String::new();
    if let Some(memory) = &difference.memory {
        let index = (memory.address - memory.shown_from) as usize % SHOWN_BYTES;
        let byte = |bytes: [u8; SHOWN_BYTES]| format!("{:#04x}", bytes[index]);
        rows.push([
            format!("RAM at {:#x}", memory.address),
            byte(memory.fast),
            byte(memory.reference),
            place(difference.last_store()),
        ]);
        text = bytes_around(memory);
    }
    columns(&rows) + &text
}

fn bytes_around(memory: &MemoryMismatch) -> String {
    let hex = |bytes: [u8; SHOWN_BYTES]| bytes.map(|byte| format!("{byte:02x}")).join(" ");
    format!(
        "\nRAM from {:#x}\n  JIT          {}\n  interpreter  {}\n",
        memory.shown_from,
        hex(memory.fast),
        hex(memory.reference)
    )
}

/// Cells below each other.
fn columns(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2].map(width);
    let mut text = String::new();
    for [name, fast, reference, place] in rows {
        let line =
            format!("  {name:<0$}  {fast:<1$}  {reference:<2$}  {place}", widths[0], widths[1], widths[2]);
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use visa_isa::Ring;
    use visa_machine::lockstep::{Mismatch, Value};

    use super::*;

    fn executed(pc: u64, bits: Option<u32>, changed: &[&str]) -> Executed {
        Executed {
            hart: 1,
            ring: Ring::Kernel,
            pc,
            bits,
            retired: bits.is_some(),
            changed: changed.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>(),
            stored: None,
        }
    }

    /// The value is two instructions old, as it is where generated code is wrong in its middle.
    #[test]
    fn the_report_names_place_values_and_who_changed_them() {
        let mismatch = Mismatch {
            hart: Some(1),
            name: "guest: R5 (t0)".into(),
            fast: Value::Bits(1),
            reference: Value::Bits(2),
        };
        let difference = Difference {
            agreed: 1_000,
            found: 1_001,
            mismatches: vec![mismatch],
            memory: Some(MemoryMismatch {
                address: 0x8000_0003,
                shown_from: 0x8000_0000,
                fast: [7; SHOWN_BYTES],
                reference: [8; SHOWN_BYTES],
            }),
            executed: vec![
                executed(0x10, Some(0x0012_8293), &["guest: R5 (t0)"]),
                executed(0x14, None, &[]),
                executed(0x20, Some(0x0000_0073), &[]),
            ],
        };
        let expected = "
visa: lockstep: instruction 1,001 makes the engines differ; after 1,000 they are the same
  hart 1, Ring 0, pc 0x0000000000000020

The interpreter executed last:
  hart 1 Ring 0  0x0000000000000010  00128293  addi t0, t0, 1
  hart 1 Ring 0  0x0000000000000014  -         (an interrupt comes)
> hart 1 Ring 0  0x0000000000000020  00000073  ecall

  What differs            JIT                 interpreter         changed last at
  hart 1, guest: R5 (t0)  0x0000000000000001  0x0000000000000002  0x10  addi t0, t0, 1
  RAM at 0x80000003       0x07                0x08                -

RAM from 0x80000000
  JIT          07 07 07 07 07 07 07 07 07 07 07 07 07 07 07 07
  interpreter  08 08 08 08 08 08 08 08 08 08 08 08 08 08 08 08
";
        assert_eq!(describe("lockstep", &difference, &Symbols::default()), expected);
    }
}
