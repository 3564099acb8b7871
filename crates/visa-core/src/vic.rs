//! The virtual interrupt controller (specification, 6.1).

use visa_isa::Ring;
use visa_isa::cause::Exception;
use visa_isa::exit::{Denied, Exit};
use visa_isa::io::{INTERRUPT_BITS, INTERRUPT_TO_HOST};
use visa_isa::trap_filter;
use visa_state::{Interrupt, Message, Residency};

use crate::hart::Hart;
use crate::trap::Stop;

impl Hart {
    /// Vectors that are pending, enabled, and below the threshold.
    pub fn vic_deliverable(&self) -> u64 {
        let below = match self.state.vm.vic_threshold {
            0 => u64::MAX,
            threshold => (1 << (threshold & 63)) - 1,
        };
        self.state.vm.vic_pending & self.state.vm.vic_enabled & below
    }

    /// VINT_SEND.
    pub fn vint_send(&mut self, operand: u64) -> Result<(), Stop> {
        self.check_vic()?;
        let vector = (operand & 63) as u8;
        let target = (operand >> 16 & 0xffff) as usize;
        let to_host = operand & INTERRUPT_TO_HOST != 0;
        let undefined = operand & !(INTERRUPT_BITS | INTERRUPT_TO_HOST) != 0;
        if self.state.in_guest() {
            if undefined || to_host || vector == 0 {
                return Err(Stop::Illegal);
            }
            let wanted = Residency { vmid: self.state.vm.vmid(), virtual_cpu: target as u16 };
            return match self.hart_with(wanted) {
                Some(hart) => self.send(Message { hart, what: Interrupt::Vector(vector, Some(wanted)) }),
                None => Err(self.exit(Exit::VisaInstruction(Denied::Instruction(operand)))),
            };
        }
        let exists = target < self.peers.len().max(self.state.id as usize + 1);
        if undefined || !exists || to_host != (vector == 0) {
            return Err(Stop::Exception(Exception::BadDescriptor, 0));
        }
        let current = if target == self.state.id as usize {
            self.state.residency()
        } else {
            self.peers.get(target).copied().flatten()
        };
        let what = if to_host { Interrupt::Hypervisor } else { Interrupt::Vector(vector, current) };
        self.send(Message { hart: target, what })
    }

    /// The hart that has a virtual CPU current: this one, or else the first.
    fn hart_with(&self, wanted: Residency) -> Option<usize> {
        let own = self.state.id as usize;
        if self.state.residency() == Some(wanted) {
            return Some(own);
        }
        let has = |(hart, peer): (usize, &Option<Residency>)| hart != own && *peer == Some(wanted);
        self.peers.iter().enumerate().position(has)
    }

    fn send(&mut self, message: Message) -> Result<(), Stop> {
        if message.hart == self.state.id as usize {
            self.deliver(message);
        } else {
            self.state.outgoing.push(message);
        }
        self.pending_work = true;
        Ok(())
    }

    /// Takes a message that was sent to this hart. False, and nothing happens, if it is for a virtual CPU that the hart does
    /// not have current.
    pub fn deliver(&mut self, message: Message) -> bool {
        match message.what {
            Interrupt::Vector(_, of) if of != self.state.residency() => return false,
            Interrupt::Vector(vector, _) => {
                self.state.vm.vic_pending |= 1 << (vector & 63) & visa_isa::io::VECTORS
            }
            Interrupt::Hypervisor => self.state.hypervisor.software_pending = true,
        }
        self.pending_work = true;
        true
    }

    /// VINT_ACK: the most urgent vector, which is no longer pending; 0 if there is none.
    pub fn vint_ack(&mut self) -> Result<u64, Stop> {
        self.check_vic()?;
        let deliverable = self.vic_deliverable();
        if deliverable == 0 {
            return Ok(0);
        }
        let vector = deliverable.trailing_zeros();
        self.state.vm.vic_pending &= !(1 << vector);
        self.pending_work = true;
        Ok(vector as u64)
    }

    /// VINT_STAT: what is pending.
    pub fn vint_stat(&mut self) -> Result<u64, Stop> {
        self.check_vic()?;
        Ok(self.state.vm.vic_pending)
    }

    /// Whether the ring in use may use the controller.
    fn check_vic(&mut self) -> Result<(), Stop> {
        match self.state.ring {
            Ring::Hypervisor => Ok(()),
            Ring::Kernel if !self.filter(trap_filter::VISA) => Ok(()),
            _ => Err(self.not_in_this_ring(true)),
        }
    }
}
