//! What the modules of [`crate::registers`] are made of.

/// An MSR that can only be read.
macro_rules! read_only {
    ($name:literal, $number:literal) => {
        #[doc = concat!("The number of ", $name, ".")]
        pub const NUMBER: u16 = $number;

        #[doc = concat!("Reads ", $name, ".")]
        #[inline(always)]
        pub fn read() -> u64 {
            let value: u64;
            // SAFETY: reading an MSR changes no memory and no register but the result.
            unsafe {
                core::arch::asm!("csrr {value}, {number}", value = lateout(reg) value, number = const $number,
                    options(nomem, nostack));
            }
            value
        }
    };
}

/// An MSR that can be read and written.
macro_rules! read_write {
    ($name:literal, $number:literal) => {
        crate::access::read_only!($name, $number);

        #[doc = concat!("Writes ", $name, ".")]
        ///
        /// # Safety
        /// The value takes effect at once: on translation, interrupts or the guest, as the register's description says.
        #[inline(always)]
        pub unsafe fn write(value: u64) {
            // SAFETY: the caller answers for the value.
            unsafe {
                core::arch::asm!("csrw {number}, {value}", value = in(reg) value, number = const $number,
                    options(nostack));
            }
        }

        #[doc = concat!("Writes ", $name, " and returns what it held.")]
        ///
        /// # Safety
        /// As for [`write`].
        #[inline(always)]
        pub unsafe fn swap(value: u64) -> u64 {
            let old: u64;
            // SAFETY: the caller answers for the value.
            unsafe {
                core::arch::asm!("csrrw {old}, {number}, {value}", old = lateout(reg) old, value = in(reg) value,
                    number = const $number, options(nostack));
            }
            old
        }

        #[doc = concat!("Sets bits of ", $name, ".")]
        ///
        /// # Safety
        /// As for [`write`].
        #[inline(always)]
        pub unsafe fn set(bits: u64) {
            // SAFETY: the caller answers for the value.
            unsafe {
                core::arch::asm!("csrs {number}, {bits}", bits = in(reg) bits, number = const $number,
                    options(nostack));
            }
        }

        #[doc = concat!("Clears bits of ", $name, ".")]
        ///
        /// # Safety
        /// As for [`write`].
        #[inline(always)]
        pub unsafe fn clear(bits: u64) {
            // SAFETY: the caller answers for the value.
            unsafe {
                core::arch::asm!("csrc {number}, {bits}", bits = in(reg) bits, number = const $number,
                    options(nostack));
            }
        }
    };
}

pub(crate) use {read_only, read_write};
