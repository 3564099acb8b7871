//! What the rows of registers and of the VMCS promise, of each of them.

use visa_core::Hart;
use visa_isa::exit::Qualification;
use visa_isa::io::{RANGE_BYTES, RangeKind, range};
use visa_isa::msr::{self, MSRS, sstatus};
use visa_isa::vmcs::{self, Check, FIELDS, Field, Section};
use visa_mem::{AccessFault, AccessSize, Platform, Ram};

const BASE: u64 = 0x8000_0000;
const LOADED: u64 = BASE + 0x1000;
const STORED: u64 = BASE + 0x2000;
/// Something that is no multiple of anything.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// RAM, and no device.
struct Bare(Ram);

impl Platform for Bare {
    fn ram(&self) -> &Ram {
        &self.0
    }

    fn mmio_read(&mut self, _: u64, _: AccessSize) -> Result<u64, AccessFault> {
        Err(AccessFault)
    }

    fn mmio_write(&mut self, _: u64, _: AccessSize, _: u64) -> Result<(), AccessFault> {
        Err(AccessFault)
    }

    fn port_read(&mut self, _: u16, size: AccessSize) -> u64 {
        size.all_ones()
    }

    fn port_write(&mut self, _: u16, _: AccessSize, _: u64) {}

    fn set_dma_domain(&mut self, _: u64, _: u64, _: Option<u64>) {}
}

fn bare() -> Bare {
    let platform = Bare(Ram::new(BASE, 1 << 20).unwrap());
    full(&platform.0);
    platform
}

#[test]
fn a_write_changes_the_bits_that_it_keeps_and_no_others() {
    for register in MSRS {
        let written = [0, u64::MAX, SEED, !SEED].map(|value| {
            let mut hart = Hart::new(0, BASE, 0);
            hart.write_msr(register.number, value);
            (value, hart.read_msr(register.number).unwrap())
        });
        let before = Hart::new(0, BASE, 0).read_msr(register.number).unwrap();
        // What sstatus and SATP read depends on more than single bits.
        let exact = ![msr::SSTATUS, msr::SATP, msr::HVIP].contains(&register.number);
        for (value, read) in written {
            let name = register.name;
            assert_eq!((read ^ before) & !(register.kept | sstatus::SD), 0, "{name}: {value:#x}, {read:#x}");
            if exact && register.kept != 0 {
                assert_eq!(read & register.kept, value & register.kept, "{name}: {value:#x}");
            }
        }
    }
}

/// A value that the check of a field takes, other than that of any other field.
fn valid(field: &Field) -> u64 {
    let value = SEED.wrapping_mul(field.offset as u64 + 1);
    match field.check {
        Check::Any => value,
        Check::Revision => vmcs::REVISION_VALUE,
        Check::Zero(bits) => value & !bits,
        Check::NotZero => value | 1,
        Check::AtMost(most) => value % most,
        Check::Map(_) => BASE + (0x1000 * (field.offset as u64 & 0xff) / 8),
        Check::NestedBase => 8 << 60 | 5 << 44 | BASE >> 12,
        Check::TableBase => 9 << 60 | (value >> 8) & 0xfff_ffff,
        Check::Action => vmcs::Action::Inject as u64,
        Check::Injection => 13,
        Check::Ring => 3,
        Check::Ranges => unreachable!("of several values"),
    }
}

fn put(ram: &Ram, at: u64, value: u64) {
    ram.store_u64(at - BASE, value).unwrap();
}

/// A VMCS that every check takes.
fn full(ram: &Ram) {
    for field in FIELDS.iter().filter(|field| field.count == 1) {
        put(ram, LOADED + field.offset as u64, valid(field));
    }
    for offset in [vmcs::REGISTERS, vmcs::FLOAT_REGISTERS] {
        for index in 0..32 {
            put(ram, LOADED + offset as u64 + 8 * index, SEED.wrapping_mul(offset as u64 + index));
        }
    }
    for index in 0..vmcs::RANGE_COUNT as u64 {
        let at = LOADED + vmcs::RANGES as u64 + index * RANGE_BYTES;
        put(ram, at + range::KIND, RangeKind::Trap as u64);
        put(ram, at + range::GUEST_ADDRESS, (index + 1) << 16);
        put(ram, at + range::LENGTH, 0x1000);
        put(ram, at + range::TARGET, SEED.wrapping_mul(index + 3));
    }
}

#[test]
fn vmsave_stores_what_vmload_took_of_every_field() {
    let mut platform = bare();
    let mut hart = Hart::new(0, BASE, 0);
    hart.vmload(&mut platform, Some(LOADED)).unwrap();
    assert_eq!(hart.read_msr(msr::VMCAUSE), Some(0), "VMQUAL: {:#x}", hart.read_msr(msr::VMQUAL).unwrap());
    assert_eq!(hart.state.vm.vmcs, Some(LOADED));
    hart.vmsave(&mut platform, Some(STORED)).unwrap();
    for field in FIELDS {
        let kept = field.msr.and_then(msr::by_number).map_or(u64::MAX, |register| register.kept);
        for index in 0..field.count {
            let at = (field.offset + 8 * index) as u64;
            let [loaded, stored] =
                [LOADED, STORED].map(|page| platform.0.load_u64(page - BASE + at).unwrap());
            let expected = match (field.offset, field.section) {
                // R0.
                (vmcs::REGISTERS, _) if index == 0 => 0,
                (vmcs::GUEST_SSTATUS, _) => {
                    let dirty = if loaded & sstatus::FS == sstatus::FS { sstatus::SD } else { 0 };
                    loaded & kept | sstatus::UXL | dirty
                }
                // Of what has been loaded, nothing has exited.
                (_, Section::Exit) => 0,
                (_, Section::Counter) => loaded,
                _ => loaded & kept,
            };
            assert_eq!(stored, expected, "{} {index}: loaded {loaded:#x}", field.name);
        }
    }
}

#[test]
fn an_invalid_field_is_named_and_nothing_is_loaded() {
    for field in FIELDS {
        let bad = match field.check {
            Check::Any => continue,
            Check::Revision | Check::NotZero => 0,
            Check::Zero(bits) => bits & bits.wrapping_neg(),
            Check::AtMost(most) => most + 1,
            Check::Map(_) => BASE + 8,
            Check::NestedBase | Check::TableBase => 1 << 60,
            Check::Action => 3,
            Check::Injection => 10,
            Check::Ring => 1,
            // The kind of the first.
            Check::Ranges => 7,
        };
        let mut platform = bare();
        put(&platform.0, LOADED + field.offset as u64, bad);
        let mut hart = Hart::new(0, BASE, 0);
        hart.vmload(&mut platform, Some(LOADED)).unwrap();
        let reported = Qualification::from(hart.read_msr(msr::VMQUAL).unwrap()).field();
        assert_eq!(reported, field.offset, "{}", field.name);
        assert_eq!(hart.state.vm, Hart::new(0, BASE, 0).state.vm, "{}", field.name);
        assert_eq!(hart.state.supervisor, Hart::new(0, BASE, 0).state.supervisor, "{}", field.name);
    }
}
