//! `visa asm`: text to ELF, flat binary or listing.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use visa_machine::loader::read_at_most;

use crate::exit::{BAD_INPUT, SUCCESS};
use crate::numbers::number;
use crate::output;
use crate::source::{self, SourceOptions};

/// The longest file that is disassembled, in bytes.
const SOURCE_BYTES_MAX: u64 = 256 << 20;

const EXAMPLES: &str = "\
Examples:
  visa asm guest.s                     guest.elf, to run with: visa run guest.elf
  visa asm -I include guest.s          look for files that it includes there, too
  visa asm guest.s --format listing    addresses, bytes and source, on standard output
  visa asm guest.s -o - --format bin   flat bytes on standard output

The syntax is both GNU as's for RISC-V (ABI names, li, la, call, .section, %hi, numeric labels) and V-ISA's own
(VMENTER R1, MOV CR3, R1, IN R1, 0x3F8, HLT; upper or lower case; comments after ; or #). docs/assembler.md has all of it.";

/// Assembles a source file. All errors of the file are reported in one go.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Asm {
    /// The source
    file: PathBuf,
    /// Where the result goes; "-" is standard output. Default: FILE with .elf or .bin, a listing to standard output
    #[arg(short = 'o', value_name = "OUT")]
    out: Option<PathBuf>,
    /// What to make
    #[arg(long, value_enum, default_value_t = Format::Elf)]
    format: Format,
    /// Address of the first section
    #[arg(long, value_name = "ADDR", value_parser = number, default_value = "0x80000000")]
    base: u64,
    /// Use 16-bit forms where they fit, as after ".option rvc"
    #[arg(long)]
    compress: bool,
    /// Leave the line tables out of the ELF file: debuggers then know symbols, but no lines
    #[arg(long)]
    no_lines: bool,
    #[command(flatten)]
    sources: SourceOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// An ELF executable with symbols
    Elf,
    /// The flat image, to be loaded at the base
    Bin,
    /// Text: address, bytes and source of each line
    Listing,
}

/// Reads a file to assemble or to disassemble.
pub fn read_source(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = read_at_most(path, SOURCE_BYTES_MAX).with_context(|| path.display().to_string())?;
    read.with_context(|| {
        format!("{}: longer than {SOURCE_BYTES_MAX:#x} bytes, the most that is read", path.display())
    })
}

impl Asm {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        let name = self.file.display().to_string();
        let options =
            visa_asm::Options { base: self.base, compress: self.compress, ..self.sources.options() };
        let Some(object) = source::assemble(&self.file, options)? else {
            return Ok(BAD_INPUT);
        };
        let (bytes, default) = match self.format {
            Format::Elf if self.no_lines => (object.to_elf(), self.file.with_extension("elf")),
            Format::Elf => (object.to_elf_with_lines(&source::directory()), self.file.with_extension("elf")),
            Format::Bin => (object.to_flat(), self.file.with_extension("bin")),
            Format::Listing => (object.listing().into_bytes(), PathBuf::from("-")),
        };
        let out = self.out.unwrap_or(default);
        if out == self.file {
            anyhow::bail!("{name}: the result would overwrite the source; -o names another file");
        }
        let written = if out.as_os_str() == "-" {
            let mut output = output::output();
            output.write_all(&bytes).and_then(|()| output.flush())
        } else {
            std::fs::write(&out, &bytes)
        };
        written.with_context(|| format!("cannot write {}", out.display()))?;
        Ok(SUCCESS)
    }
}
