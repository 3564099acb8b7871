//! What observers of a hart are told: traps and world switches, in order.

use visa_isa::Ring;
use visa_isa::exit::ExitRecord;
use visa_state::HartState;

/// Who was entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entered {
    /// Physical address of the VMCS.
    pub vmcs: u64,
    /// The VM: VMID of HPTBR.
    pub vmid: u16,
    /// VCPUID.
    pub virtual_cpu: u64,
}

impl Entered {
    /// Who is current.
    pub(crate) fn current(state: &HartState) -> Entered {
        Entered {
            vmcs: state.vm.vmcs.unwrap_or(u64::MAX),
            vmid: state.vm.vmid(),
            virtual_cpu: state.vm.virtual_cpu,
        }
    }
}

/// Something that happened between two instructions, or instead of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An exception or interrupt went to a ring's trap vector.
    Trap {
        /// Retired instructions before it.
        instructions: u64,
        /// Ring that it came from.
        from: Ring,
        /// Ring that took it: Ring 0, or Ring -1 for its own.
        to: Ring,
        /// scause or HVCAUSE.
        cause: u64,
        /// stval or HVTVAL.
        value: u64,
        /// Address that it came from.
        pc: u64,
    },
    /// Ring -1 entered a guest.
    Enter {
        /// Retired instructions before it.
        instructions: u64,
        /// Who was entered.
        who: Entered,
        /// Ring that was entered.
        ring: Ring,
        /// Where the guest goes on.
        pc: u64,
        /// The resume action that was done.
        action: u64,
    },
    /// A guest left for Ring -1.
    Exit {
        /// Retired instructions before it.
        instructions: u64,
        /// Ring that it left.
        ring: Ring,
        /// Where the guest will go on.
        pc: u64,
        /// The exit record.
        record: ExitRecord,
        /// The guest's R17 and R16: for a hypercall of the SBI, extension and function.
        call: [u64; 2],
    },
    /// A VMCS was refused, by an entry or by VMLOAD, and Ring -1 goes on.
    EntryFailure {
        /// Retired instructions before it.
        instructions: u64,
        /// Where Ring -1 goes on.
        pc: u64,
        /// Byte offset of the field that is invalid.
        field: u16,
    },
}
