//! `visa dis`: ELF or flat bytes to text that assembles back.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use visa_asm::{DisassembleOptions, Style};

use crate::asm::read_source;
use crate::exit::SUCCESS;
use crate::numbers::number;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  visa dis guest.elf                   the code, with addresses and bytes as comments
  visa dis --concept guest.elf         MOV CR3, R1 rather than csrrw zero, satp, ra
  visa dis --data guest.elf > again.s  all sections: again.s assembles to the same bytes";

/// Disassembles an ELF file, or any other file as a flat image.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Dis {
    /// The file
    file: PathBuf,
    /// Address of the first byte of a flat image
    #[arg(long, value_name = "ADDR", value_parser = number, default_value = "0x80000000")]
    base: u64,
    /// Use V-ISA's own names and capitals
    #[arg(long)]
    concept: bool,
    /// Show sections of data too
    #[arg(long)]
    data: bool,
    /// Leave addresses and bytes out
    #[arg(long)]
    plain: bool,
}

impl Dis {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        let name = self.file.display().to_string();
        let bytes = read_source(&self.file)?;
        let options = DisassembleOptions {
            base: self.base,
            style: if self.concept { Style::Concept } else { Style::Abi },
            data: self.data,
            addresses: !self.plain,
        };
        let text = visa_asm::disassemble(&bytes, &options).with_context(|| name)?;
        output::print(&text).context("cannot write standard output")?;
        Ok(SUCCESS)
    }
}
