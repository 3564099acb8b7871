//! Assembler, disassembler and listings for V-ISA
