//! The model of a hart: it watches instructions and adds up cycles.

mod world_switch;

use std::collections::BTreeMap;

use visa_core::Hart;
use visa_core::model::Model;
use visa_isa::cause::ExitCause;
use visa_isa::paging::Access;
use visa_isa::shape::MsrChange;
use visa_isa::{Instruction, Op, Ring, Shape, msr};
use visa_mem::Ram;
use visa_mmu::context::asid;
use visa_mmu::walk_trace::trace_walk;
use visa_state::{Feature, Features, Spread};

use crate::cache::Hierarchy;
use crate::instruction::{Class, Profile, REGISTERS, profiles};
use crate::parameters::Parameters;
use crate::predictor::{Jump, Prediction, Predictor};
use crate::report::{Account, CycleReport, RINGS, Spent, ring_index};
use crate::settings::ParameterError;
use crate::translation::{Found, Space, Translator};

/// What stands for "no line" and "no page".
const NOWHERE: u64 = u64::MAX;

/// The model of one hart.
#[derive(Clone)]
pub struct CycleModel {
    parameters: Parameters,
    features: Features,
    profiles: Vec<Profile>,
    caches: Hierarchy,
    translator: Translator,
    predictor: Predictor,
    /// Millicycles so far.
    now: u64,
    /// Instructions so far.
    sequence: u64,
    /// The ring that instructions count for, as an index.
    ring: usize,
    accounts: [Account; RINGS],
    /// In order: when each register can be used.
    ready: [u64; REGISTERS],
    /// Out of order: until which instruction each register counts as under way from memory.
    under_way: [u64; REGISTERS],
    /// The virtual line and page that are being fetched from, and that page's physical address.
    fetch_line: u64,
    fetch_page: u64,
    fetch_physical: u64,
    /// When the stay in Ring -1 began, and by what.
    stay: Option<(ExitCause, u64)>,
    exit_cycles: BTreeMap<ExitCause, Spread>,
    entries: u64,
    /// The VMCS that was current at the last look.
    current_vmcs: Option<u64>,
}

/// What is known before an instruction is executed.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// The first operand plus the immediate: for memory, the address.
    address: u64,
    ring: Ring,
}

impl CycleModel {
    /// A model of a hart after reset. Features are those of the hart that it will watch.
    pub fn new(parameters: &Parameters, features: Features) -> Result<CycleModel, ParameterError> {
        parameters.check()?;
        Ok(CycleModel {
            profiles: profiles(parameters),
            caches: Hierarchy::new(parameters),
            translator: Translator::new(parameters, features.has(Feature::WalkCaches)),
            predictor: Predictor::new(parameters),
            parameters: parameters.clone(),
            features,
            now: 0,
            sequence: 0,
            ring: ring_index(Ring::Hypervisor),
            accounts: [Account::default(); RINGS],
            ready: [0; REGISTERS],
            under_way: [0; REGISTERS],
            fetch_line: NOWHERE,
            fetch_page: NOWHERE,
            fetch_physical: 0,
            stay: None,
            exit_cycles: BTreeMap::new(),
            entries: 0,
            current_vmcs: None,
        })
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Thousandths of cycles so far.
    pub fn millicycles(&self) -> u64 {
        self.now
    }

    /// What has been counted so far.
    pub fn report(&self) -> CycleReport {
        CycleReport {
            rings: self.accounts,
            caches: self.caches.counts(),
            branches: self.predictor.counts,
            translation: self.translator.counts,
            entries: self.entries,
            exit_cycles: self.exit_cycles.clone(),
        }
    }

    #[inline(always)]
    fn charge(&mut self, what: Spent, millicycles: u64) {
        self.now += millicycles;
        self.accounts[self.ring].millicycles[what as usize] += millicycles;
    }

    /// The physical address of an access, its latency charged in full or as far as it is exposed.
    #[inline(always)]
    fn translate(&mut self, hart: &Hart, ram: &Ram, address: u64, access: Access, in_full: bool) -> Found {
        let translates =
            hart.state.in_guest() && (hart.state.supervisor.satp | hart.state.vm.hptbr) >> 60 != 0;
        if !translates {
            return Found { physical: address, latency: 0 };
        }
        let space = Space { asid: asid(&hart.state), vmid: hart.state.vm.vmid() };
        let trace = || trace_walk(&hart.state, ram, address);
        let found = self.translator.translate(&mut self.caches, address, access, space, trace);
        if found.latency != 0 {
            let latency =
                if in_full { found.latency } else { exposed(found.latency, self.parameters.walk_exposed) };
            self.charge(Spent::Translation, latency);
        }
        found
    }

    /// The instruction's bytes come from memory.
    #[inline(always)]
    fn fetch(&mut self, hart: &Hart, ram: &Ram, pc: u64, length: u8) {
        let last = self.caches.line(pc.wrapping_add(length as u64 - 1));
        if last != self.fetch_line {
            self.fetch_lines(hart, ram, pc, last);
        }
    }

    fn fetch_lines(&mut self, hart: &Hart, ram: &Ram, pc: u64, last: u64) {
        let first = self.caches.line(pc);
        if first != self.fetch_line {
            self.fetch_from(hart, ram, pc);
        }
        if last != first {
            self.fetch_from(hart, ram, last * self.parameters.line);
        }
        self.fetch_line = last;
    }

    fn fetch_from(&mut self, hart: &Hart, ram: &Ram, address: u64) {
        const PAGE: u64 = visa_isa::paging::PAGE_SIZE;
        let page = address / PAGE;
        if page != self.fetch_page {
            self.fetch_physical = self.translate(hart, ram, address, Access::Fetch, false).physical / PAGE;
            self.fetch_page = page;
        }
        let line = self.caches.line(self.fetch_physical * PAGE + address % PAGE);
        let latency = self.caches.fetch(line);
        if latency != 0 {
            self.charge(Spent::InstructionCache, exposed(latency, self.parameters.fetch_exposed));
        }
    }

    /// Fetching goes on elsewhere, or by another translation.
    fn forget_fetch(&mut self) {
        self.fetch_line = NOWHERE;
        self.fetch_page = NOWHERE;
    }

    /// The instruction is issued: it waits for its operands, and takes up its slot.
    #[inline(always)]
    fn issue(&mut self, profile: &Profile, i: &Instruction) {
        if self.parameters.in_order != 0 {
            let ready = self.ready[profile.rs1.place(i.rs1)]
                .max(self.ready[profile.rs2.place(i.rs2)])
                .max(self.ready[profile.rs3.place(i.rs3)]);
            if ready > self.now {
                self.charge(Spent::Operand, ready - self.now);
            }
        }
        self.charge(Spent::Base, profile.issue);
    }

    /// The result is there after the instruction's latency, or counts as under way from memory.
    #[inline(always)]
    fn complete(&mut self, profile: &Profile, i: &Instruction, missed: bool) {
        let place = profile.rd.place(i.rd);
        if self.parameters.in_order != 0 {
            self.ready[place] = self.now + profile.latency.saturating_sub(profile.issue);
            self.ready[0] = 0;
        } else {
            let sources = self.under_way[profile.rs1.place(i.rs1)]
                .max(self.under_way[profile.rs2.place(i.rs2)])
                .max(self.under_way[profile.rs3.place(i.rs3)]);
            self.under_way[place] = if missed { self.sequence + self.parameters.window } else { sources };
            self.under_way[0] = 0;
        }
    }

    /// A load, store or atomic: whether it missed the first level.
    #[inline(always)]
    fn access(&mut self, hart: &Hart, ram: &Ram, profile: &Profile, i: &Instruction, address: u64) -> bool {
        let dependent = self.under_way[profile.rs1.place(i.rs1)] > self.sequence;
        let share = match profile.class {
            Class::Store => self.parameters.store_exposed,
            _ if dependent => 100,
            _ => self.parameters.load_exposed,
        };
        let access = if profile.stores { Access::Store } else { Access::Load };
        let missed = self.touch(hart, ram, address, access, share, dependent);
        let end = address.wrapping_add(profile.bytes as u64 - 1);
        if self.caches.line(end) == self.caches.line(address) {
            return missed;
        }
        self.touch(hart, ram, end, access, share, dependent) || missed
    }

    #[inline(always)]
    fn touch(
        &mut self,
        hart: &Hart,
        ram: &Ram,
        address: u64,
        access: Access,
        share: u64,
        in_full: bool,
    ) -> bool {
        let found = self.translate(hart, ram, address, access, in_full);
        if ram.offset_of(found.physical, 1).is_none() {
            self.charge(Spent::DataCache, self.parameters.device_latency);
            return false;
        }
        let latency = self.caches.data(self.caches.line(found.physical));
        if latency != 0 {
            self.charge(Spent::DataCache, exposed(latency, share));
        }
        latency != 0 || found.latency != 0
    }

    fn branch(&mut self, prediction: Prediction) {
        match prediction {
            Prediction::Right => {}
            Prediction::Redirect => self.charge(Spent::Branch, self.parameters.branch_redirect),
            Prediction::Wrong => self.charge(Spent::Branch, self.parameters.branch_mispredict),
        }
    }

    fn jump(&mut self, i: &Instruction, pc: u64, next: u64) {
        let is_link = |register: u8| register == 1 || register == 5;
        let kind = match i.op.shape() {
            Shape::Jump => Jump::Direct,
            _ if is_link(i.rs1) && i.rd != i.rs1 => Jump::Return,
            _ => Jump::Indirect,
        };
        let return_address = is_link(i.rd).then(|| pc.wrapping_add(i.length as u64));
        let prediction = self.predictor.jump(kind, pc, next, return_address);
        self.branch(prediction);
    }

    fn write_msr(&mut self, i: &Instruction) {
        let writes = i.msr_change().is_some_and(|change| change != MsrChange::None);
        if writes && matches!(i.imm as u16, msr::SATP | msr::GPTBR) {
            self.wrote_table_base();
        }
    }

    fn wrote_table_base(&mut self) {
        self.forget_fetch();
        if !self.features.has(Feature::TlbTags) {
            self.translator.flush_address_space();
        }
    }

    /// Instructions that do more to the model than compute.
    #[cold]
    fn system(&mut self, hart: &Hart, i: &Instruction, before: Before) {
        let p = &self.parameters;
        let optional = |register: u8| (register != 0).then(|| hart.state.r(register));
        match i.op {
            Op::FenceI => {
                if p.flush_instructions != 0 {
                    self.caches.drop_instructions();
                }
                self.forget_fetch();
            }
            Op::SfenceVma if before.ring != Ring::Hypervisor => {
                let (address, asid) = (optional(i.rs1), optional(i.rs2));
                let cost = if address.is_some() { p.flush_address } else { p.flush_all };
                self.translator.fence(address, asid.map(|asid| asid as u16 as u32), hart.state.vm.vmid());
                self.flushed(cost);
            }
            Op::SfenceVma => self.flush_nested(None, None),
            Op::Tlbflushv => self.flush_nested(optional(i.rs1).map(|vmid| vmid as u16), optional(i.rs2)),
            Op::Iovmap => self.flush_nested(Some(hart.state.vm.vmid()), None),
            Op::Ldgptbr => self.wrote_table_base(),
            Op::Vmload => self.moved_vmcs(hart.state.vm.vmcs, false),
            Op::Vmsave => {
                self.moved_vmcs(if i.rs1 == 0 { hart.state.vm.vmcs } else { Some(before.address) }, true)
            }
            op if matches!(op.shape(), Shape::Port(_)) => {
                self.charge(Spent::DataCache, self.parameters.device_latency);
            }
            _ => {}
        }
        self.current_vmcs = hart.state.vm.vmcs;
    }

    fn flush_nested(&mut self, vmid: Option<u16>, guest_physical: Option<u64>) {
        let cost =
            if guest_physical.is_some() { self.parameters.flush_address } else { self.parameters.flush_all };
        self.translator.flush_nested(vmid, guest_physical);
        self.flushed(cost);
    }

    fn flushed(&mut self, cost: u64) {
        self.charge(Spent::Flush, cost);
        self.forget_fetch();
    }
}

impl Model for CycleModel {
    type Before = Before;

    #[inline(always)]
    fn before(&mut self, hart: &mut Hart, ram: &Ram, instruction: &Instruction) -> Before {
        self.fetch(hart, ram, hart.state.bank.pc, instruction.length);
        let address = hart.state.r(instruction.rs1).wrapping_add(instruction.imm as i64 as u64);
        Before { address, ring: hart.state.ring }
    }

    #[inline(always)]
    fn retired(&mut self, hart: &mut Hart, ram: &Ram, i: &Instruction, before: Before, pc: u64) {
        let profile = self.profiles[i.op as usize];
        self.sequence += 1;
        self.accounts[self.ring].instructions += 1;
        self.issue(&profile, i);
        let mut missed = false;
        match profile.class {
            Class::Compute => {}
            Class::Load | Class::Store | Class::Atomic => {
                missed = self.access(hart, ram, &profile, i, before.address);
            }
            Class::Branch => {
                let next = hart.state.bank.pc;
                let taken = next != pc.wrapping_add(i.length as u64);
                let prediction = self.predictor.branch(pc, next, taken);
                self.branch(prediction);
            }
            Class::Jump => self.jump(i, pc, hart.state.bank.pc),
            Class::Msr => self.write_msr(i),
            Class::Return => {
                self.charge(Spent::Trap, self.parameters.trap_return);
                self.forget_fetch();
                self.ring = ring_index(hart.state.ring);
            }
            Class::System => self.system(hart, i, before),
        }
        self.complete(&profile, i, missed);
        hart.state.millicycles = self.now;
    }

    fn switched(&mut self, hart: &mut Hart, _: &Ram, i: &Instruction, _: Before, _: u64) {
        let profile = self.profiles[i.op as usize];
        self.sequence += 1;
        self.accounts[self.ring].instructions += 1;
        self.issue(&profile, i);
        if hart.state.vm.vmcs != self.current_vmcs {
            self.moved_vmcs(hart.state.vm.vmcs, false);
            self.current_vmcs = hart.state.vm.vmcs;
        }
        self.charge(Spent::WorldSwitch, self.parameters.switch_check);
        if hart.state.in_guest() {
            self.entered(hart);
        }
        hart.state.millicycles = self.now;
    }

    fn stopped(&mut self, hart: &mut Hart, ram: &Ram, i: &Instruction, before: Before) {
        let profile = self.profiles[i.op as usize];
        self.issue(&profile, i);
        if profile.bytes != 0 {
            let access = if profile.stores { Access::Store } else { Access::Load };
            self.translate(hart, ram, before.address, access, true);
        }
        hart.state.millicycles = self.now;
    }

    fn fetch_stopped(&mut self, hart: &mut Hart, ram: &Ram) {
        self.forget_fetch();
        self.fetch_from(hart, ram, hart.state.bank.pc);
        hart.state.millicycles = self.now;
    }

    fn diverted(&mut self, hart: &mut Hart, _: &Ram, from: Ring) {
        if from != Ring::Hypervisor && hart.state.ring == Ring::Hypervisor {
            self.exited(hart);
        } else {
            self.ring = ring_index(hart.state.ring);
            self.charge(Spent::Trap, self.parameters.trap_enter);
            self.forget_fetch();
        }
        hart.state.millicycles = self.now;
    }
}

/// A share of a latency, in percent.
#[inline(always)]
fn exposed(latency: u64, percent: u64) -> u64 {
    latency * percent / 100
}
