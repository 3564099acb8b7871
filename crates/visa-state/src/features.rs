//! Features of the machine that can be taken away, one at a time, to see what each is worth. All are there by default.
//!
//! A machine without a feature is still a V-ISA machine for the guest: it computes the same. What changes is how often
//! the guest leaves for Ring -1, what Ring -1 then has to do itself, and what it costs.

use serde::{Deserialize, Serialize};
use visa_isa::trap_filter;

/// A feature that can be taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Feature {
    /// A world switch changes the bank of registers. Without: it moves 63 registers to memory and 63 back, each way.
    BankedSwitch,
    /// TLB entries carry VMID and ASID. Without: a world switch drops every translation, a write of CR3 those that are
    /// not global.
    TlbTags,
    /// Walks remember entries of the upper levels, and second-stage translations. Without: each miss walks in full.
    WalkCaches,
    /// The exit record holds what the instruction says. Without: only what the hardware knows without decoding.
    DecodeAssist,
    /// VMTRAPCFG and the maps choose what exits. Without: everything that they could choose exits.
    TrapFilter,
    /// The guest's timer interrupts the guest. Without: it exits.
    TimerWithoutExit,
    /// Harts have a second stage of translation. Without: HPTBR must be in mode bare for an entry; devices' DMA keeps its
    /// own.
    NestedPaging,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Feature; 7] = [
        Feature::BankedSwitch,
        Feature::TlbTags,
        Feature::WalkCaches,
        Feature::DecodeAssist,
        Feature::TrapFilter,
        Feature::TimerWithoutExit,
        Feature::NestedPaging,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Feature::BankedSwitch => "banked-switch",
            Feature::TlbTags => "tlb-tags",
            Feature::WalkCaches => "walk-caches",
            Feature::DecodeAssist => "decode-assist",
            Feature::TrapFilter => "trap-filter",
            Feature::TimerWithoutExit => "timer-without-exit",
            Feature::NestedPaging => "nested-paging",
        }
    }

    /// What happens without it, in a sentence.
    pub const fn without(self) -> &'static str {
        match self {
            Feature::BankedSwitch => {
                "each entry and exit moves the registers of both worlds through memory (cycle model)"
            }
            Feature::TlbTags => "each world switch and each write of CR3 flushes the TLB",
            Feature::WalkCaches => "each TLB miss walks all levels of both stages (cycle model)",
            Feature::DecodeAssist => "the exit record lacks what decoding the instruction would tell",
            Feature::TrapFilter => "everything that VMTRAPCFG could make exit does exit",
            Feature::TimerWithoutExit => "the guest's timer exits to Ring -1, as with VMTRAPCFG b5 set",
            Feature::NestedPaging => {
                "harts translate by one stage alone: visor keeps shadow page tables in place of the guest's"
            }
        }
    }

    /// The feature with a name.
    pub fn from_name(name: &str) -> Option<Feature> {
        Feature::ALL.into_iter().find(|feature| feature.name() == name)
    }
}

/// The features that a machine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Features {
    missing: u8,
}

impl Features {
    /// The same without one.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Features {
        Features { missing: self.missing | 1 << feature as u8 }
    }

    /// Whether it is there.
    #[inline(always)]
    pub const fn has(self, feature: Feature) -> bool {
        self.missing & 1 << feature as u8 == 0
    }

    /// Those that are missing.
    pub fn missing(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |&feature| !self.has(feature))
    }

    /// Bits of VMTRAPCFG that are in force whatever it says. Single-stepping is not among them: it is no event of the
    /// guest's, but a debugger's.
    pub const fn forced_filter(self) -> u64 {
        if !self.has(Feature::TrapFilter) {
            return trap_filter::VALID & !trap_filter::STEP;
        }
        if self.has(Feature::TimerWithoutExit) { 0 } else { trap_filter::TIMER }
    }
}
