//! The SBI, version 2.0, as a guest's kernel calls it (RISC-V Supervisor Binary Interface Specification): what each
//! call means, apart from the machine ([`Environment`]), so that the host's tests can call it too.

mod base;
mod console;
mod error;
mod hart_mask;
mod hsm;
mod interface;
mod ipi;
mod legacy;
mod reset;
mod rfence;
mod time;

#[cfg(test)]
mod tests;

pub use error::SbiError;
pub use hart_mask::HartSet;
pub use interface::{COUNTERS, Call, Environment, Fence, HartState, Outcome, SbiResult, Start, extension};

/// Does a call. What is rare or long is kept out of line, with its operands in registers, so that for a short call
/// neither registers are saved nor is [`Call`] ever in memory.
#[inline(always)]
pub fn call(on: &mut impl Environment, call: &Call) -> Outcome {
    match call.extension {
        extension::BASE => base::call(call).into(),
        extension::TIME => time::call(on, call).into(),
        extension::IPI => ipi::call(on, call).into(),
        extension::RFENCE => rfence::call(on, call).into(),
        extension::HSM => hsm::call(on, call),
        extension::SRST => reset::call(call),
        extension::DBCN => console::call(on, call).into(),
        extension::LEGACY_SET_TIMER..=extension::LEGACY_SHUTDOWN => legacy::call(on, call),
        _ => Outcome::Return(Err(SbiError::NotSupported)),
    }
}
