//! What an optimised loop keeps beside its code: predicts where its accesses go.
//!
//! A prediction says which page an access went to last, and where that page is on the host. While it holds, an access costs a
//! subtraction, a comparison and an addition, none of which has to wait for a look at the TLB. A prediction that is in force is always
//! backed by an entry of the TLB's first level: whatever drops or replaces such an entry counts in [`Tlb::generation`], and
//! predictions of another generation are forgotten before the loop goes on. So the
//! interpreter would have found the access in the first level, too.
//!
//! [`Tlb::generation`]: visa_mmu::tlb::Tlb::generation

use visa_core::Hart;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;
use visa_mem::Platform;

use super::trace::page_of;
use crate::runtime::Environment;

/// Wrong predictions after which it is looked how frequent they are.
const TRIAL: u64 = 512;
/// Instructions for each wrong prediction, below which predicting costs more than it saves.
const LEAST_DISTANCE: u64 = 150;
/// Accesses that needed more than a translation, after which the loop is given up if they are frequent.
const FAILURES: u64 = 256;

/// Where an access went. Generated code reads it.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct LoopPrediction {
    /// Address of the page.
    pub page: u64,
    /// How far into the page the first byte may be, plus one; 0: nothing is known.
    pub limit: u64,
    /// What turns distances from the page's start into addresses on the host.
    pub host: u64,
}

/// An access, or several off one base that are looked up at once.
pub struct AccessRecord {
    /// Its kind.
    pub access: Access,
    /// From its lowest to its highest byte.
    pub bytes: u64,
    /// How far from the lowest byte the access begins that is executed first: it is the one that misses.
    pub first: u64,
    /// The line of the plan.
    pub line: usize,
    /// It goes by the TLB's first level alone: predictions were wrong too often.
    pub plain: bool,
    /// Other accesses go by what was looked up before: they must not if its entry is replaced.
    pub shared: bool,
    /// Wrong predictions so far, and the retired count as of the last time that their frequency was looked at.
    misses: u64,
    since: u64,
}

impl AccessRecord {
    /// A record that has not been executed.
    pub fn new(
        access: Access,
        bytes: u64,
        first: u64,
        line: usize,
        plain: bool,
        shared: bool,
    ) -> AccessRecord {
        AccessRecord { access, bytes, first, line, plain, shared, misses: 0, since: 0 }
    }
}

/// What the loop's code names by address. The first fields are its, by their offsets.
#[repr(C)]
pub struct RegionData {
    /// The generation for which predictions hold.
    pub generation: u64,
    /// How often it was entered.
    pub entries: u64,
    /// Instructions that it has executed.
    pub retired: u64,
    /// A prediction for each record.
    pub predictions: Box<[LoopPrediction]>,
    /// The records.
    pub records: Vec<AccessRecord>,
    /// Number of the region, for [`Environment::revise`].
    pub number: u64,
    failures: u64,
    failures_since: u64,
}

impl RegionData {
    /// Room for so many records. Code that is made from now on may name the predictions by their addresses.
    pub fn new(number: u64, records: usize) -> RegionData {
        RegionData {
            generation: u64::MAX,
            entries: 0,
            retired: 0,
            predictions: vec![LoopPrediction::default(); records].into(),
            records: Vec::new(),
            number,
            failures: 0,
            failures_since: 0,
        }
    }

    /// Forgets all predictions.
    fn forget(&mut self, hart: &Hart) {
        self.predictions.fill(LoopPrediction::default());
        self.generation = hart.mmu.tlb.generation();
    }

    /// Counts a wrong prediction. True: they are too frequent.
    fn predicted_wrongly(record: &mut AccessRecord, now: u64) -> bool {
        record.misses += 1;
        if !record.misses.is_multiple_of(TRIAL) {
            return false;
        }
        let distance = now.wrapping_sub(record.since) / TRIAL;
        let first = record.since == 0;
        record.since = now;
        record.plain = !first && distance < LEAST_DISTANCE;
        record.plain
    }

    /// Counts an access that needed more than a translation. True: they are too frequent.
    fn failed(&mut self, now: u64) -> bool {
        self.failures += 1;
        if !self.failures.is_multiple_of(FAILURES) {
            return false;
        }
        let distance = now.wrapping_sub(self.failures_since) / FAILURES;
        let first = self.failures_since == 0;
        self.failures_since = now;
        !first && distance < LEAST_DISTANCE * 4
    }
}

/// Forgets the predictions of a region, because they are of another generation.
///
/// # Safety
///
/// As [`find`].
pub unsafe extern "C" fn forget(region: *mut RegionData, _record: u64, _address: u64, hart: *mut Hart) {
    // SAFETY: as the caller says.
    let (region, hart) = unsafe { (&mut *region, &*hart) };
    region.forget(hart);
}

/// Finds where an access goes, or all of those that are looked up with it, and remembers it. [`Environment::found`] becomes the address on the host of its first byte, or 0
/// if the instruction must be executed by somebody else, from its beginning.
///
/// # Safety
///
/// For generated code alone: `region` is what its code was made with, `hart` and `environment` are those that it was entered
/// with, the latter made for a platform of type P, and nobody else uses them meanwhile.
pub unsafe extern "C" fn find<P: Platform>(
    region: *mut RegionData,
    record: u64,
    address: u64,
    hart: *mut Hart,
    environment: *mut Environment,
    budget: i64,
) {
    // SAFETY: as the caller says; they are different objects.
    let (region, hart, environment) = unsafe { (&mut *region, &mut *hart, &mut *environment) };
    let now = environment.base.wrapping_sub(budget as u64);
    environment.found = 0;
    let place = record as usize;
    let AccessRecord { access, bytes, first, plain, shared, .. } = region.records[place];
    if address & (PAGE_SIZE - 1) > PAGE_SIZE - bytes {
        return;
    }
    let generation = hart.mmu.tlb.generation();
    let mut offset = hart.mmu.tlb.lookup(access, address, bytes);
    if offset.is_none() {
        let replaced = hart.mmu.tlb.resident(access, address);
        // SAFETY: as the caller says; the reference ends with this statement.
        let platform = unsafe { environment.platform::<P>() };
        // If it faults, the access takes the fault that was counted here, and it asks for its own address.
        let found = hart.refill_ahead(platform.ram(), address + first, access);
        environment.resolved_access = found.err().flatten();
        offset = found.ok().map(|offset| offset - first);
        if hart.mmu.tlb.generation() == generation.wrapping_add(1)
            && let Some(replaced) = replaced
        {
            // Only predictions of this page are not backed any more.
            for (prediction, record) in region.predictions.iter_mut().zip(&region.records) {
                if record.access == access && prediction.page == replaced {
                    *prediction = LoopPrediction::default();
                }
            }
            region.generation = hart.mmu.tlb.generation();
        }
    }
    if hart.mmu.tlb.generation() != region.generation {
        region.forget(hart);
    }
    let Some(offset) = offset else {
        if region.failed(now) {
            environment.revise = region.number + 1;
            environment.give_up = true;
        }
        return;
    };
    if hart.mmu.tlb.generation() != generation && shared {
        return;
    }
    let host = hart.mmu.tlb.bias().wrapping_add(offset);
    environment.found = host;
    if plain {
        return;
    }
    let page = page_of(address);
    region.predictions[place] =
        LoopPrediction { page, limit: PAGE_SIZE + 1 - bytes, host: host.wrapping_sub(address - page) };
    if RegionData::predicted_wrongly(&mut region.records[place], now) {
        environment.revise = region.number + 1;
    }
}
