//! The VMCS in memory: what VMSAVE stores, what VMLOAD takes, and what an entry asks of it (specification, 2.1, 2.2 and 2.6).
//!
//! All three follow the rows of the layout ([`visa_isa::vmcs`]): a field's value lives in its MSR, or in [`Values`].

use visa_isa::Ring;
use visa_isa::cause::INTERRUPT;
use visa_isa::cause::interrupt::SUPERVISOR_MASK;
use visa_isa::exit::InvalidField;
use visa_isa::io::{RANGE_BYTES, RangeKind, range};
use visa_isa::msr;
use visa_isa::paging::{Mode, PAGE_SIZE, TableBase};
use visa_isa::vmcs::{self, Action, Check, RANGE_COUNT, Section};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::io::check_range;
use crate::register::{Register, put};
use visa_state::Range;
use visa_state::{Feature, Features};

/// Values of a VMCS that no MSR holds, by the field's offset.
trait Values<const FIELD: u16> {
    fn value(&self, index: u16) -> u64;
    fn set_value(&mut self, index: u16, value: u64);
}

impl Values<{ vmcs::REGISTERS }> for Hart {
    fn value(&self, index: u16) -> u64 {
        self.state.inactive[0].bank.r[index as usize & 31]
    }

    fn set_value(&mut self, index: u16, value: u64) {
        self.state.inactive[0].bank.r[index as usize & 31] = if index == 0 { 0 } else { value };
    }
}

impl Values<{ vmcs::FLOAT_REGISTERS }> for Hart {
    fn value(&self, index: u16) -> u64 {
        self.state.inactive[0].bank.f[index as usize & 31]
    }

    fn set_value(&mut self, index: u16, value: u64) {
        self.state.inactive[0].bank.f[index as usize & 31] = value;
    }
}

/// Values of an IOVMAP range.
const RANGE_VALUES: u16 = (RANGE_BYTES / 8) as u16;

impl Values<{ vmcs::RANGES }> for Hart {
    fn value(&self, index: u16) -> u64 {
        let range = &self.state.vm.ranges[(index / RANGE_VALUES) as usize % RANGE_COUNT];
        [range.kind, range.guest_address, range.length, range.target][(index % RANGE_VALUES) as usize]
    }

    fn set_value(&mut self, index: u16, value: u64) {
        let range = &mut self.state.vm.ranges[(index / RANGE_VALUES) as usize % RANGE_COUNT];
        let part = [&mut range.kind, &mut range.guest_address, &mut range.length, &mut range.target];
        *part[(index % RANGE_VALUES) as usize] = value;
    }
}

macro_rules! control_structure {
    ($( $section:ident { $( $offset:literal $name:ident $(= $msr:ident)? $([$count:literal])? $(constant $constant:ident)?, $check:ident $(($of:expr))?, $summary:literal; )* } )*) => {
        impl Hart {
            /// Gives every value of a VMCS, as it is live, with its offset.
            fn store_fields(&self, mut put_at: impl FnMut(u16, u64)) {
                $( $( control_structure!(@store self, put_at, $name, $(= $msr)? $([$count])? $(constant $constant)?); )* )*
            }

            /// Takes every value that VMLOAD takes, by its offset.
            fn load_fields(&mut self, get: impl Fn(u16) -> u64) {
                $( if Section::$section != Section::Exit {
                    $( control_structure!(@load self, get, $name, $(= $msr)? $([$count])? $(constant $constant)?); )*
                } )*
            }

            /// The checks of an entry, of what is live.
            fn check_fields(&self, entry: &Entry) -> Result<(), InvalidField> {
                $( $( entry.require(
                    Check::$check $(($of))?,
                    vmcs::$name,
                    || control_structure!(@live self, $name, $(= $msr)? $([$count])? $(constant $constant)?),
                )?; )* )*
                Ok(())
            }
        }

        /// The checks of an entry, of what is stored.
        fn check_stored(entry: &Entry, get: impl Fn(u16) -> u64) -> Result<(), InvalidField> {
            $( $( entry.require(Check::$check $(($of))?, vmcs::$name, || get(vmcs::$name))?; )* )*
            Ok(())
        }
    };

    (@live $hart:ident, $name:ident, = $msr:ident) => { Register::<{ msr::$msr }>::saved($hart) };
    (@live $hart:ident, $name:ident, [$count:literal]) => { Values::<{ vmcs::$name }>::value($hart, 0) };
    (@live $hart:ident, $name:ident, constant $constant:ident) => { vmcs::$constant };

    (@store $hart:ident, $put:ident, $name:ident, [$count:literal]) => {
        for index in 0..$count {
            $put(vmcs::$name + 8 * index, Values::<{ vmcs::$name }>::value($hart, index));
        }
    };
    (@store $hart:ident, $put:ident, $name:ident, $($home:tt)*) => {
        $put(vmcs::$name, control_structure!(@live $hart, $name, $($home)*))
    };

    (@load $hart:ident, $get:ident, $name:ident, = $msr:ident) => { put::<{ msr::$msr }>($hart, $get(vmcs::$name)) };
    (@load $hart:ident, $get:ident, $name:ident, [$count:literal]) => {
        for index in 0..$count {
            Values::<{ vmcs::$name }>::set_value($hart, index, $get(vmcs::$name + 8 * index));
        }
    };
    (@load $hart:ident, $get:ident, $name:ident, constant $constant:ident) => {};
}

visa_isa::for_each_vmcs_field!(control_structure);

/// What the checks of an entry know beside the value of a field.
struct Entry<'a> {
    /// The resume action.
    action: u64,
    /// Whether an instruction has exited, so that it can be completed.
    can_complete: bool,
    ranges: &'a [Range; RANGE_COUNT],
    ram: &'a Ram,
    features: Features,
}

impl Entry<'_> {
    #[inline(always)]
    fn require(&self, check: Check, field: u16, value: impl FnOnce() -> u64) -> Result<(), InvalidField> {
        let holds = match check {
            Check::Any => true,
            Check::Revision => value() == vmcs::REVISION_VALUE,
            Check::Zero(bits) => value() & bits == 0,
            Check::NotZero => value() != 0,
            Check::AtMost(most) => value() <= most,
            Check::Map(bytes) => self.is_map(value(), bytes),
            Check::NestedBase => self.is_nested_base(value()),
            Check::TableBase => TableBase::from_cr3(value()).is_some(),
            Check::Action => match Action::from_number(value()) {
                Some(Action::Complete) => self.can_complete,
                Some(Action::Retry | Action::Inject) => true,
                None => false,
            },
            Check::Injection => self.action != Action::Inject as u64 || is_injectable(value()),
            Check::Ring => {
                matches!(value(), ring if ring == Ring::Kernel as u64 || ring == Ring::User as u64)
            }
            Check::Ranges => return check_ranges(self.ranges, field),
        };
        if holds { Ok(()) } else { Err(InvalidField(field)) }
    }

    fn is_map(&self, map: u64, bytes: u64) -> bool {
        map == 0 || map.is_multiple_of(PAGE_SIZE) && self.ram.offset_of(map, bytes).is_some()
    }

    fn is_nested_base(&self, hptbr: u64) -> bool {
        let Some(base) = TableBase::from_hptbr(hptbr) else { return false };
        let can_translate = self.features.has(Feature::NestedPaging);
        base.mode == Mode::Bare || can_translate && self.ram.offset_of(base.root, PAGE_SIZE).is_some()
    }
}

fn is_injectable(cause: u64) -> bool {
    let number = cause & !INTERRUPT;
    match cause & INTERRUPT != 0 {
        true => number < 64 && SUPERVISOR_MASK & 1 << number != 0,
        false => matches!(number, 0..=9 | 12 | 13 | 15),
    }
}

/// The error is the offset of the value at fault; `first` is that of the first range.
fn check_ranges(ranges: &[Range; RANGE_COUNT], first: u16) -> Result<(), InvalidField> {
    for (index, new) in ranges.iter().enumerate() {
        let at = first + (index as u64 * RANGE_BYTES) as u16;
        let Some(kind) = RangeKind::from_number(new.kind) else { return Err(InvalidField(at)) };
        if kind == RangeKind::Unmap {
            continue;
        }
        check_range(new).map_err(|offset| InvalidField(at + offset as u16))?;
        if ranges[..index].iter().any(|old| old.overlaps(new.guest_address, new.length)) {
            return Err(InvalidField(at + range::GUEST_ADDRESS as u16));
        }
    }
    Ok(())
}

/// A VMCS in RAM.
pub(crate) struct Page<'a> {
    ram: &'a Ram,
    offset: u64,
}

impl<'a> Page<'a> {
    /// The one at a physical address; `None` if that is not aligned or not in RAM.
    pub fn at(ram: &'a Ram, address: u64) -> Option<Self> {
        let offset = ram.offset_of(address, vmcs::SIZE).filter(|_| address.is_multiple_of(vmcs::SIZE))?;
        Some(Page { ram, offset })
    }

    fn get(&self, field: u16) -> u64 {
        // The whole page is in RAM.
        self.ram.load_u64(self.offset + field as u64).unwrap_or(0)
    }

    /// A slot of kind 0 is unused, whatever else it holds.
    fn ranges(&self) -> [Range; RANGE_COUNT] {
        std::array::from_fn(|index| {
            let value = |part: u64| self.get(vmcs::RANGES + (index as u64 * RANGE_BYTES + part) as u16);
            match value(range::KIND) {
                0 => Range::default(),
                kind => Range {
                    kind,
                    guest_address: value(range::GUEST_ADDRESS),
                    length: value(range::LENGTH),
                    target: value(range::TARGET),
                },
            }
        })
    }
}

impl Hart {
    /// The checks of an entry to the VM that is current.
    pub(crate) fn check_live(&self, ram: &Ram) -> Result<(), InvalidField> {
        let can_complete = self.state.exit.qualification.length() != 0;
        let (action, ranges, features) = (self.state.vm.action, &self.state.vm.ranges, self.state.features);
        self.check_fields(&Entry { action, can_complete, ranges, ram, features })
    }

    /// Those of a VMCS in memory. Nothing has exited from a guest that would be loaded.
    pub(crate) fn check_stored(&self, page: &Page) -> Result<(), InvalidField> {
        let (action, ranges) = (page.get(vmcs::ACTION), &page.ranges());
        let entry =
            Entry { action, can_complete: false, ranges, ram: page.ram, features: self.state.features };
        check_stored(&entry, |field| page.get(field))
    }

    /// Makes the values of a VMCS live.
    pub(crate) fn load_vmcs(&mut self, page: &Page) {
        self.load_fields(|field| page.get(field));
        self.state.vm.ranges = page.ranges();
        self.state.vm.update_has_ranges();
    }

    /// Stores what is live.
    pub(crate) fn store_vmcs(&self, page: &Page) {
        self.store_fields(|field, value| {
            // The whole page is in RAM.
            let _ = page.ram.store_u64(page.offset + field as u64, value);
        });
    }
}
