//! The constants of the tables under the names that programs use: `VISA_MSR_SATP`, `VISA_EXIT_IO_ACCESS`,
//! `VISA_PTE_VALID`. The guests' C header defines them, and the assembler knows them.

use core::fmt;

use crate::cause::{Exception, ExitCause, INTERRUPTS};
use crate::exit::qualification;
use crate::{io, msr, paging, trap_filter, vmcs};

/// How a constant is best written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notation {
    /// Decimal.
    Decimal,
    /// Hexadecimal, with at least so many characters, the `0x` counted.
    Hexadecimal(usize),
    /// As the number of its only bit.
    Bit,
}

/// A constant.
#[derive(Clone, Copy, Debug)]
pub struct Constant {
    prefix: &'static str,
    name: &'static str,
    number: Option<u8>,
    suffix: &'static str,
    /// Its value.
    pub value: u64,
    /// How to write it.
    pub notation: Notation,
    /// If it stands for several values in a row: how many.
    pub count: u16,
    /// What it is; may be empty.
    pub summary: &'static str,
}

impl fmt::Display for Constant {
    /// Its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VISA_")?;
        f.write_str(self.prefix)?;
        let mut before = ' ';
        for letter in self.name.chars() {
            // The tables' names are lower case with hyphens, CamelCase, or as here.
            if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
                f.write_str("_")?;
            }
            let shown = if letter == '-' || letter == ' ' { '_' } else { letter.to_ascii_uppercase() };
            fmt::Write::write_char(f, shown)?;
            before = letter;
        }
        self.number.map_or(Ok(()), |number| write!(f, "{number}"))?;
        f.write_str(self.suffix)
    }
}

/// Constants that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are.
    pub heading: &'static str,
    each: fn(&mut dyn FnMut(Constant)),
}

impl Group {
    /// Hands out each of them.
    pub fn for_each(&self, mut take: impl FnMut(Constant)) {
        (self.each)(&mut take);
    }
}

/// All of them.
pub const GROUPS: &[Group] = &[
    Group { heading: "MSR numbers, for csrr and csrw.", each: registers },
    Group { heading: "Control registers, as MSR numbers.", each: control_registers },
    Group { heading: "Why a guest left: what VMCAUSE holds.", each: causes },
    Group { heading: "Exceptions: scause, HVCAUSE, bits of EXCMAP.", each: exceptions },
    Group {
        heading: "Interrupts: scause and HVCAUSE with bit 63, bits of sie, sip, HVIE, HVIP.",
        each: interrupts,
    },
    Group { heading: "VMTRAPCFG: which events exit.", each: filter },
    Group { heading: "VMACTION: what VMRESUME does first.", each: actions },
    Group { heading: "VMCS: byte offsets; every field is 64 bits, little-endian.", each: control_structure },
    Group {
        heading: "VMQUAL: the decoded access. A flag is a mask; a field has its lowest bit and its mask.",
        each: qualifications,
    },
    Group { heading: "Page-table entries and base registers, of both stages.", each: page_tables },
    Group { heading: "IOVMAP's descriptor: kinds and byte offsets.", each: descriptors },
    Group { heading: "Policies of IOVMASK and of the I/O and MSR maps, two bits each.", each: policies },
];

const fn constant(prefix: &'static str, name: &'static str, value: u64, notation: Notation) -> Constant {
    Constant { prefix, name, number: None, suffix: "", value, notation, count: 1, summary: "" }
}

impl Constant {
    const fn about(self, summary: &'static str) -> Constant {
        Constant { summary, ..self }
    }

    const fn suffix(self, suffix: &'static str) -> Constant {
        Constant { suffix, ..self }
    }
}

fn registers(take: &mut dyn FnMut(Constant)) {
    let register = |name, number: u16| constant("MSR_", name, number.into(), Notation::Hexadecimal(5));
    for entry in msr::MSRS {
        take(register(entry.name, entry.number).about(entry.summary));
    }
    take(register("VMR0", msr::GUEST_R0).about("first of the windows on the guest's R0 to R31"));
    take(register("VMF0", msr::GUEST_F0).about("first of the windows on the guest's F0 to F31"));
}

fn control_registers(take: &mut dyn FnMut(Constant)) {
    for entry in (0..=u8::MAX).filter_map(msr::by_control_register) {
        let register = constant("CR", "", entry.number.into(), Notation::Hexadecimal(5));
        take(Constant { number: entry.cr, ..register.about(entry.name) });
    }
}

fn causes(take: &mut dyn FnMut(Constant)) {
    for &cause in ExitCause::ALL {
        take(constant("EXIT_", cause.name(), cause as u64, Notation::Hexadecimal(4)).about(cause.summary()));
    }
}

fn exceptions(take: &mut dyn FnMut(Constant)) {
    for &exception in Exception::ALL {
        let name = exception.identifier();
        take(constant("EXCEPTION_", name, exception as u64, Notation::Decimal).about(exception.name()));
    }
}

fn interrupts(take: &mut dyn FnMut(Constant)) {
    for &(name, number, summary) in INTERRUPTS {
        take(constant("INTERRUPT_", name, number.into(), Notation::Decimal).about(summary));
    }
}

fn filter(take: &mut dyn FnMut(Constant)) {
    for &(bit, name, summary) in trap_filter::BITS {
        take(constant("TRAP_", name, 1 << bit, Notation::Bit).about(summary));
    }
}

fn actions(take: &mut dyn FnMut(Constant)) {
    for action in (0..=u8::MAX).filter_map(|number| vmcs::Action::from_number(number.into())) {
        take(constant("ACTION_", action.name(), action as u64, Notation::Decimal));
    }
}

fn control_structure(take: &mut dyn FnMut(Constant)) {
    take(constant("VMCS_BYTES", "", vmcs::SIZE, Notation::Decimal).about("size and alignment"));
    take(
        constant("VMCS_REVISION_VALUE", "", vmcs::REVISION_VALUE, Notation::Hexadecimal(0))
            .about("what REVISION must hold"),
    );
    for field in vmcs::FIELDS {
        let offset = constant("VMCS_", field.name, field.offset.into(), Notation::Hexadecimal(5));
        take(Constant { count: field.count, ..offset.about(field.summary) });
    }
}

fn qualifications(take: &mut dyn FnMut(Constant)) {
    for field in qualification::FIELDS {
        if field.width == 1 {
            take(constant("QUAL_", field.name, 1 << field.low, Notation::Bit).about(field.summary));
            continue;
        }
        let shift = constant("QUAL_", field.name, field.low.into(), Notation::Decimal).about(field.summary);
        let mask = (1u64 << field.width) - 1;
        take(shift.suffix("_SHIFT"));
        take(
            constant("QUAL_", field.name, mask, Notation::Hexadecimal(0))
                .suffix("_MASK")
                .about("after the shift"),
        );
    }
}

fn page_tables(take: &mut dyn FnMut(Constant)) {
    for &(name, bit, summary) in paging::FLAGS {
        take(constant("PTE_", name, bit, Notation::Bit).about(summary));
    }
    let number = |name, value: u32| constant("", name, value.into(), Notation::Decimal);
    take(number("PTE_PPN_SHIFT", paging::PTE_PPN_SHIFT).about("first bit of the physical page number"));
    take(number("PAGE_SHIFT", paging::PAGE_SHIFT).about("bytes of a page, as a power of two"));
    take(constant("", "PAGE_BYTES", paging::PAGE_SIZE, Notation::Decimal));
    for mode in (0..=u8::MAX).filter_map(|number| paging::Mode::from_number(number.into())) {
        take(
            constant("PAGING_", mode.name(), mode as u64, Notation::Decimal)
                .about("mode, bits 63:60 of the base"),
        );
    }
    take(number("PAGING_MODE_SHIFT", paging::MODE_SHIFT));
    take(number("PAGING_TAG_SHIFT", paging::PPN_BITS).about("first bit of ASID or VMID in the base"));
}

fn descriptors(take: &mut dyn FnMut(Constant)) {
    for kind in (0..=u8::MAX).filter_map(|number| io::RangeKind::from_number(number.into())) {
        take(constant("RANGE_", kind.name(), kind as u64, Notation::Decimal));
    }
    for (name, offset) in [
        ("KIND", io::range::KIND),
        ("GUEST_ADDRESS", io::range::GUEST_ADDRESS),
        ("LENGTH", io::range::LENGTH),
        ("TARGET", io::range::TARGET),
    ] {
        take(constant("RANGE_OFFSET_", name, offset, Notation::Decimal));
    }
    take(constant("RANGE_BYTES", "", io::RANGE_BYTES, Notation::Decimal).about("size and alignment"));
}

fn policies(take: &mut dyn FnMut(Constant)) {
    for bits in 0..4 {
        let policy = io::Policy::from_bits(bits);
        take(constant("POLICY_", policy.name(), bits, Notation::Decimal));
    }
    for (name, bytes) in [
        ("IO_MAP_BYTES", io::IO_MAP_BYTES),
        ("MSR_MAP_BYTES", io::MSR_MAP_BYTES),
        ("MSR_SHADOW_BYTES", io::MSR_SHADOW_BYTES),
    ] {
        take(constant("", name, bytes, Notation::Decimal));
    }
}
