//! Assembler and disassembler for V-ISA.
//!
//! Both are made from the tables of `visa-isa`: mnemonics, syntax strings, operands and encodings stand there alone.
//!
//! ```
//! let source = "
//!     _start: MOV  R1, 0x80100000   ; R1 = pointer to VM Control Structure (VMCS)
//!             VMENTER R1
//!             VMCAUSE a0
//!     1:      j    1b
//! ";
//! let object = visa_asm::assemble(source, "guest.s", &visa_asm::Options::default()).unwrap();
//! assert_eq!(object.entry, 0x8000_0000);
//! let elf = object.to_elf();
//! # let _ = elf;
//! ```
//!
//! - [`assemble`] takes a source to an [`Object`], or to [`Diagnostics`]: all errors of the file.
//! - [`Object`] is written as ELF ([`Object::to_elf`]), flat image ([`Object::to_flat`]) or listing
//!   ([`Object::listing`]).
//! - [`disassemble`] takes ELF or flat bytes to text that assembles back to the same bytes.
//! - [`format_instruction`] shows one instruction, for traces and debuggers; it never fails.

mod aliases;
mod assembler;
mod compress;
mod constant;
mod data;
mod diagnostic;
mod directives;
mod disassemble;
mod elf;
mod encode;
mod expression;
mod format;
mod insn;
mod instructions;
mod layout;
mod lexer;
mod listing;
mod macros;
mod object;
mod operands;
mod parser;
mod program;
mod source;
mod suggest;
mod syntax;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use disassemble::{DisassembleError, DisassembleOptions, disassemble};
pub use format::{Style, format_decoded, format_instruction, format_instruction_in};
pub use object::{LineRecord, Object, Section, Symbol};

/// How to assemble.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address of the first section.
    pub base: u64,
    /// Alignment of the first section of each kind (code, constants, variables, zeros), a power of two.
    pub alignment: u64,
    /// Whether compressed forms are chosen from the start; `.option rvc` and `norvc` change it.
    pub compress: bool,
    /// How many errors are reported.
    pub most_errors: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { base: 0x8000_0000, alignment: 4096, compress: false, most_errors: 100 }
    }
}

/// Assembles a source. `file_name` is what errors call it.
pub fn assemble(source: &str, file_name: &str, options: &Options) -> Result<Object, Diagnostics> {
    assembler::assemble(source, file_name, options)
}
