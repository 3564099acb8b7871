//! Whole programs as text that assembles back to the same bytes.

use crate::format::{Style, format_with};
use crate::lexer::{Token, lex};
use crate::registers::is_register;
use object::{Object as _, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags, SegmentFlags};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use visa_isa::decode;

/// How to disassemble.
#[derive(Clone, Debug)]
pub struct DisassembleOptions {
    /// Address of the first byte, for input that is not ELF.
    pub base: u64,
    /// Which names to use.
    pub style: Style,
    /// Whether sections of data are shown too, so that a whole ELF file assembles back.
    pub data: bool,
    /// Whether each line ends with address and bytes, as a comment.
    pub addresses: bool,
}

impl Default for DisassembleOptions {
    fn default() -> Self {
        DisassembleOptions { base: 0x8000_0000, style: Style::Abi, data: false, addresses: true }
    }
}

/// Input that cannot be disassembled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisassembleError(String);

impl std::fmt::Display for DisassembleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DisassembleError {}

/// Zeros at the end of a section that takes no room in the file are shown as one directive.
struct Part<'a> {
    name: String,
    flags: &'static str,
    address: u64,
    bytes: &'a [u8],
    size: u64,
    is_code: bool,
    labels: Labels,
}

/// Symbols by address.
type Labels = BTreeMap<u64, Vec<String>>;

/// Disassembles an ELF file for RISC-V, or any other bytes as a flat image.
pub fn disassemble(bytes: &[u8], options: &DisassembleOptions) -> Result<String, DisassembleError> {
    if bytes.starts_with(b"\x7fELF") {
        return disassemble_elf(bytes, options);
    }
    let part = Part {
        name: ".text".into(),
        flags: "ax",
        address: options.base,
        bytes,
        size: bytes.len() as u64,
        is_code: true,
        labels: Labels::new(),
    };
    Ok(write_parts(&[part], options))
}

fn disassemble_elf(bytes: &[u8], options: &DisassembleOptions) -> Result<String, DisassembleError> {
    let malformed =
        |error: object::read::Error| DisassembleError(format!("not a readable ELF file: {error}"));
    let file = object::File::parse(bytes).map_err(malformed)?;
    if file.architecture() != object::Architecture::Riscv64 {
        return Err(DisassembleError(format!(
            "an ELF file for {:?}, not for 64-bit RISC-V",
            file.architecture()
        )));
    }
    let mut parts = Vec::new();
    let mut seen = HashSet::new();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        if !sh_flags.contains(object::elf::SHF_ALLOC) || section.size() == 0 {
            continue;
        }
        let is_code = sh_flags.contains(object::elf::SHF_EXECINSTR);
        let is_writable = sh_flags.contains(object::elf::SHF_WRITE);
        if is_code || options.data {
            let data = section.data().map_err(malformed)?;
            let name = section.name().map_err(malformed)?;
            let flags = if is_code {
                "ax"
            } else if is_writable {
                "aw"
            } else {
                "a"
            };
            let labels = labels(&file, &mut seen, |symbol| symbol.section_index() == Some(section.index()));
            let place = (section.address(), section.size());
            parts.push(part(name, flags, place, data, labels, parts.len()));
        }
    }
    if parts.is_empty() {
        for segment in file.segments() {
            let SegmentFlags::Elf { p_flags, .. } = segment.flags() else { continue };
            let is_code = p_flags.contains(object::elf::PF_X);
            if is_code || options.data {
                let data = segment.data().map_err(malformed)?;
                let flags = if is_code { "ax" } else { "aw" };
                let place = (segment.address(), data.len() as u64);
                let end = place.0.saturating_add(place.1);
                let labels = labels(&file, &mut seen, |symbol| (place.0..end).contains(&symbol.address()));
                parts.push(part("", flags, place, data, labels, parts.len()));
            }
        }
    }
    Ok(write_parts(&parts, options))
}

fn part<'a>(
    name: &str,
    flags: &'static str,
    (address, size): (u64, u64),
    bytes: &'a [u8],
    labels: Labels,
    index: usize,
) -> Part<'a> {
    let is_plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-$".contains(&b));
    let name = if is_plain { name.into() } else { format!(".part{index}") };
    Part { name, flags, address, bytes, size, is_code: flags == "ax", labels }
}

/// The symbols of a part that can be labels. A name serves once in a file.
fn labels(
    file: &object::File,
    seen: &mut HashSet<String>,
    is_in_part: impl Fn(&object::Symbol) -> bool,
) -> Labels {
    let mut by_address = Labels::new();
    for symbol in file.symbols().filter(is_in_part) {
        let Ok(name) = symbol.name() else { continue };
        let is_place = !matches!(symbol.kind(), object::SymbolKind::Section | object::SymbolKind::File);
        if is_place && is_symbol_name(name) && seen.insert(name.to_string()) {
            by_address.entry(symbol.address()).or_default().push(name.into());
        }
    }
    by_address
}

/// Whether the assembler takes a name for a symbol wherever it stands. `$x` and its like mark kinds of content.
fn is_symbol_name(name: &str) -> bool {
    let is_name =
        matches!(lex(name)[..], [one] if one.token == Token::Name && one.start == 0 && one.end == name.len());
    is_name && name != "." && !name.starts_with('$') && !is_register(name)
}

fn write_parts(parts: &[Part], options: &DisassembleOptions) -> String {
    // Names that generated labels must not have: those of symbols, and of other parts at the same addresses.
    let mut taken: HashSet<String> =
        parts.iter().flat_map(|part| part.labels.values().flatten().cloned()).collect();
    let mut out = String::from(".option norvc\n");
    let mut names = HashSet::new();
    for (index, part) in parts.iter().enumerate() {
        let mut name = part.name.clone();
        // Two sections of a name would become one.
        if !names.insert(name.clone()) {
            name = format!("{name}.{index}");
            names.insert(name.clone());
        }
        let kind = if part.bytes.is_empty() { "nobits" } else { "progbits" };
        let _ = writeln!(out, "\n.section {name}, \"{}\", @{kind}", part.flags);
        PartWriter { part, options, out: &mut out }.write(&mut taken);
    }
    out
}

struct PartWriter<'a> {
    part: &'a Part<'a>,
    options: &'a DisassembleOptions,
    out: &'a mut String,
}

/// Shortest run of zeros that is shown as one directive, and the bytes of a line of data.
const ZERO_RUN: usize = 16;
const DATA_LINE: usize = 8;

impl PartWriter<'_> {
    fn write(&mut self, taken: &mut HashSet<String>) {
        let starts = self.starts();
        let boundaries: BTreeSet<u64> = starts.iter().map(|&(offset, _)| self.address(offset)).collect();
        let mut targets = self.targets(&starts, &boundaries);
        targets.retain(|&target| taken.insert(generated(target)));
        for &(offset, length) in &starts {
            let address = self.address(offset);
            self.write_labels(address, &targets);
            let text = self.text(offset, length, &boundaries, &targets);
            self.line(&text, address, &self.part.bytes[offset..offset + length]);
        }
        if self.part.bytes.is_empty() {
            self.write_labels(self.part.address, &targets);
            let size = self.part.size;
            self.line(&format!(".zero {size}"), self.part.address, &[]);
        }
        // Symbols at the end, unless another part begins there.
        let end = self.part.address.wrapping_add(self.part.size);
        self.write_labels(end, &targets);
    }

    fn address(&self, offset: usize) -> u64 {
        self.part.address.wrapping_add(offset as u64)
    }

    /// Offset and length of every line.
    fn starts(&self) -> Vec<(usize, usize)> {
        let bytes = self.part.bytes;
        let mut list = Vec::new();
        let mut offset = 0;
        while offset < bytes.len() {
            let length = self.unit(offset).max(1);
            list.push((offset, length));
            offset += length;
        }
        list
    }

    fn unit(&self, offset: usize) -> usize {
        let rest = &self.part.bytes[offset..];
        let to_label = self.to_next_label(offset).min(rest.len());
        let zeros = rest[..to_label].iter().take_while(|&&byte| byte == 0).count();
        if zeros >= ZERO_RUN {
            // Code goes on at an even address.
            return if self.part.is_code { zeros & !1 } else { zeros };
        }
        if !self.part.is_code {
            return DATA_LINE.min(to_label);
        }
        match rest {
            [_] => 1,
            [low, _, _, _, ..] if low & 3 == 3 => 4,
            _ => 2,
        }
    }

    /// Bytes from here to the next symbol, which has to begin a line in data.
    fn to_next_label(&self, offset: usize) -> usize {
        let address = self.address(offset);
        let next = self.part.labels.range(address.saturating_add(1)..).next();
        next.map_or(usize::MAX, |(&next, _)| usize::try_from(next - address).unwrap_or(usize::MAX))
    }

    fn bits(&self, offset: usize, length: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes[..length].copy_from_slice(&self.part.bytes[offset..offset + length]);
        u32::from_le_bytes(bytes)
    }

    fn is_instruction(&self, length: usize) -> bool {
        self.part.is_code && matches!(length, 2 | 4)
    }

    /// Addresses in this part that branches go to and that have no symbol.
    fn targets(&self, starts: &[(usize, usize)], boundaries: &BTreeSet<u64>) -> BTreeSet<u64> {
        let mut targets = BTreeSet::new();
        for &(offset, length) in starts.iter().filter(|&&(_, length)| self.is_instruction(length)) {
            let Some(instruction) = decode(self.bits(offset, length)) else { continue };
            let operands = instruction.op.row().format.operands();
            if operands.iter().any(|operand| operand.kind() == visa_isa::operand::Kind::PcRelative) {
                let target = self.address(offset).wrapping_add(instruction.imm as i64 as u64);
                if boundaries.contains(&target) && !self.part.labels.contains_key(&target) {
                    targets.insert(target);
                }
            }
        }
        targets
    }

    fn write_labels(&mut self, address: u64, targets: &BTreeSet<u64>) {
        // At the end of one part and the start of another, the symbols belong to the other.
        let end = self.part.address.wrapping_add(self.part.size);
        if address == end && address != self.part.address {
            return;
        }
        for name in self.part.labels.get(&address).into_iter().flatten() {
            let _ = writeln!(self.out, "{name}:");
        }
        if targets.contains(&address) {
            let _ = writeln!(self.out, "{}:", generated(address));
        }
    }

    fn text(
        &self,
        offset: usize,
        length: usize,
        boundaries: &BTreeSet<u64>,
        targets: &BTreeSet<u64>,
    ) -> String {
        let bytes = &self.part.bytes[offset..offset + length];
        if length >= ZERO_RUN || !self.part.is_code && bytes.iter().all(|&byte| byte == 0) {
            return format!(".zero {length}");
        }
        if !self.is_instruction(length) {
            let list: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
            return format!(".byte {}", list.join(", "));
        }
        let bits = self.bits(offset, length);
        let target = |distance: i32| self.target(offset, distance, boundaries, targets);
        // Two bytes at the end that look like the first half of a word are none.
        let is_whole = length == 4 || bits & 3 != 3;
        let text = if is_whole { format_with(self.options.style, bits, &target) } else { None };
        text.unwrap_or_else(|| match length {
            4 => format!(".word {bits:#010x}"),
            _ => format!(".half {bits:#06x}"),
        })
    }

    fn target(
        &self,
        offset: usize,
        distance: i32,
        boundaries: &BTreeSet<u64>,
        targets: &BTreeSet<u64>,
    ) -> String {
        let address = self.address(offset).wrapping_add(distance as i64 as u64);
        if boundaries.contains(&address) {
            if let Some(name) = self.part.labels.get(&address).and_then(|names| names.first()) {
                return name.clone();
            }
            if targets.contains(&address) {
                return generated(address);
            }
        }
        let sign = if distance < 0 { '-' } else { '+' };
        format!(". {sign} {}", distance.unsigned_abs())
    }

    fn line(&mut self, text: &str, address: u64, bytes: &[u8]) {
        if !self.options.addresses {
            let _ = writeln!(self.out, "    {text}");
            return;
        }
        let mut shown: String = bytes.iter().take(DATA_LINE).map(|byte| format!("{byte:02x} ")).collect();
        if bytes.len() > DATA_LINE {
            shown += "...";
        }
        let _ = writeln!(self.out, "{}", format!("    {text:<36} # {address:8x}: {shown}").trim_end());
    }
}

/// The label of a target without a symbol.
fn generated(address: u64) -> String {
    format!("L{address:x}")
}
