//! IN and OUT in Ring 0, where no I/O permission map can let them pass (specification, 5.2).

use super::rules::PortShape;
use crate::device_tree::Mode;
use crate::vm::{CONSOLE_PORTS, Vm};
use visa_guest::instructions as insn;

/// Does the access as the map of the VM would have it, and returns what IN reads.
pub fn access(vm: &Vm, port: u16, shape: PortShape, value: u64) -> u64 {
    let passes = match vm.mode {
        // The strictest policy of the ports that an access touches counts, and all but the console's are absent.
        Mode::Accelerated | Mode::Demo => {
            CONSOLE_PORTS.contains(&port) && CONSOLE_PORTS.contains(&shape.last(port))
        }
        Mode::Native | Mode::Software => true,
    };
    if !passes {
        return u64::MAX >> (64 - 8 * shape.bytes);
    }
    // SAFETY: the ports are the guest's, and what is behind them touches no memory of visor's.
    unsafe {
        match (shape.bytes, shape.writes) {
            (1, false) => return u64::from(insn::inb(port)),
            (2, false) => return u64::from(insn::inh(port)),
            (_, false) => return u64::from(insn::inw(port)),
            (1, true) => insn::outb(port, value as u8),
            (2, true) => insn::outh(port, value as u16),
            (_, true) => insn::outw(port, value as u32),
        }
    }
    0
}
