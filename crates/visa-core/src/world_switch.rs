//! VMENTER, VMRESUME, VMSAVE, VMLOAD and VM exits (specification, chapter 2).

use visa_isa::Ring;
use visa_isa::cause::{EXCEPTION_MAP_VALID, Exception, ExitCause, INTERRUPT, interrupt};
use visa_isa::io::{MSR_MAP_BYTES, MSR_SHADOW_BYTES, RANGE_BYTES, RangeKind};
use visa_isa::msr;
use visa_isa::paging::{Mode, PAGE_SIZE, TableBase};
use visa_isa::trap_filter;
use visa_isa::vmcs::{self, Action, qualification};
use visa_mem::{Platform, Ram};

use crate::event::Event;
use crate::features::{Feature, Features};
use crate::hart::{Bank, Hart, Reservation};
use crate::io::{MAP_BYTES, check_range};
use crate::state::{ExitRecord, Range, Supervisor, VirtualMachine};
use crate::timeline::{Change, Entered, Moment};
use crate::trap::Stop;

/// Registers that a switch without banks moves: R1 to R31 and F0 to F31 of the world that is left to memory, and those
/// of the other from there.
pub const REGISTER_MOVES: u64 = 2 * (31 + 32);

/// Everything that a VMCS holds of a guest, off the hart.
struct GuestState {
    vm: VirtualMachine,
    supervisor: Supervisor,
    bank: Bank,
    /// fcsr with bits that the bank could not hold.
    fcsr: u64,
    ring: u64,
}

impl GuestState {
    fn fields(&self) -> GuestFields {
        let (pc, satp) = (self.bank.pc, self.supervisor.satp);
        // Nothing has exited from the guest that would be loaded.
        GuestFields { pc, ring: self.ring, fcsr: self.fcsr, satp, can_complete: false }
    }
}

/// What an entry checks of the guest's state, from a VMCS or as it is live.
struct GuestFields {
    pc: u64,
    ring: u64,
    fcsr: u64,
    satp: u64,
    /// An instruction has exited, so that it can be completed.
    can_complete: bool,
}

/// The offset of the VMCS field that a check found invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct InvalidField(u16);

impl Hart {
    /// VMENTER (`Some`: the address of the VMCS) or VMRESUME (`None`). The PC must already be that of the next
    /// instruction in Ring -1, where execution goes on if the entry fails.
    pub fn enter_guest<P: Platform>(&mut self, platform: &mut P, vmcs: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        if let Some(address) = vmcs
            && self.vm.vmcs != Some(address)
            && !self.load_guest(platform, address)?
        {
            return Ok(());
        }
        let checked = match self.vm.vmcs {
            None => Err(InvalidField(vmcs::REVISION)),
            Some(_) => self.check_live(platform.ram()),
        };
        if let Err(field) = checked {
            self.fail_entry(field);
            return Ok(());
        }
        self.switch_to_guest();
        Ok(())
    }

    /// The second half of an entry, which cannot fail: the resume action and the bank.
    fn switch_to_guest(&mut self) {
        let action = std::mem::take(&mut self.vm.action);
        if action == Action::Complete as u64 {
            self.complete_instruction();
        }
        self.end_stay();
        std::mem::swap(&mut self.bank, &mut self.other);
        self.ring = if self.guest_ring == Ring::User as u64 { Ring::User } else { Ring::Kernel };
        self.reservation = Reservation::NONE;
        self.delivery.count = 0;
        self.update_translation_context();
        self.record(|hart| Event::Enter {
            instructions: hart.instructions,
            vmcs: hart.vm.vmcs.unwrap_or(u64::MAX),
            ring: hart.ring,
            pc: hart.bank.pc,
            action,
        });
        if let Some(timeline) = &mut self.timeline {
            let change = Change::Enter(Entered {
                vmcs: self.vm.vmcs.unwrap_or(u64::MAX),
                vmid: self.vm.vmid(),
                virtual_cpu: self.vm.virtual_cpu,
            });
            timeline.push(Moment { instructions: self.instructions, millicycles: self.millicycles, change });
        }
        if action == Action::Inject as u64 {
            let value = if self.vm.inject & INTERRUPT == 0 { self.vm.result } else { 0 };
            self.take_in_kernel(self.vm.inject, value);
        }
    }

    /// Accounts for the stay in Ring -1 that an entry ends, and for what the switch costs without some features.
    fn end_stay(&mut self) {
        let stay = self.instructions - self.ring_minus_1_since;
        self.statistics.instructions_ring_minus_1 += stay;
        if let Some(cause) = self.stay_cause {
            self.statistics.exit_instructions.entry(cause).or_default().add(stay);
        }
        self.switch_without_features();
    }

    /// What an entry and an exit do in want of tags and of banks (see `features`).
    fn switch_without_features(&mut self) {
        if !self.features.has(Feature::TlbTags) {
            self.tlb.flush(|_| true);
        }
        if !self.features.has(Feature::BankedSwitch) {
            self.statistics.register_moves += REGISTER_MOVES;
        }
    }

    /// The second half of a VM exit: the record is complete, the PC that of the guest.
    pub fn leave_guest(&mut self) {
        if !self.features.has(Feature::DecodeAssist) {
            self.forget_decoded();
        }
        self.exit.qualification |= (self.ring as u64) << qualification::RING_SHIFT;
        self.stay_cause = ExitCause::from_number(self.exit.cause);
        if let Some(timeline) = &mut self.timeline {
            let change = Change::Exit { record: self.exit, call: [self.bank.r[17], self.bank.r[16]] };
            timeline.push(Moment { instructions: self.instructions, millicycles: self.millicycles, change });
        }
        self.switch_without_features();
        if let Some(cause) = self.stay_cause {
            *self.statistics.exits.entry(cause).or_default() += 1;
        }
        self.vm.count_exit += 1;
        self.vm.action = 0;
        self.record(|hart| Event::Exit {
            instructions: hart.instructions,
            ring: hart.ring,
            pc: hart.bank.pc,
            record: hart.exit,
            call: [hart.bank.r[17], hart.bank.r[16]],
        });
        self.guest_ring = self.ring as u64;
        self.ring = Ring::Hypervisor;
        self.waiting = false;
        self.reservation = Reservation::NONE;
        self.delivery.count = 0;
        std::mem::swap(&mut self.bank, &mut self.other);
        self.ring_minus_1_since = self.instructions;
        self.update_translation_context();
    }

    fn fail_entry(&mut self, InvalidField(offset): InvalidField) {
        self.exit.cause = ExitCause::EntryFailure as u64;
        self.exit.qualification = (offset as u64) << qualification::FIELD_SHIFT;
        self.record(|hart| Event::EntryFailure {
            instructions: hart.instructions,
            pc: hart.bank.pc,
            field: offset,
        });
    }

    /// VMEXIT.
    pub fn vmexit_instruction(&mut self) -> Stop {
        match self.ring {
            Ring::Kernel => self.exit(ExitCause::VmexitInstruction),
            _ => self.not_in_this_ring(true),
        }
    }

    /// VMCAUSE.
    pub fn last_cause(&mut self) -> Result<u64, Stop> {
        if self.in_guest() { Err(self.not_in_this_ring(true)) } else { Ok(self.exit.cause) }
    }

    /// The exit of VMTRAPCFG b9, between two instructions of the guest.
    pub fn exit_by_step(&mut self) {
        self.exit(ExitCause::SingleStep);
        self.leave_guest();
    }

    /// LDGPTBR and LDHPTBR, by the MSR that they write.
    pub fn load_table_base<P: Platform>(
        &mut self,
        platform: &mut P,
        number: u16,
        value: u64,
    ) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        self.write_msr(number, value);
        if number == msr::HPTBR {
            self.bind_devices(platform);
        }
        Ok(())
    }

    /// VMLOAD. An invalid VMCS is reported in the exit record and changes nothing else.
    pub fn vmload<P: Platform>(&mut self, platform: &mut P, operand: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let address = operand.or(self.vm.vmcs).ok_or(Stop::Illegal)?;
        self.load_guest(platform, address).map(|_| ())
    }

    /// Loads a VMCS and makes it current; false if a check failed.
    fn load_guest<P: Platform>(&mut self, platform: &mut P, address: u64) -> Result<bool, Stop> {
        let ram = platform.ram();
        let offset = vmcs_offset(ram, address).ok_or(Stop::Exception(Exception::LoadAccessFault, address))?;
        let state = read_guest_state(ram, offset, address);
        let checked = match read_field(ram, offset, vmcs::REVISION) {
            vmcs::REVISION_VALUE => check(&state.vm, &state.fields(), ram, self.features),
            _ => Err(InvalidField(vmcs::REVISION)),
        };
        if let Err(field) = checked {
            self.fail_entry(field);
            return Ok(false);
        }
        self.vm = state.vm;
        self.note_ranges();
        self.bind_devices(platform);
        self.supervisor = state.supervisor;
        self.other = state.bank;
        self.guest_ring = state.ring;
        self.exit = ExitRecord::default();
        self.attention = true;
        Ok(true)
    }

    /// VMSAVE.
    pub fn vmsave<P: Platform>(&mut self, platform: &mut P, operand: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let Some(current) = self.vm.vmcs else { return Err(Stop::Illegal) };
        let address = operand.unwrap_or(current);
        let ram = platform.ram();
        let offset =
            vmcs_offset(ram, address).ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
        self.write_guest_state(ram, offset);
        self.see_written(ram);
        Ok(())
    }

    fn check_live(&self, ram: &Ram) -> Result<(), InvalidField> {
        let guest = GuestFields {
            pc: self.other.pc,
            ring: self.guest_ring,
            fcsr: self.other.fcsr as u64,
            satp: self.supervisor.satp,
            can_complete: self.exit.qualification >> qualification::LENGTH_SHIFT & 15 != 0,
        };
        check(&self.vm, &guest, ram, self.features)
    }

    /// The values of VMCS fields with one value, as they are live.
    fn live_field(&self, offset: u16) -> u64 {
        let (vm, supervisor, exit) = (&self.vm, &self.supervisor, &self.exit);
        match offset {
            vmcs::REVISION => vmcs::REVISION_VALUE,
            vmcs::TRAPCFG => vm.trap_filter,
            vmcs::NESTED_BASE => vm.hptbr,
            vmcs::EXCEPTION_MAP => vm.exception_map,
            vmcs::MSR_MAP => vm.msr_map,
            vmcs::MSR_SHADOW => vm.msr_shadow,
            vmcs::IO_MAP => vm.io_map,
            vmcs::TIME_OFFSET => vm.time_offset,
            vmcs::TIME_SCALE => vm.time_scale,
            vmcs::VIRTUAL_CPU => vm.virtual_cpu,
            vmcs::ACTION => vm.action,
            vmcs::RESULT => vm.result,
            vmcs::INJECT => vm.inject,
            vmcs::PC => self.other.pc,
            vmcs::RING => self.guest_ring,
            vmcs::GUEST_FCSR => self.other.fcsr as u64,
            vmcs::GUEST_SSTATUS => supervisor.sstatus_value(),
            vmcs::GUEST_SIE => supervisor.sie,
            vmcs::GUEST_SIP => (supervisor.software_pending as u64) << interrupt::SUPERVISOR_SOFTWARE,
            vmcs::GUEST_STVEC => supervisor.stvec,
            vmcs::GUEST_SCOUNTEREN => supervisor.scounteren,
            vmcs::GUEST_SENVCFG => supervisor.senvcfg,
            vmcs::GUEST_SSCRATCH => supervisor.sscratch,
            vmcs::GUEST_SEPC => supervisor.sepc,
            vmcs::GUEST_SCAUSE => supervisor.scause,
            vmcs::GUEST_STVAL => supervisor.stval,
            vmcs::GUEST_STIMECMP => supervisor.stimecmp,
            vmcs::PAGE_TABLE_BASE => supervisor.satp,
            vmcs::VIC_PENDING => vm.vic_pending,
            vmcs::VIC_ENABLED => vm.vic_enabled,
            vmcs::VIC_THRESHOLD => vm.vic_threshold,
            vmcs::EXIT_CAUSE => exit.cause,
            vmcs::EXIT_QUALIFICATION => exit.qualification,
            vmcs::EXIT_INSTRUCTION => exit.instruction,
            vmcs::EXIT_GUEST_VIRTUAL => exit.guest_virtual,
            vmcs::EXIT_GUEST_PHYSICAL => exit.guest_physical,
            vmcs::EXIT_VALUE => exit.value,
            vmcs::EXIT_CODE => exit.code,
            vmcs::EXIT_COOKIE => exit.cookie,
            vmcs::COUNT_EXIT => vm.count_exit,
            vmcs::COUNT_EMU => vm.count_emu,
            vmcs::COUNT_TLBMISS => vm.count_tlb_miss,
            _ => 0,
        }
    }

    /// Writes every field of the table into a VMCS that is in RAM.
    fn write_guest_state(&self, ram: &Ram, offset: u64) {
        let put = |field: u64, value: u64| {
            // The whole page is in RAM: `vmcs_offset` has checked it.
            let _ = ram.store_u64(offset + field, value);
        };
        for field in vmcs::FIELDS.iter().filter(|field| field.count == 1) {
            put(field.offset as u64, self.live_field(field.offset));
        }
        for number in 0..32 {
            put(vmcs::REGISTERS as u64 + 8 * number, self.other.r[number as usize]);
            put(vmcs::FLOAT_REGISTERS as u64 + 8 * number, self.other.f[number as usize]);
        }
        for (range, at) in self.vm.ranges.iter().zip((vmcs::RANGES as u64..).step_by(RANGE_BYTES as usize)) {
            let values = [range.kind, range.guest_address, range.length, range.target];
            values.iter().zip((at..).step_by(8)).for_each(|(&value, at)| put(at, value));
        }
    }
}

/// The offset of a VMCS in RAM; `None` if its address is not aligned or not in RAM.
fn vmcs_offset(ram: &Ram, address: u64) -> Option<u64> {
    ram.offset_of(address, vmcs::SIZE).filter(|_| address.is_multiple_of(vmcs::SIZE))
}

/// Reads a field of a VMCS that is in RAM.
fn read_field(ram: &Ram, offset: u64, field: u16) -> u64 {
    ram.load_u64(offset + field as u64).unwrap_or(0)
}

fn read_guest_state(ram: &Ram, offset: u64, address: u64) -> GuestState {
    let get = |field: u16| read_field(ram, offset, field);
    let get_all = |field: u16| std::array::from_fn(|index| get(field + 8 * index as u16));
    let mut vm = VirtualMachine {
        vmcs: Some(address),
        trap_filter: get(vmcs::TRAPCFG),
        hptbr: get(vmcs::NESTED_BASE),
        exception_map: get(vmcs::EXCEPTION_MAP),
        msr_map: get(vmcs::MSR_MAP),
        msr_shadow: get(vmcs::MSR_SHADOW),
        io_map: get(vmcs::IO_MAP),
        time_offset: get(vmcs::TIME_OFFSET),
        time_scale: get(vmcs::TIME_SCALE),
        virtual_cpu: get(vmcs::VIRTUAL_CPU),
        vic_pending: get(vmcs::VIC_PENDING),
        vic_enabled: get(vmcs::VIC_ENABLED),
        vic_threshold: get(vmcs::VIC_THRESHOLD),
        action: get(vmcs::ACTION),
        result: get(vmcs::RESULT),
        inject: get(vmcs::INJECT),
        count_exit: get(vmcs::COUNT_EXIT),
        count_emu: get(vmcs::COUNT_EMU),
        count_tlb_miss: get(vmcs::COUNT_TLBMISS),
        ranges: std::array::from_fn(|index| read_range_field(ram, offset, index)),
        has_ranges: false,
    };
    vm.update_has_ranges();
    let mut supervisor = Supervisor::new();
    for (number, field) in SUPERVISOR_FIELDS {
        supervisor.write(number, get(field));
    }
    let mut bank = Bank {
        r: get_all(vmcs::REGISTERS),
        f: get_all(vmcs::FLOAT_REGISTERS),
        pc: get(vmcs::PC),
        fcsr: get(vmcs::GUEST_FCSR) as u32,
    };
    bank.r[0] = 0;
    GuestState { vm, supervisor, bank, fcsr: get(vmcs::GUEST_FCSR), ring: get(vmcs::RING) }
}

/// The supervisor's MSRs that a VMCS holds, and where.
const SUPERVISOR_FIELDS: [(u16, u16); 12] = [
    (msr::SSTATUS, vmcs::GUEST_SSTATUS),
    (msr::SIE, vmcs::GUEST_SIE),
    (msr::SIP, vmcs::GUEST_SIP),
    (msr::STVEC, vmcs::GUEST_STVEC),
    (msr::SCOUNTEREN, vmcs::GUEST_SCOUNTEREN),
    (msr::SENVCFG, vmcs::GUEST_SENVCFG),
    (msr::SSCRATCH, vmcs::GUEST_SSCRATCH),
    (msr::SEPC, vmcs::GUEST_SEPC),
    (msr::SCAUSE, vmcs::GUEST_SCAUSE),
    (msr::STVAL, vmcs::GUEST_STVAL),
    (msr::STIMECMP, vmcs::GUEST_STIMECMP),
    (msr::GPTBR, vmcs::PAGE_TABLE_BASE),
];

/// A slot of kind 0 is unused, whatever else it holds.
fn read_range_field(ram: &Ram, offset: u64, index: usize) -> Range {
    let at = vmcs::RANGES + (index * RANGE_BYTES as usize) as u16;
    match read_field(ram, offset, at) {
        0 => Range::default(),
        kind => Range {
            kind,
            guest_address: read_field(ram, offset, at + 8),
            length: read_field(ram, offset, at + 16),
            target: read_field(ram, offset, at + 24),
        },
    }
}

fn invalid_if(invalid: bool, field: u16) -> Result<(), InvalidField> {
    if invalid { Err(InvalidField(field)) } else { Ok(()) }
}

/// The checks of the specification, 2.6, in its order.
fn check(
    vm: &VirtualMachine,
    guest: &GuestFields,
    ram: &Ram,
    features: Features,
) -> Result<(), InvalidField> {
    let map_is_bad = |map: u64, bytes: u64| {
        map != 0 && (!map.is_multiple_of(PAGE_SIZE) || ram.offset_of(map, bytes).is_none())
    };
    invalid_if(vm.trap_filter & !trap_filter::VALID != 0, vmcs::TRAPCFG)?;
    invalid_if(!is_nested_base(vm.hptbr, ram, features), vmcs::NESTED_BASE)?;
    invalid_if(vm.exception_map & !EXCEPTION_MAP_VALID != 0, vmcs::EXCEPTION_MAP)?;
    invalid_if(map_is_bad(vm.msr_map, MSR_MAP_BYTES), vmcs::MSR_MAP)?;
    invalid_if(map_is_bad(vm.msr_shadow, MSR_SHADOW_BYTES), vmcs::MSR_SHADOW)?;
    invalid_if(map_is_bad(vm.io_map, MAP_BYTES), vmcs::IO_MAP)?;
    invalid_if(vm.time_scale == 0, vmcs::TIME_SCALE)?;
    invalid_if(vm.virtual_cpu > u16::MAX as u64, vmcs::VIRTUAL_CPU)?;
    let action = Action::from_number(vm.action);
    invalid_if(action.is_none() || action == Some(Action::Complete) && !guest.can_complete, vmcs::ACTION)?;
    invalid_if(action == Some(Action::Inject) && !is_injectable(vm.inject), vmcs::INJECT)?;
    invalid_if(guest.pc & 1 != 0, vmcs::PC)?;
    invalid_if(guest.ring != Ring::Kernel as u64 && guest.ring != Ring::User as u64, vmcs::RING)?;
    invalid_if(guest.fcsr > 0xff, vmcs::GUEST_FCSR)?;
    invalid_if(TableBase::from_cr3(guest.satp).is_none(), vmcs::PAGE_TABLE_BASE)?;
    invalid_if(vm.vic_pending & 1 != 0, vmcs::VIC_PENDING)?;
    invalid_if(vm.vic_enabled & 1 != 0, vmcs::VIC_ENABLED)?;
    invalid_if(vm.vic_threshold > 63, vmcs::VIC_THRESHOLD)?;
    check_ranges(vm)
}

fn is_nested_base(hptbr: u64, ram: &Ram, features: Features) -> bool {
    let Some(base) = TableBase::from_hptbr(hptbr) else { return false };
    let can_translate = features.has(Feature::NestedPaging);
    base.mode == Mode::Bare || can_translate && ram.offset_of(base.root, PAGE_SIZE).is_some()
}

fn is_injectable(cause: u64) -> bool {
    let number = cause & !INTERRUPT;
    match cause & INTERRUPT != 0 {
        true => number < 64 && interrupt::SUPERVISOR_MASK & 1 << number != 0,
        false => matches!(number, 0..=9 | 12 | 13 | 15),
    }
}

fn check_ranges(vm: &VirtualMachine) -> Result<(), InvalidField> {
    for (index, range) in vm.ranges.iter().enumerate() {
        let at = vmcs::RANGES + (index as u64 * RANGE_BYTES) as u16;
        let Some(kind) = RangeKind::from_number(range.kind) else { return Err(InvalidField(at)) };
        if kind == RangeKind::Unmap {
            continue;
        }
        check_range(range).map_err(|offset| InvalidField(at + offset as u16))?;
        let overlaps = vm.ranges[..index].iter().any(|old| old.overlaps(range.guest_address, range.length));
        invalid_if(overlaps, at + visa_isa::io::range::GUEST_ADDRESS as u16)?;
    }
    Ok(())
}
