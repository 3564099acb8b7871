//! Where the value of each MSR is: the table's rows ([`visa_isa::msr`]) meet the state.
//!
//! Of a row with a place in the state, all is made here. A row that says `rule` or `view` has its clauses below; without them it does not
//! compile.

use visa_isa::cause::interrupt;
use visa_isa::msr::{self, GuestRegister, Wakes};
use visa_isa::paging::TableBase;
use visa_isa::vmcs::FIELDS;

use crate::hart::Hart;

/// A register, by its number.
pub(crate) trait Register<const NUMBER: u16> {
    /// What a read gives.
    fn read(&self) -> u64;

    /// What VMSAVE stores of it.
    fn saved(&self) -> u64 {
        self.read()
    }
}

/// A register whose value can be changed: by writes, or by VMLOAD alone.
pub(crate) trait Settable<const NUMBER: u16>: Register<NUMBER> {
    /// Makes a value the register's. What that wakes is the caller's to do.
    fn set(&mut self, value: u64);
}

/// What the row of a register says of its values.
pub(crate) trait Row<const NUMBER: u16> {
    /// The bits that a change keeps.
    const KEPT: u64;
}

/// Makes a value a register's, as far as it keeps it.
#[inline(always)]
pub(crate) fn put<const NUMBER: u16>(hart: &mut Hart, value: u64)
where
    Hart: Row<NUMBER> + Settable<NUMBER>,
{
    Settable::<NUMBER>::set(hart, value & <Hart as Row<NUMBER>>::KEPT);
}

macro_rules! registers {
    ($( $number:literal $name:ident $text:literal $(cr $cr:literal)? [$($home:tt)*] $wakes:ident $summary:literal; )*) => {
        $( registers!(@home $name, $($home)*); )*
        $( registers!(@saved $name, $($home)*); )*

        impl Hart {
            /// Reads an MSR, whoever asks. `None` if there is none with the number.
            pub fn read_msr(&self, number: u16) -> Option<u64> {
                Some(match number {
                    $( msr::$name => Register::<{ msr::$name }>::read(self), )*
                    _ => return self.read_guest_register(number),
                })
            }

            /// Sets an MSR to what a write keeps of a value, and says what that wakes. `None` if none with the number can be written.
            pub(crate) fn set_msr(&mut self, number: u16, value: u64) -> Option<Wakes> {
                match number {
                    $( msr::$name => registers!(@set self, $name, value, $wakes, $($home)*), )*
                    _ => self.set_guest_register(number, value),
                }
            }
        }

        /// The offset in [`Hart`] of the field that a read of an MSR gives, if it is a field and no more.
        pub const fn place(number: u16) -> Option<usize> {
            match number {
                $( msr::$name => registers!(@place $($home)*), )*
                _ => None,
            }
        }
    };

    (@home $name:ident, reads $part:ident . $field:ident keeps $kept:expr) => {
        registers!(@read $name, $part . $field);
        registers!(@row $name, $kept);
    };
    (@home $name:ident, $home:ident $part:ident . $field:ident keeps $kept:expr) => {
        registers!(@read $name, $part . $field);
        registers!(@row $name, $kept);

        impl Settable<{ msr::$name }> for Hart {
            #[inline(always)]
            fn set(&mut self, value: u64) {
                self.state.$part.$field = value.into();
            }
        }
    };
    (@home $name:ident, $home:ident $part:ident . $field:ident) => {
        registers!(@home $name, $home $part . $field keeps u64::MAX);
    };
    (@home $name:ident, $rule:ident keeps $kept:expr) => {
        registers!(@row $name, $kept);
    };
    (@home $name:ident, $rule:ident) => {};
    (@row $name:ident, $kept:expr) => {
        impl Row<{ msr::$name }> for Hart {
            const KEPT: u64 = $kept;
        }
    };
    (@read $name:ident, $part:ident . $field:ident) => {
        impl Register<{ msr::$name }> for Hart {
            #[inline(always)]
            fn read(&self) -> u64 {
                self.state.$part.$field.into()
            }
        }
    };

    // What belongs to a guest or its VM goes with it: VMSAVE stores it.
    (@saved $name:ident, $home:ident hypervisor . $field:ident $($rest:tt)*) => {};
    (@saved $name:ident, reads $part:ident . $field:ident $($rest:tt)*) => {};
    (@saved $name:ident, $home:ident $part:ident . $field:ident $($rest:tt)*) => {
        const _: () = assert!(is_saved(msr::$name), concat!(stringify!($name), " is in no field of the VMCS"));
    };
    (@saved $name:ident, $($rule:tt)*) => {};

    (@set $hart:ident, $name:ident, $value:ident, $wakes:ident, shows $part:ident . $field:ident) => { None };
    (@set $hart:ident, $name:ident, $value:ident, $wakes:ident, $home:ident $part:ident . $field:ident $(keeps $kept:expr)?) => {{
        put::<{ msr::$name }>($hart, $value);
        Some(Wakes::$wakes)
    }};
    (@set $hart:ident, $name:ident, $value:ident, $wakes:ident, $rule:ident keeps $kept:expr) => {{
        put::<{ msr::$name }>($hart, $value);
        Some(Wakes::$wakes)
    }};
    (@set $hart:ident, $name:ident, $value:ident, $wakes:ident, $read_only:ident) => { None };

    (@place $home:ident $part:ident . $field:ident $(keeps $kept:expr)?) => {
        Some(std::mem::offset_of!(Hart, state.$part.$field))
    };
    (@place $($rule:tt)*) => { None };
}

visa_isa::for_each_msr!(registers);

/// Whether the VMCS has a field for an MSR.
const fn is_saved(number: u16) -> bool {
    let mut index = 0;
    while index < FIELDS.len() {
        if let Some(saved) = FIELDS[index].msr
            && saved == number
        {
            return true;
        }
        index += 1;
    }
    false
}

/// Clauses: what a read of a register gives, what VMSAVE stores if that is something else, and what a write does.
macro_rules! clauses {
    ($( $name:ident {
        read($read:ident) $given:expr;
        $(saved($saved:ident) $stored:expr;)?
        $(write($write:ident, $value:ident) $effect:expr;)?
    } )*) => { $(
        impl Register<{ msr::$name }> for Hart {
            fn read(&self) -> u64 {
                let $read = self;
                $given
            }
            $( fn saved(&self) -> u64 {
                let $saved = self;
                $stored
            } )?
        }
        $( impl Settable<{ msr::$name }> for Hart {
            fn set(&mut self, $value: u64) {
                let $write = self;
                $effect;
            }
        } )?
    )* };
}

clauses! {
    FFLAGS {
        read(hart) hart.state.bank.fcsr as u64 & 0x1f;
        write(hart, value) hart.set_fcsr(hart.state.bank.fcsr & !0x1f | value as u32);
    }
    FRM {
        read(hart) hart.state.bank.fcsr as u64 >> 5 & 7;
        write(hart, value) hart.set_fcsr(hart.state.bank.fcsr & 0x1f | (value as u32) << 5);
    }
    FCSR {
        read(hart) hart.state.bank.fcsr as u64 & 0xff;
        write(hart, value) hart.set_fcsr(value as u32);
    }
    SSTATUS {
        read(hart) hart.state.supervisor.sstatus_value();
        write(hart, value) hart.state.supervisor.sstatus = value;
    }
    // What is set from outside, or follows from a timer, is not software's: neither to be stored nor to be written back.
    SIP {
        read(hart) hart.supervisor_pending();
        saved(hart) (hart.state.supervisor.software_pending as u64) << interrupt::SUPERVISOR_SOFTWARE;
        write(hart, value) hart.state.supervisor.software_pending = value != 0;
    }
    // Ring -1 may write what the next entry will refuse.
    GPTBR {
        read(hart) hart.state.supervisor.satp;
        write(hart, value) hart.state.supervisor.satp = value;
    }
    // Ring -1 can take the interrupt back, but not raise it.
    HVIP {
        read(hart) hart.hypervisor_pending();
        write(hart, value) hart.state.hypervisor.software_pending &= value != 0;
    }
    VMPC {
        read(hart) hart.state.guest_bank().pc;
        write(hart, value) hart.state.guest_bank_mut().pc = value;
    }
    VMFCSR {
        read(hart) hart.state.guest_bank().fcsr as u64;
        write(hart, value) hart.state.guest_bank_mut().fcsr = value as u32;
    }
    // While the guest runs, its ring is the hart's.
    VMRING {
        read(hart) if hart.state.in_guest() { hart.state.ring as u64 } else { hart.state.inactive[0].ring };
        write(hart, value) if !hart.state.in_guest() {
            hart.state.inactive[0].ring = value;
        };
    }
    CYCLE {
        read(hart) if hart.state.cycle_is_modelled { hart.state.millicycles / 1000 } else { hart.state.instructions };
    }
    TIME {
        read(hart) hart.time();
    }
    INSTRET {
        read(hart) hart.state.instructions;
    }
    VMCSPTR {
        read(hart) hart.state.vm.vmcs.unwrap_or(u64::MAX);
    }
    HARTID {
        read(hart) hart.state.id;
    }
}

impl Settable<{ msr::SATP }> for Hart {
    /// An unknown mode leaves it as it was (RISC-V privileged, 12.1.11).
    fn set(&mut self, value: u64) {
        if TableBase::from_cr3(value).is_some() {
            self.state.supervisor.satp = value;
        }
    }
}

impl Hart {
    fn set_fcsr(&mut self, value: u32) {
        self.state.bank.fcsr = value;
        self.state.mark_float_dirty();
    }

    /// The windows on the guest's bank.
    fn read_guest_register(&self, number: u16) -> Option<u64> {
        let bank = self.state.guest_bank();
        Some(match msr::guest_register(number)? {
            GuestRegister::Integer(index) => bank.r[index as usize & 31],
            GuestRegister::Float(index) => bank.f[index as usize & 31],
        })
    }

    fn set_guest_register(&mut self, number: u16, value: u64) -> Option<Wakes> {
        let bank = self.state.guest_bank_mut();
        match msr::guest_register(number)? {
            GuestRegister::Integer(index) => bank.r[index as usize & 31] = value,
            GuestRegister::Float(index) => bank.f[index as usize & 31] = value,
        }
        bank.r[0] = 0;
        Some(Wakes::Nothing)
    }
}
