//! With which IOVMAP ranges the TLB's translations of each VM were made: ranges live in the VMCS (specification, 5.3), and
//! two of them may have one VMID and different ranges.

use serde::{Deserialize, Serialize};
use visa_isa::vmcs::RANGE_COUNT;
use visa_state::{HartState, Range};

use crate::tlb::Tlb;

/// Most VMs with ranges whose translations a hart keeps at a time.
const VMS: usize = 8;

type Ranges = [Range; RANGE_COUNT];

/// The VMs with ranges that have translations, the one that was in use last at the end. Those of every other VM were made
/// without ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RangeTags {
    with_ranges: Vec<(u16, Box<Ranges>)>,
    /// The ranges that were in force last; `None`: none were.
    last: Option<Box<Ranges>>,
}

impl RangeTags {
    /// After a change of the VM in use or of its ranges: drops translations that other ranges have made. True: what walks remember
    /// is not of these ranges either.
    pub fn note(&mut self, tlb: &mut Tlb, state: &HartState) -> bool {
        let vmid = state.vm.vmid();
        let ranges = state.vm.has_ranges.then(|| Box::new(state.vm.ranges));
        let changed = self.last != ranges;
        if changed {
            self.last.clone_from(&ranges);
        }
        let tags = &mut self.with_ranges;
        let known = tags.iter().position(|(other, _)| *other == vmid).map(|place| tags.remove(place).1);
        // The first level too: it may know pages that no stage translates.
        if known != ranges {
            tlb.flush(|old| old.vmid == vmid);
        }
        if let Some(ranges) = ranges {
            tags.push((vmid, ranges));
            if tags.len() > VMS {
                let (oldest, _) = tags.remove(0);
                tlb.flush(|old| old.vmid == oldest);
            }
        }
        changed
    }
}
