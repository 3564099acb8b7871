//! GDB remote protocol for a V-ISA machine
