//! With which IOVMAP ranges the TLB's translations of each VM were made: ranges live in the VMCS (specification, 5.3), and
//! two of them may have one VMID and different ranges.

use crate::hart::Hart;
use crate::state::Range;
use visa_isa::vmcs::RANGE_COUNT;

/// Most VMs with ranges whose translations a hart keeps at a time.
const VMS: usize = 8;

type Ranges = [Range; RANGE_COUNT];

/// The VMs with ranges that have translations, the one that was in use last at the end. Those of every other VM were made
/// without ranges.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeTags {
    with_ranges: Vec<(u16, Box<Ranges>)>,
    /// The ranges that were in force last; `None`: none were.
    last: Option<Box<Ranges>>,
}

impl Hart {
    /// After a change of the VM in use or of its ranges: drops translations that other ranges have made.
    pub(crate) fn note_ranges(&mut self) {
        let vmid = self.vm.vmid();
        let ranges = self.vm.has_ranges.then(|| Box::new(self.vm.ranges));
        if self.range_tags.last != ranges {
            self.forget_walks();
            self.range_tags.last.clone_from(&ranges);
        }
        let tags = &mut self.range_tags.with_ranges;
        let known = tags.iter().position(|(other, _)| *other == vmid).map(|place| tags.remove(place).1);
        // The first level too: it may know pages that no stage translates.
        if known != ranges {
            self.tlb.flush(|old| old.vmid == vmid);
        }
        if let Some(ranges) = ranges {
            self.range_tags.with_ranges.push((vmid, ranges));
            if self.range_tags.with_ranges.len() > VMS {
                let (oldest, _) = self.range_tags.with_ranges.remove(0);
                self.tlb.flush(|old| old.vmid == oldest);
            }
        }
    }
}
