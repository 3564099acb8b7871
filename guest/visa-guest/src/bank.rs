//! The guest's register bank, by number, through the windows VMR0 to VMR31 and VMF0 to VMF31.

use crate::isa::msr::{GUEST_F0, GUEST_R0};
use core::arch::asm;

/// An MSR's number is part of the instruction, so that a register number picks one of 32 instructions.
macro_rules! by_number {
    ($number:ident, $access:ident, $window:ident) => {
        by_number!($number, $access, $window: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
            29 30)
    };
    ($number:ident, $access:ident, $window:ident: $($register:literal)*) => {
        match $number & 31 {
            $($register => $access!($window + $register),)*
            _ => $access!($window + 31),
        }
    };
}

macro_rules! window {
    ($read:ident, $write:ident, $window:ident, $what:literal) => {
        #[doc = concat!("Reads ", $what, " of the guest; the number is taken modulo 32.")]
        pub fn $read(number: u8) -> u64 {
            let value: u64;
            macro_rules! read {
                ($msr:expr) => {
                    // SAFETY: reading a window changes nothing but the result.
                    unsafe { asm!("csrr {0}, {1}", lateout(reg) value, const $msr, options(nomem, nostack)) }
                };
            }
            by_number!(number, read, $window);
            value
        }

        #[doc = concat!("Writes ", $what, " of the guest; the number is taken modulo 32.")]
        pub fn $write(number: u8, value: u64) {
            macro_rules! write {
                ($msr:expr) => {
                    // SAFETY: the guest's registers are in a bank of their own: nothing here changes.
                    unsafe { asm!("csrw {1}, {0}", in(reg) value, const $msr, options(nomem, nostack)) }
                };
            }
            by_number!(number, write, $window);
        }
    };
}

window!(guest_integer, set_guest_integer, GUEST_R0, "R0 to R31 (R0 is zero)");
window!(guest_float, set_guest_float, GUEST_F0, "the bits of F0 to F31");
