//! The VM control structure: one 4 KiB page in physical memory, little-endian, every field 64 bits.

/// Bytes of a VMCS, and its alignment.
pub const SIZE: u64 = 4096;

/// What REVISION must hold: `VISA` in ASCII, then the layout's version.
pub const REVISION_VALUE: u64 = 0x0001_4153_4956;

/// The part of the VMCS that a field belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// Identification.
    Header,
    /// What the hypervisor configures.
    Control,
    /// The guest's registers.
    Guest,
    /// What the last exit left. VMSAVE writes it, VMLOAD does not read it.
    Exit,
    /// Counters of this virtual CPU.
    Counter,
}

/// A field of the VMCS.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Byte offset.
    pub offset: u16,
    /// How many 64-bit values it holds.
    pub count: u16,
    /// Its part.
    pub section: Section,
    /// The MSR in which it lives while the VMCS is current, if there is one.
    pub msr: Option<u16>,
    /// What an entry asks of it.
    pub check: Check,
    /// One sentence on what it holds.
    pub summary: &'static str,
}

#[macro_use]
mod table;

/// What an entry asks of a field (specification, 2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Nothing.
    Any,
    /// [`REVISION_VALUE`].
    Revision,
    /// These bits are zero.
    Zero(u64),
    /// It is not zero.
    NotZero,
    /// It is at most so much.
    AtMost(u64),
    /// 0, or the physical address of so many bytes of RAM, a multiple of 4096.
    Map(u64),
    /// A base of second-stage tables: a mode that there is, and a root in RAM.
    NestedBase,
    /// A base of the guest's tables: a mode that there is.
    TableBase,
    /// A resume action that there is; *complete* only where an instruction has exited.
    Action,
    /// Where the action is *inject*: a cause that can be.
    Injection,
    /// 0 or 3.
    Ring,
    /// Ranges as IOVMAP takes them, which do not overlap.
    Ranges,
}

macro_rules! vmcs {
    ($( $section:ident { $( $offset:literal $name:ident $(= $msr:ident)? $([$count:literal])? $(constant $constant:ident)?, $check:ident $(($of:expr))?, $summary:literal; )* } )*) => {
        $( $( #[doc = $summary] pub const $name: u16 = $offset; )* )*

        /// Every field, by offset.
        pub static FIELDS: &[Field] = &[ $( $( Field {
            name: stringify!($name),
            offset: $offset,
            count: vmcs!(@count $($count)?),
            section: Section::$section,
            msr: vmcs!(@msr $($msr)?),
            check: Check::$check $(($of))?,
            summary: $summary,
        }, )* )* ];
    };
    (@count) => { 1 };
    (@count $count:literal) => { $count };
    (@msr) => { None };
    (@msr $msr:ident) => { Some(crate::msr::$msr) };
}

for_each_vmcs_field!(vmcs);

/// How many IOVMAP ranges a VM has.
pub const RANGE_COUNT: usize = 32;

/// The resume action: what VMRESUME (and VMENTER of the current VMCS) does before the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Action {
    /// Go on at VMPC.
    Retry = 0,
    /// Write VMRESULT to the destination register as decoded, step past the instruction, count it in VMCOUNT_EMU.
    Complete = 1,
    /// Deliver the exception or interrupt VMINJECT to Ring 0, with VMRESULT as the trap value.
    Inject = 2,
}

impl Action {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Retry => "retry",
            Action::Complete => "complete",
            Action::Inject => "inject",
        }
    }

    /// The action with a number.
    pub const fn from_number(number: u64) -> Option<Action> {
        match number {
            0 => Some(Action::Retry),
            1 => Some(Action::Complete),
            2 => Some(Action::Inject),
            _ => None,
        }
    }
}

/// The VMCS field at a byte offset, for messages.
pub fn field_at(offset: u16) -> Option<&'static Field> {
    FIELDS.iter().find(|field| (field.offset..field.offset + field.count * 8).contains(&offset))
}
