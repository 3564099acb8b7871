//! What a guest has, and what its privileged instructions mean, apart from any machine.

pub mod memory;
pub mod privileged;
pub mod space;

#[cfg(test)]
mod tests;

/// The most VMs.
pub const VMS_MAX: usize = 1;
/// The most virtual CPUs of a VM, which are a set of 64 bits in the SBI.
pub const VCPUS_MAX: usize = 64;

/// Which virtual CPU, of which VM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VcpuId {
    /// The VM's number, below [`VMS_MAX`].
    pub vm: usize,
    /// The virtual CPU's number in it, below [`VCPUS_MAX`].
    pub number: usize,
}

impl VcpuId {
    /// How many there are at most.
    pub const COUNT: usize = VMS_MAX * VCPUS_MAX;

    /// Its place in an array that has one for each, of all VMs.
    #[inline]
    pub const fn place(self) -> usize {
        self.vm * VCPUS_MAX + self.number
    }
}
