//! The V-ISA instruction set as tables.
//!
//! Everything that has a bit position, a number or a mnemonic is defined here and nowhere else: instructions
//! ([`table`], [`compressed`]), control and model-specific registers ([`msr`]), VM exit causes ([`cause`]) and what an exit
//! says ([`exit`]), the trap filter ([`trap_filter`]), the VMCS layout ([`vmcs`]), page-table entries ([`paging`]), and the descriptors of the I/O
//! and interrupt instructions ([`io`]). What programs call these numbers is in [`mod@constant`]. Decoder, encoder, assembler, disassembler, debugger, the guests' header and the
//! specification's tables are made from them.
//!
//! The crate is `no_std`, allocates nothing and has no `unsafe`, so that guests link it too.
#![no_std]
#![forbid(unsafe_code)]

pub mod address;
#[macro_use]
pub mod cause;
pub mod compressed;
pub mod constant;
mod decode;
mod encode;
pub mod exit;
pub mod extension;
mod instruction;
pub mod io;
pub mod msr;
pub mod operand;
pub mod paging;
pub mod register;
pub mod shape;
pub mod table;
pub mod trap_filter;
pub mod vmcs;

pub use address::{GuestPhysical, GuestVirtual, Physical};
pub use decode::{decode, decode_compressed, decode_word};
pub use encode::{EncodeError, encode, encode_compressed};
pub use instruction::{Group, Instruction, Ring};
pub use shape::Shape;
pub use table::Op;
