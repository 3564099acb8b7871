//! docs/spec/tables: the specification's tables, one file each.

use super::output::Output;
use super::text::NOTICE;
use std::fmt::Write;
use visa_isa::operand::{Kind, Operand};
use visa_isa::table::{ROWS, Row};
use visa_isa::{Group, Ring, cause, compressed, exit, io, msr, trap_filter, vmcs};

const DIRECTORY: &str = "docs/spec/tables";

/// The files.
pub fn generate() -> Vec<Output> {
    let mut outputs = vec![
        page("registers", "Registers by number", registers()),
        page("causes", "Causes", causes()),
        page("trap-filter", "VMTRAPCFG", trap_filter()),
        page("vmcs", "The VMCS", vmcs()),
        page("vmqual", "VMQUAL", qualification()),
        page("io", "Descriptors and policies", descriptors()),
        page("compressed", "Compressed forms", compressed_forms()),
    ];
    outputs.extend(Group::ALL.iter().map(|&group| {
        let title = format!("Instructions of the group `{}`", group.name());
        page(&format!("instructions-{}", group.name()), &title, instructions(group))
    }));
    outputs
}

fn page(name: &str, title: &str, body: String) -> Output {
    Output::new(format!("{DIRECTORY}/{name}.md"), format!("<!-- {NOTICE} -->\n# {title}\n\n{body}"))
}

/// A table of Markdown.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn instructions(group: Group) -> String {
    let rows = ROWS.iter().filter(|row| row.group == group).map(|row| {
        vec![
            format!("`{}`", text_of(row)),
            format!("`{}`", diagram(row.bits.mask, row.bits.value, row.format.operands(), 32)),
            row.ring.name().into(),
            row.summary.into(),
        ]
    });
    let legend = "The encoding stands from bit 31 down to bit 0: fixed bits as digits, an operand as its name and width, \
        with the bits of its value where they are not all together.\n\n";
    format!("{legend}{}", table(&["Syntax", "Encoding", "From", "Operation"], rows))
}

/// The mnemonic with its operands, brackets around those that may be left out.
fn text_of(row: &Row) -> String {
    let operands = row.format.operands();
    let ordered = operands.iter().any(|operand| operand.kind() == Kind::Ordering);
    let rounded = operands.iter().any(|operand| operand.kind() == Kind::Rounding);
    let suffix = if ordered { "[.aq|.rl|.aqrl]" } else { "" };
    let mut text = match (row.format.syntax(), row.format.optional()) {
        ("", _) => String::new(),
        (syntax, 0) => format!(" {syntax}"),
        (syntax, 1) => format!(" [{syntax}]"),
        (syntax, _) => format!(" [{}]", syntax.replacen(", ", "[, ", 1) + "]"),
    };
    if rounded {
        text += "[, rm]";
    }
    format!("{}{suffix}{text}", row.mnemonic)
}

/// The word's bits from the highest down: runs of fixed digits and operand slices.
fn diagram(mask: u32, value: u32, operands: &[Operand], width: u32) -> String {
    let mut cells: Vec<String> = Vec::new();
    let mut bit = width;
    while bit > 0 {
        let top = bit - 1;
        let slice = operands.iter().find_map(|operand| {
            let slice = operand.slices().iter().find(|slice| u32::from(slice.word + slice.len) == bit)?;
            Some((operand, *slice))
        });
        match slice {
            Some((operand, slice)) => {
                let high = slice.value + slice.len - 1;
                let bits = match (operand.slices().len(), slice.len) {
                    (1, _) => format!(":{}", slice.len),
                    (_, 1) => format!("[{high}]"),
                    _ => format!("[{high}:{}]", slice.value),
                };
                cells.push(format!("{}{bits}", operand.name()));
                bit -= u32::from(slice.len);
            }
            None => {
                let mut digits = String::new();
                while bit > 0 && mask >> (bit - 1) & 1 != 0 && (bit - 1 == top || !is_field_end(bit, width)) {
                    digits.push(if value >> (bit - 1) & 1 != 0 { '1' } else { '0' });
                    bit -= 1;
                }
                if digits.is_empty() {
                    bit -= 1;
                }
                cells.push(digits);
            }
        }
    }
    cells.join(" ")
}

/// Whether a field of the base formats ends below this bit, so that digits are grouped as readers know them
/// (RISC-V unprivileged specification, 2.2).
fn is_field_end(bit: u32, width: u32) -> bool {
    match width {
        32 => matches!(bit, 25 | 20 | 15 | 12 | 7),
        _ => matches!(bit, 13 | 12 | 10 | 7 | 5 | 2),
    }
}

fn compressed_forms() -> String {
    let rows = compressed::ROWS.iter().map(|row| {
        let condition = match row.constraint {
            compressed::Constraint::Any => "",
            compressed::Constraint::Immediate => "the immediate is not 0",
            compressed::Constraint::Destination => "rd is not R0",
            compressed::Constraint::Source1 => "rs1 is not R0",
            compressed::Constraint::Source2 => "rs2 is not R0",
        };
        vec![
            format!("`{} {}`", row.mnemonic, row.syntax).replace(" `", "`"),
            format!("`{}`", diagram(row.mask.into(), row.value.into(), row.operands, 16)),
            format!("`{}`", row.op.row().mnemonic),
            condition.into(),
        ]
    });
    table(&["Syntax", "Encoding, bits 15 to 0", "Stands for", "Legal if"], rows)
}

fn registers() -> String {
    let rows = msr::MSRS.iter().map(|entry| {
        let access = match entry.kept {
            0 => "read".into(),
            u64::MAX => "read, write".into(),
            kept if kept.leading_ones() > 8 => format!("read, write all but `{:#x}`", !kept),
            kept => format!("read, write `{kept:#x}`"),
        };
        vec![
            format!("{:#05x}", entry.number),
            entry.name.to_uppercase(),
            entry.cr.map(|cr| format!("CR{cr}")).unwrap_or_default(),
            msr::ring(entry.number).name().into(),
            access,
            entry.summary.into(),
        ]
    });
    let mut out =
        String::from("Where a write does not keep all 64 bits, the access names those that it keeps.\n\n");
    out += &table(&["MSR", "Name", "CR", "From", "Access", "What it holds"], rows);
    let (r0, f0) = (msr::GUEST_R0, msr::GUEST_F0);
    let _ = writeln!(
        out,
        "| {r0:#05x} to {:#05x} | VMR0 to VMR31 | | {ring} | read, write | the guest's R0 to R31 |\n\
         | {f0:#05x} to {:#05x} | VMF0 to VMF31 | | {ring} | read, write | the bits of the guest's F0 to F31 |",
        r0 + 31,
        f0 + 31,
        ring = Ring::Hypervisor.name(),
    );
    out
}

fn causes() -> String {
    let exits = cause::ExitCause::ALL
        .iter()
        .map(|&cause| vec![format!("{:#04x}", cause as u8), cause.name().into(), cause.summary().into()]);
    let exceptions = cause::Exception::ALL
        .iter()
        .map(|&exception| vec![(exception as u8).to_string(), exception.name().into()]);
    format!(
        "## VM exits: VMCAUSE\n\n{}\n## Exceptions: scause, HVCAUSE, EXCMAP\n\n{}",
        table(&["VMCAUSE", "Name", "When"], exits),
        table(&["Number", "Exception"], exceptions)
    )
}

fn trap_filter() -> String {
    let rows = trap_filter::BITS
        .iter()
        .map(|&(bit, name, summary)| vec![format!("b{bit}"), name.into(), summary.into()]);
    format!(
        "A bit that is set makes the event cause a VM exit.\n\n{}",
        table(&["Bit", "Name", "Event"], rows)
    )
}

fn vmcs() -> String {
    let rows = vmcs::FIELDS.iter().map(|field| {
        let live = field.msr.and_then(msr::by_number).map(|entry| entry.name.to_uppercase());
        vec![
            format!("{:#05x}", field.offset),
            field.name.into(),
            field.count.to_string(),
            format!("{:?}", field.section).to_lowercase(),
            live.unwrap_or_default(),
            requirement(field.check),
            field.summary.into(),
        ]
    });
    format!(
        "{} bytes, aligned to as many; every value is 64 bits, little-endian. REVISION holds {:#x}.\n\n{}",
        vmcs::SIZE,
        vmcs::REVISION_VALUE,
        table(
            &["Offset", "Field", "Values", "Part", "Live in", "An entry asks that it", "What it holds"],
            rows
        )
    )
}

/// What an entry asks of a field, in words.
fn requirement(check: vmcs::Check) -> String {
    use vmcs::Check;
    match check {
        Check::Any => String::new(),
        Check::Revision => "has that value".into(),
        Check::Zero(bits) => format!("has none of the bits `{bits:#x}`"),
        Check::NotZero => "is not 0".into(),
        Check::AtMost(most) => format!("is at most {most}"),
        Check::Map(bytes) => format!("is 0, or a multiple of 4096 with {bytes} bytes in RAM"),
        Check::NestedBase => "has a mode that there is, and its root in RAM".into(),
        Check::TableBase => "has a mode that there is".into(),
        Check::Action => "is an action; complete, if an instruction has exited".into(),
        Check::Injection => "can be injected, if the action is to inject".into(),
        Check::Ring => "is 0 or 3".into(),
        Check::Ranges => "is as IOVMAP takes it, and overlaps no other".into(),
    }
}

fn qualification() -> String {
    let rows = exit::qualification::FIELDS.iter().map(|field| {
        let bits = match field.width {
            1 => field.low.to_string(),
            width => format!("{}:{}", field.low + width - 1, field.low),
        };
        vec![bits, field.name.into(), field.summary.into()]
    });
    table(&["Bits", "Name", "What it says"], rows)
}

fn descriptors() -> String {
    let kinds = (0..=u8::MAX)
        .filter_map(|number| io::RangeKind::from_number(number.into()))
        .map(|kind| vec![(kind as u8).to_string(), kind.name().into()]);
    let policies = (0..4)
        .map(|bits| vec![bits.to_string(), format!("{:?}", io::Policy::from_bits(bits)).to_lowercase()]);
    let offsets = [
        (io::range::KIND, "kind"),
        (io::range::GUEST_ADDRESS, "first guest-physical address"),
        (io::range::LENGTH, "length in bytes"),
        (io::range::TARGET, "passthrough: the physical address that it maps to; trap: the cookie"),
    ];
    let offsets = offsets.map(|(offset, meaning)| vec![offset.to_string(), meaning.into()]);
    format!(
        "## IOVMAP's descriptor\n\n{} bytes, aligned to as many.\n\n{}\n## Kinds of ranges\n\n{}\n## Policies\n\n{}",
        io::RANGE_BYTES,
        table(&["Offset", "Value"], offsets),
        table(&["Number", "Kind"], kinds),
        table(&["Bits", "Policy"], policies)
    )
}
