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
//! # What the assembler takes
//!
//! Mnemonics, registers and directives are written in either case; symbols are not changed. `;`, `#` and `//` begin a
//! comment, `/* */` encloses one.
//!
//! - The concept's text: `VMENTER R1`, `VMSAVE [R1]`, `TLBFLUSHV R1, R2`, `HLT`, `RDMSR R1, n`, `WRMSR n, R1`,
//!   `IN R1, 0x3F8`, `IN.H R1, 4(R2)`, `OUT R2, R1`; `MOV` between R registers, F registers (their bits), CRs
//!   (`CR0` to `CR11`), MSRs by name (`VMCAUSE`, `VMR5`) and, into an R register, any 64-bit number or label. A name that
//!   is both an MSR and a label is the MSR in MOV.
//! - GNU-style RISC-V: the base's instructions and pseudo-instructions, `c.*` mnemonics, `.option rvc`, labels and
//!   numeric labels, `%hi %lo %pcrel_hi %pcrel_lo`, `.insn`, data and section directives, conditions, macros,
//!   repetitions, `.include` and `.incbin`. Operators bind as in GNU as. Symbols are addresses at once, as there is no
//!   linker behind: `li a0, label` and `MOV R1, label` load an address.
//! - The names of the tables' constants (`visa_isa::constant`): `VISA_VMCS_PC`, `VISA_TRAP_CR3`, `VISA_PTE_VALID`.
//!
//! All of it is in docs/assembler.md.
//!
//! # What comes out
//!
//! - [`assemble`] takes a source to an [`Object`], or to [`Diagnostics`]: all errors of the file.
//! - [`Object`] is written as ELF ([`Object::to_elf`], [`Object::to_elf_with_lines`] for debuggers), flat image ([`Object::to_flat`]) or listing
//!   ([`Object::listing`]).
//! - [`disassemble()`] takes ELF or flat bytes to text that assembles back to the same bytes.
//! - [`format_instruction`] shows one instruction, for traces and debuggers; it never fails.

mod aliases;
mod assembler;
mod compress;
mod conditional;
mod constant;
mod data;
mod diagnostic;
mod directives;
mod disassemble;
mod dwarf;
mod elf;
mod emit;
mod encode;
mod evaluate;
mod expression;
mod files;
mod format;
mod insn;
mod instructions;
mod layout;
mod leb128;
mod lexer;
mod listing;
mod macros;
mod object;
mod operands;
mod options;
mod parser;
mod place;
mod predefined;
mod program;
mod registers;
mod source;
mod state;
mod suggest;
mod syntax;
mod visible;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use disassemble::{DisassembleError, DisassembleOptions, disassemble};
pub use files::{Files, MOST_SOURCE_BYTES, NoFiles};
pub use format::{Style, format_decoded, format_instruction, format_instruction_in};
pub use object::{LineRecord, Object, Section, Symbol};
pub use options::Options;
pub use source::SourceFile;

/// Assembles a source that stands alone. `file_name` is what errors call it.
pub fn assemble(source: &str, file_name: &str, options: &Options) -> Result<Object, Diagnostics> {
    assemble_with(source, file_name, options, &NoFiles)
}

/// Assembles a source that may include others; names of files are relative to `file_name`.
pub fn assemble_with(
    source: &str,
    file_name: &str,
    options: &Options,
    files: &dyn Files,
) -> Result<Object, Diagnostics> {
    assembler::assemble(source, file_name, options, files)
}
