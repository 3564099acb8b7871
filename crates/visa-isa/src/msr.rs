//! Model-specific registers: "MSR n" is CSR number n of the RISC-V base. V-ISA's own stand in the custom ranges.

pub mod hvstatus;
pub mod sstatus;
#[macro_use]
mod table;

use crate::instruction::Ring;

macro_rules! msrs {
    ($( $number:literal $name:ident $text:literal $(cr $cr:literal)? [$($home:tt)*] $wakes:ident $summary:literal; )*) => {
        $( #[doc = $summary] pub const $name: u16 = $number; )*

        /// Every MSR of the machine, by number.
        pub static MSRS: &[Msr] = &[ $( Msr {
            number: $number,
            name: $text,
            cr: msrs!(@cr $($cr)?),
            kept: msrs!(@kept $($home)*),
            is_view: msrs!(@is_view $($home)*),
            wakes: Wakes::$wakes,
            summary: $summary,
        }, )* ];

        $( const _: () = assert!(
            is_read_only($number) == (msrs!(@kept $($home)*) == 0),
            concat!("whether ", $text, " can be written is said by its number, too"),
        ); )*
    };
    (@cr) => { None };
    (@cr $cr:literal) => { Some($cr) };
    (@kept $home:ident keeps $kept:expr) => { $kept };
    (@kept $home:ident $part:ident . $field:ident keeps $kept:expr) => { $kept };
    (@kept at $part:ident . $field:ident) => { u64::MAX };
    (@kept $($home:tt)*) => { 0 };
    (@is_view view $($rest:tt)*) => { true };
    (@is_view $($home:tt)*) => { false };
}

/// What a write of an MSR has to be followed by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wakes {
    /// Nothing: the register only reads so.
    Nothing,
    /// A look at the interrupts and at what else is pending, before the next instruction.
    Interrupts,
    /// As SIE, SUM and MXR of sstatus need.
    Status,
    /// Another address space of the guest.
    Translation,
    /// Another second stage.
    SecondStage,
}

/// A register that is read and written by number.
#[derive(Clone, Copy, Debug)]
pub struct Msr {
    /// Its number, 12 bits. Bits 11:10 both set: read-only. Bits 9:8: the least privileged ring (0: Ring 3, 1: Ring 0,
    /// 3: Ring -1).
    pub number: u16,
    /// Its name, in lower case.
    pub name: &'static str,
    /// The control register that it is too, if any: `CR3` is satp.
    pub cr: Option<u8>,
    /// The bits that a write keeps; 0 if the register cannot be written.
    pub kept: u64,
    /// Whether it shows what has its home elsewhere: another register, a bank, or how far the hart has come.
    pub is_view: bool,
    /// What a write wakes.
    pub wakes: Wakes,
    /// One sentence on what it holds.
    pub summary: &'static str,
}

impl Msr {
    /// Whether it can be written, and a write wakes nothing.
    pub const fn is_inert(&self) -> bool {
        self.kept != 0 && matches!(self.wakes, Wakes::Nothing)
    }
}

for_each_msr!(msrs);

/// First of the 32 MSRs through which Ring -1 reads and writes the guest's R0 to R31.
pub const GUEST_R0: u16 = 0xbc0;
/// First of the 32 MSRs through which Ring -1 reads and writes the guest's F0 to F31.
pub const GUEST_F0: u16 = 0xbe0;

/// The ring that an MSR number belongs to (bits 9:8). Number 2 (RISC-V's hypervisor extension) belongs to Ring -1 too,
/// where no MSR has it.
pub const fn ring(number: u16) -> Ring {
    match number >> 8 & 3 {
        0 => Ring::User,
        1 => Ring::Kernel,
        _ => Ring::Hypervisor,
    }
}

/// Whether an MSR number is one of read-only registers (bits 11:10).
pub const fn is_read_only(number: u16) -> bool {
    number >> 10 & 3 == 3
}

/// Whether an MSR is V-ISA's own.
pub const fn is_visa(number: u16) -> bool {
    matches!(number, 0x5c0..=0x5ff | 0x7c0..=0x7ff | 0xbc0..=0xbff | 0xdc0..=0xdff | 0xfc0..=0xfff)
}

/// The MSR with a number. The guest-register windows are not in it (see [`guest_register`]).
pub fn by_number(number: u16) -> Option<&'static Msr> {
    MSRS.binary_search_by_key(&number, |msr| msr.number).ok().map(|index| &MSRS[index])
}

/// Whether a number is that of an MSR that can be written, and of which nothing follows from a write.
pub fn is_inert(number: u16) -> bool {
    by_number(number).is_some_and(Msr::is_inert)
}

/// The MSR with a name in lower case.
pub fn by_name(name: &str) -> Option<&'static Msr> {
    MSRS.iter().find(|msr| msr.name == name)
}

/// The MSR that control register `cr` is.
pub fn by_control_register(cr: u8) -> Option<&'static Msr> {
    MSRS.iter().find(|msr| msr.cr == Some(cr))
}

/// A register of the guest's bank, as an MSR number names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestRegister {
    /// R0 to R31.
    Integer(u8),
    /// F0 to F31.
    Float(u8),
}

/// The guest register that an MSR number is a window on (`VMR0` to `VMR31`, `VMF0` to `VMF31`).
pub const fn guest_register(number: u16) -> Option<GuestRegister> {
    match number {
        0xbc0..=0xbdf => Some(GuestRegister::Integer((number - GUEST_R0) as u8)),
        0xbe0..=0xbff => Some(GuestRegister::Float((number - GUEST_F0) as u8)),
        _ => None,
    }
}
