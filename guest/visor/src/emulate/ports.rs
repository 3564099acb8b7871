//! IN and OUT in Ring 0, where no I/O permission map can let them pass (specification, 5.2).

use crate::device_tree::Mode;
use crate::vm::Vm;
use crate::vm::ranges::CONSOLE_PORTS;
use visa_guest::instructions as insn;
use visa_isa::shape::{Direction, Port};

/// Does the access as the map of the VM would have it, and returns what IN reads.
pub fn access(vm: &Vm, port: u16, access: Port, value: u64) -> u64 {
    let passes = match vm.mode {
        // The strictest policy of the ports that an access touches counts, and all but the console's are absent.
        Mode::Accelerated | Mode::Demo => {
            CONSOLE_PORTS.contains(&port) && CONSOLE_PORTS.contains(&access.last(port))
        }
        Mode::Native | Mode::Software => true,
    };
    if !passes {
        return u64::MAX >> (64 - 8 * access.bytes);
    }
    // SAFETY: the ports are the guest's, and what is behind them touches no memory of visor's.
    unsafe {
        match (access.bytes, access.direction) {
            (1, Direction::Read) => return u64::from(insn::inb(port)),
            (2, Direction::Read) => return u64::from(insn::inh(port)),
            (_, Direction::Read) => return u64::from(insn::inw(port)),
            (1, Direction::Write) => insn::outb(port, value as u8),
            (2, Direction::Write) => insn::outh(port, value as u16),
            (_, Direction::Write) => insn::outw(port, value as u32),
        }
    }
    0
}
