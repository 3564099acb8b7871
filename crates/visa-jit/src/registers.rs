//! Where the guest's registers are while generated code runs.
//!
//! Ten of them stay in host registers from one unit to the next: those that compressed instructions name, the return
//! address and the stack pointer, since compilers use them most. The others are in the hart, where instructions of the
//! host take them as memory operands.

use visa_core::layout;

/// Host registers by number, as the encoder takes them; RBP is the hart's address, RSP the environment's frame. Temporary.
pub const RAX: u8 = 0;
/// Temporary; addresses, and counts of shifts.
pub const RCX: u8 = 1;
/// Temporary.
pub const RDX: u8 = 2;
/// Instructions that may still retire before the engine must look around; counts down.
pub const BUDGET: u8 = 15;

/// The guest's registers that are in host registers: (guest, host).
pub const MAPPED: [(u8, u8); 10] = [
    (1, 3),   // ra: rbx
    (2, 12),  // sp: r12
    (8, 13),  // s0: r13
    (9, 14),  // s1: r14
    (10, 7),  // a0: rdi
    (11, 6),  // a1: rsi
    (12, 8),  // a2: r8
    (13, 9),  // a3: r9
    (14, 10), // a4: r10
    (15, 11), // a5: r11
];

/// Where a register of the guest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// R0: nowhere.
    Zero,
    /// In a host register.
    Host(u8),
    /// At an offset from the hart.
    Memory(i32),
}

/// Where a register of the guest is.
pub fn place(register: u8) -> Place {
    if register == 0 {
        return Place::Zero;
    }
    match MAPPED.iter().find(|(guest, _)| *guest == register) {
        Some((_, host)) => Place::Host(*host),
        None => Place::Memory(offset(register)),
    }
}

/// The offset of an integer register in the hart.
pub const fn offset(register: u8) -> i32 {
    (layout::INTEGER + 8 * register as usize) as i32
}
