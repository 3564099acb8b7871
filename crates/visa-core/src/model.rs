//! What an engine tells a cycle model. A model watches; it never changes what the machine does.

use visa_isa::{Instruction, Ring};
use visa_mem::Ram;

use crate::hart::Hart;

/// Something that is told of every instruction of a hart, and of whatever else takes it elsewhere.
///
/// Engines are generic over it, so that with [`Off`] nothing remains of the calls.
pub trait Model {
    /// What [`Model::before`] hands on to [`Model::retired`] or [`Model::stopped`].
    type Before: Copy;

    /// An instruction is about to be executed.
    fn before(&mut self, hart: &mut Hart, ram: &Ram, instruction: &Instruction) -> Self::Before;

    /// It has retired. The hart's PC is where it goes on; `pc` is where the instruction was.
    fn retired(
        &mut self,
        hart: &mut Hart,
        ram: &Ram,
        instruction: &Instruction,
        before: Self::Before,
        pc: u64,
    );

    /// VMENTER or VMRESUME, which was at `pc`, has retired. The hart is in the guest, unless the entry failed.
    fn switched(
        &mut self,
        hart: &mut Hart,
        ram: &Ram,
        instruction: &Instruction,
        before: Self::Before,
        pc: u64,
    );

    /// It has stopped, and the stop has not been taken yet: the hart is as it was.
    fn stopped(&mut self, hart: &mut Hart, ram: &Ram, instruction: &Instruction, before: Self::Before);

    /// An instruction could not be fetched, or not be decoded.
    fn fetch_stopped(&mut self, hart: &mut Hart, ram: &Ram);

    /// An exception, an interrupt or a VM exit was taken: the hart is where it took it, and came from `from`.
    fn diverted(&mut self, hart: &mut Hart, ram: &Ram, from: Ring);
}

/// No model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Off;

impl Model for Off {
    type Before = ();

    #[inline(always)]
    fn before(&mut self, _: &mut Hart, _: &Ram, _: &Instruction) {}

    #[inline(always)]
    fn retired(&mut self, _: &mut Hart, _: &Ram, _: &Instruction, (): (), _: u64) {}

    #[inline(always)]
    fn switched(&mut self, _: &mut Hart, _: &Ram, _: &Instruction, (): (), _: u64) {}

    #[inline(always)]
    fn stopped(&mut self, _: &mut Hart, _: &Ram, _: &Instruction, (): ()) {}

    #[inline(always)]
    fn fetch_stopped(&mut self, _: &mut Hart, _: &Ram) {}

    #[inline(always)]
    fn diverted(&mut self, _: &mut Hart, _: &Ram, _: Ring) {}
}
