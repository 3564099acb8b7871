//! IN and OUT at ports that exit (specification, 5.2). The VM's map lets none of them, so this is for ports that the
//! map leaves to VMTRAPCFG: the console's are served, the others are absent.

use crate::vcpu::Loaded;
use crate::vm::ranges::CONSOLE_PORTS;
use visa_guest::instructions as insn;
use visa_guest::qualification;
use visa_guest::registers as msr;

/// Serves an access to a port as the machine would.
pub fn port(vcpu: &mut Loaded) {
    let access = qualification();
    let port = msr::vmcode::read() as u16;
    let ones = u64::MAX >> (64 - 8 * access.bytes().clamp(1, 8));
    let served = access.bytes() == 1 && CONSOLE_PORTS.contains(&port);
    let mut result = ones;
    if served && access.writes() {
        // SAFETY: the console's ports have a UART behind them, which touches no memory.
        unsafe { insn::outb(port, msr::vmvalue::read() as u8) };
    } else if served {
        // SAFETY: likewise.
        result = u64::from(unsafe { insn::inb(port) });
    }
    // For an OUT the result goes nowhere.
    vcpu.complete_with(result);
}
