//! The virtual interrupt controller (specification, 6.1).

use visa_isa::Ring;
use visa_isa::cause::Exception;
use visa_isa::exit::{Denied, Exit};
use visa_isa::io::{INTERRUPT_BITS, INTERRUPT_TO_HOST};
use visa_isa::trap_filter;

use crate::hart::Hart;
use crate::trap::Stop;

/// The virtual CPU that a hart has current.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Residency {
    /// Virtual machine.
    pub vmid: u16,
    /// Number in it.
    pub virtual_cpu: u16,
}

/// What VINT_SEND tells another hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// The hart.
    pub hart: usize,
    /// What for.
    pub what: Interrupt,
}

/// An interrupt that one hart sends another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    /// A vector for a virtual CPU, and for no other that the hart may have current when it arrives. `None`: for the
    /// controller of a hart without a VMCS.
    Vector(u8, Option<Residency>),
    /// A software interrupt for Ring -1.
    Hypervisor,
}

impl Hart {
    /// Vectors that are pending, enabled, and below the threshold.
    pub fn vic_deliverable(&self) -> u64 {
        let below = match self.vm.vic_threshold {
            0 => u64::MAX,
            threshold => (1 << (threshold & 63)) - 1,
        };
        self.vm.vic_pending & self.vm.vic_enabled & below
    }

    /// VINT_SEND.
    pub fn vint_send(&mut self, operand: u64) -> Result<(), Stop> {
        self.check_vic()?;
        let vector = (operand & 63) as u8;
        let target = (operand >> 16 & 0xffff) as usize;
        let to_host = operand & INTERRUPT_TO_HOST != 0;
        let undefined = operand & !(INTERRUPT_BITS | INTERRUPT_TO_HOST) != 0;
        if self.in_guest() {
            if undefined || to_host || vector == 0 {
                return Err(Stop::Illegal);
            }
            let wanted = Residency { vmid: self.vm.vmid(), virtual_cpu: target as u16 };
            return match self.hart_with(wanted) {
                Some(hart) => self.send(Message { hart, what: Interrupt::Vector(vector, Some(wanted)) }),
                None => Err(self.exit(Exit::VisaInstruction(Denied::Instruction(operand)))),
            };
        }
        let exists = target < self.peers.len().max(self.id as usize + 1);
        if undefined || !exists || to_host != (vector == 0) {
            return Err(Stop::Exception(Exception::BadDescriptor, 0));
        }
        let current = if target == self.id as usize {
            self.residency()
        } else {
            self.peers.get(target).copied().flatten()
        };
        let what = if to_host { Interrupt::Hypervisor } else { Interrupt::Vector(vector, current) };
        self.send(Message { hart: target, what })
    }

    /// The hart that has a virtual CPU current: this one, or else the first.
    fn hart_with(&self, wanted: Residency) -> Option<usize> {
        let own = self.id as usize;
        if self.residency() == Some(wanted) {
            return Some(own);
        }
        let has = |(hart, peer): (usize, &Option<Residency>)| hart != own && *peer == Some(wanted);
        self.peers.iter().enumerate().position(has)
    }

    fn send(&mut self, message: Message) -> Result<(), Stop> {
        if message.hart == self.id as usize {
            self.deliver(message);
        } else {
            self.outgoing.push(message);
        }
        self.attention = true;
        Ok(())
    }

    /// Takes a message that was sent to this hart. False, and nothing happens, if it is for a virtual CPU that the hart does
    /// not have current.
    pub fn deliver(&mut self, message: Message) -> bool {
        match message.what {
            Interrupt::Vector(_, of) if of != self.residency() => return false,
            Interrupt::Vector(vector, _) => self.vm.vic_pending |= 1 << (vector & 63) & visa_isa::io::VECTORS,
            Interrupt::Hypervisor => self.hypervisor.software_pending = true,
        }
        self.attention = true;
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
        self.vm.vic_pending &= !(1 << vector);
        self.attention = true;
        Ok(vector as u64)
    }

    /// VINT_STAT: what is pending.
    pub fn vint_stat(&mut self) -> Result<u64, Stop> {
        self.check_vic()?;
        Ok(self.vm.vic_pending)
    }

    /// Whether the ring in use may use the controller.
    fn check_vic(&mut self) -> Result<(), Stop> {
        match self.ring {
            Ring::Hypervisor => Ok(()),
            Ring::Kernel if !self.filter(trap_filter::VISA) => Ok(()),
            _ => Err(self.not_in_this_ring(true)),
        }
    }
}
