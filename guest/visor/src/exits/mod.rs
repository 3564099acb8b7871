//! The plain layer of the exit loop: what visor does about each exit on a machine that lacks nothing.

mod hypercall;
mod io;
mod memory;
mod tables;

use crate::ending::Ending;
use crate::vcpu::{Layer, Loaded, Next, report};
use visa_guest::qualification;
use visa_isa::cause::ExitCause;
use visa_isa::exit::InvalidField;

pub use memory::deny;
pub use tables::{control_register, fence, page_fault};

/// The plain layer. What handles common exits is inlined into the loop, so that none of them saves registers; what is rare or
/// long is kept out of line, with its operands in registers.
pub struct Plain;

impl Layer for Plain {
    #[inline(always)]
    fn handle(&mut self, vcpu: &mut Loaded, cause: u64) -> Next {
        use ExitCause::*;
        match ExitCause::from_number(cause) {
            Some(Hypercall) => return hypercall::handle(vcpu),
            Some(SoftwareInterrupt) => vcpu.serve(),
            Some(IoAccess) => io::port(vcpu),
            Some(NestedPageFault) => memory::nested_page_fault(vcpu),
            Some(PageFault) => page_fault(vcpu),
            Some(TlbFlush) => fence(vcpu),
            Some(ControlRegister) => control_register(vcpu),
            Some(VmexitInstruction) => vcpu.complete(),
            Some(VisaInstruction) => not_resident(vcpu),
            Some(Shutdown) => report::shutdown(vcpu.vcpu),
            Some(EntryFailure) => {
                report::entry_failure(Some(vcpu.vcpu), InvalidField(qualification().field()))
            }
            // Nothing in the trap filter asks for these.
            Some(
                IllegalPrivileged | Timer | ExternalInterrupt | MsrAccess | Halt | DeviceAccess | SingleStep
                | DirtyLogFull | Exception | Pause | PciConfiguration,
            )
            | None => report::unexpected(vcpu.vcpu, cause, Ending::UnexpectedExit),
        }
        Next::Resume
    }
}

/// VINT_SEND to a virtual CPU that no hart has (specification, 6.1): it is stopped, and whoever is stopped has no
/// interrupt controller to hold the vector. The instruction is done.
fn not_resident(vcpu: &mut Loaded) {
    vcpu.complete();
}
