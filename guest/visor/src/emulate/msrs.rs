//! The guest's MSRs, by number, as its kernel reads and writes them. They are the machine's own: bits that do not exist
//! drop as in the guest. What visor keeps in their place is in [`super::pending`]; what the guest has in satp, [`crate::isolate`] knows.

use visa_guest::registers as real;
use visa_isa::msr;

macro_rules! by_number {
    ($(both: $($name:ident $module:ident),*; read: $($read_name:ident $read_module:ident),*;)*) => {
        /// Reads an MSR; `None` if a guest has none of this number. The floating-point ones never exit.
        pub fn read(number: u16) -> Option<u64> {
            match number {
                $($(msr::$name => Some(real::$module::read()),)* $(msr::$read_name => Some(real::$read_module::read()),)*)*
                _ => None,
            }
        }

        /// Writes an MSR; one that a guest cannot write stays as it is.
        pub fn write(number: u16, value: u64) {
            match number {
                // SAFETY: the register is the guest's, and so is the value.
                $($(msr::$name => unsafe { real::$module::write(value) },)*)*
                _ => {}
            }
        }
    };
}

by_number! {
    both: SSTATUS sstatus, SIE sie, STVEC stvec, SCOUNTEREN scounteren, SENVCFG senvcfg, SSCRATCH sscratch, SEPC sepc,
        SCAUSE scause, STVAL stval, SIP sip, STIMECMP stimecmp, SATP satp, VICENAB vicenab, VICTHRESH victhresh;
    read: CYCLE cycle, TIME time, INSTRET instret, VMCOUNT_EXIT vmcount_exit, VMCOUNT_EMU vmcount_emu,
        VMCOUNT_TLBMISS vmcount_tlbmiss;
}
