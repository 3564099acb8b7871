//! How two engines are compared: the options, and the fast one of the two.

use std::num::NonZeroU64;

use clap::Args;
use visa_machine::lockstep::{Fault, FaultKind};
use visa_machine::machine::EngineKind;

use crate::numbers::number;

/// Instructions between two comparisons: a comparison takes as long as some dozens of them.
pub(super) const PART: NonZeroU64 = NonZeroU64::new(10_000).expect("it is not zero");

/// The JIT of a pair. It looks for loops to optimise by instructions, and optimises at once, so that whatever it does wrong, it
/// does again at the same instruction when both run again.
pub const FAST: EngineKind = EngineKind::Jit { threshold: None, optimise: Some(50_000) };

/// How engines are compared.
#[derive(Args, Debug, Clone)]
pub struct LockstepOptions {
    /// With --engine lockstep: compare after every N instructions of all harts together (default: 10,000; at most a slice
    /// of 200,000)
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Lockstep")]
    pub lockstep_slice: Option<NonZeroU64>,
    /// With --engine lockstep or checked: after N instructions, change bit 0 of the JIT's R10, or of the byte at a physical address, to
    /// see that it is found
    #[arg(long, value_name = "N[,ADDRESS]", value_parser = fault, help_heading = "Lockstep")]
    pub lockstep_fault: Option<Fault>,
}

fn positive(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(number(text)?).ok_or_else(|| "at least one instruction".into())
}

/// Parses `N[,ADDRESS]`.
fn fault(text: &str) -> Result<Fault, String> {
    const A0: u8 = 10;
    let (after, kind) = match text.split_once(',') {
        Some((after, address)) => (after, FaultKind::Memory(number(address)?)),
        None => (text, FaultKind::Register(A0)),
    };
    Ok(Fault { after: number(after)?, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_a_count_and_perhaps_an_address() {
        assert_eq!(fault("1_000"), Ok(Fault { after: 1000, kind: FaultKind::Register(10) }));
        assert_eq!(fault("5,0x80000000"), Ok(Fault { after: 5, kind: FaultKind::Memory(0x8000_0000) }));
        for wrong in ["", "x", "1,", "1,2,3"] {
            assert!(fault(wrong).is_err(), "{wrong}");
        }
    }
}
