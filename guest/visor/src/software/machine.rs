//! The machine under the back end: physical memory through the window, the real TLB, the real CSRs.

use super::csr::{Real, STATUS_LIVE};
use super::symbols::PHYSICAL;
use crate::guest::space;
use crate::isolate::shadow::hardware::{Hardware, Memory};
use core::arch::asm;
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::SUPERVISOR_SOFTWARE;

/// This hart.
pub struct Hart;

impl Memory for Hart {
    #[inline]
    fn load(&self, physical: u64) -> u64 {
        // SAFETY: the callers name the guest's memory or the pool's, which the window maps, and of neither is any Rust
        // value a part.
        unsafe { ((physical + PHYSICAL) as *const u64).read_volatile() }
    }

    #[inline]
    fn store(&mut self, physical: u64, value: u64) {
        // SAFETY: as in `load`.
        unsafe { ((physical + PHYSICAL) as *mut u64).write_volatile(value) };
    }
}

impl space::Memory for Hart {
    fn entry(&self, physical: u64) -> u64 {
        self.load(physical)
    }

    fn half(&self, physical: u64) -> u16 {
        // SAFETY: as in `load`.
        unsafe { ((physical + PHYSICAL) as *const u16).read_volatile() }
    }
}

impl Hardware for Hart {
    fn flush_address(&mut self, address: u64) {
        // SAFETY: a fence changes no value.
        unsafe { asm!("sfence.vma {0}, zero", in(reg) address, options(nostack)) };
    }

    fn flush_space(&mut self, asid: u16) {
        // SAFETY: as above.
        unsafe { asm!("sfence.vma zero, {0}", in(reg) u64::from(asid), options(nostack)) };
    }

    fn flush_all(&mut self) {
        // SAFETY: as above.
        unsafe { asm!("sfence.vma", options(nostack)) };
    }
}

impl Real for Hart {
    fn status(&self) -> u64 {
        msr::sstatus::read()
    }

    fn set_status(&mut self, live: u64) {
        // SAFETY: FS and MXR are the guest's; visor uses no floating point, and MXR changes nothing for its own pages.
        unsafe {
            msr::sstatus::clear(STATUS_LIVE & !live);
            msr::sstatus::set(live);
        }
    }

    fn pending(&self) -> u64 {
        msr::sip::read()
    }

    fn set_software_pending(&mut self, pending: bool) {
        // SAFETY: the interrupt is the guest's.
        unsafe {
            if pending {
                msr::sip::set(1 << SUPERVISOR_SOFTWARE);
            } else {
                msr::sip::clear(1 << SUPERVISOR_SOFTWARE);
            }
        }
    }

    fn timer(&self) -> u64 {
        msr::stimecmp::read()
    }

    fn set_timer(&mut self, value: u64) {
        // SAFETY: the timer is the guest's.
        unsafe { msr::stimecmp::write(value) };
    }

    fn counter(&self, number: u16) -> u64 {
        match number {
            visa_isa::msr::TIME => msr::time::read(),
            visa_isa::msr::CYCLE => msr::cycle::read(),
            _ => msr::instret::read(),
        }
    }
}

/// An SBI call to the firmware in Ring -1.
pub fn firmware(extension: u64, function: u64, first: u64, second: u64) {
    // SAFETY: the calls that visor makes touch no memory.
    unsafe {
        asm!("ecall", in("a7") extension, in("a6") function, inlateout("a0") first => _, inlateout("a1") second => _,
            options(nostack));
    }
}
