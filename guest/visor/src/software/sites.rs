//! Compiled trap sites (stub).
use super::cpu::Cpu;
use super::spaces::Spaces;
/// Bytes for the code.
pub const CODE_BYTES: u64 = 128 << 10;
/// The compiled sites.
pub struct Sites {
    /// a
    pub compiled: u64,
    /// b
    pub drops: u64,
}
impl Sites {
    /// New
    pub fn new(_code: u64) -> Self {
        Sites { compiled: 0, drops: 0 }
    }
    /// Vector
    pub fn vector(&mut self, _cpu: &mut Cpu, _spaces: &mut Spaces<'_>) {}
    /// Look
    pub fn look(&mut self, _cpu: &mut Cpu, _spaces: &mut Spaces<'_>, _cause: u64) {}
}
