//! The V-ISA instruction set as tables: instructions, registers, causes, trap filter, VMCS layout
