//! Floating point: registers, rounding modes and flags around the arithmetic of `visa_float`.

use visa_core::memory::MemoryPort;
use visa_core::{Hart, Stop};
use visa_float::{Flags, RoundingMode, box_f32, unbox_f32};
use visa_isa::Instruction;
use visa_mem::{AccessSize, Platform};

use crate::flow::Flow;

/// A format: how its values stand in a register.
pub trait Format {
    /// The bits of a value.
    type Bits: Copy;
    /// Reads a register.
    fn read(register: u64) -> Self::Bits;
    /// What a register holds for a value.
    fn register(value: Self::Bits) -> u64;
}

/// binary32, NaN-boxed.
pub struct Single;
/// binary64.
pub struct Double;

impl Format for Single {
    type Bits = u32;
    fn read(register: u64) -> u32 {
        unbox_f32(register)
    }
    fn register(value: u32) -> u64 {
        box_f32(value)
    }
}

impl Format for Double {
    type Bits = u64;
    fn read(register: u64) -> u64 {
        register
    }
    fn register(value: u64) -> u64 {
        value
    }
}

/// Floating point must be on (RISC-V privileged, 3.1.6.6).
fn check_enabled(hart: &Hart) -> Result<(), Stop> {
    if hart.state.float_enabled() { Ok(()) } else { Err(Stop::Illegal) }
}

/// The rounding mode of an instruction: its own, or frm. A reserved one is illegal.
fn rounding(hart: &Hart, i: &Instruction) -> Result<RoundingMode, Stop> {
    check_enabled(hart)?;
    RoundingMode::resolve(i.rm, (hart.state.bank.fcsr >> 5 & 7) as u8).ok_or(Stop::Illegal)
}

fn accrue(hart: &mut Hart, flags: Flags) {
    if !flags.is_empty() {
        hart.state.bank.fcsr |= flags.bits() as u32;
        hart.state.mark_float_dirty();
    }
}

fn finish<F: Format>(
    hart: &mut Hart,
    i: &Instruction,
    (value, flags): (F::Bits, Flags),
) -> Result<Flow, Stop> {
    accrue(hart, flags);
    hart.state.set_f(i.rd, F::register(value));
    Ok(Flow::Next)
}

/// FLW, FLD.
pub fn load<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    i: &Instruction,
    address: u64,
    size: AccessSize,
) -> Result<Flow, Stop> {
    check_enabled(hart)?;
    let value = hart.load(memory, address, size)?;
    hart.state.set_f(i.rd, if size == AccessSize::Word { box_f32(value as u32) } else { value });
    Ok(Flow::Next)
}

/// FSW, FSD.
pub fn store<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    i: &Instruction,
    address: u64,
    size: AccessSize,
) -> Result<Flow, Stop> {
    check_enabled(hart)?;
    let value = hart.state.f(i.rs2);
    hart.store(memory, address, size, value).map(|()| Flow::Next)
}

/// The fused multiply-adds.
pub fn ternary<F: Format>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits, F::Bits, F::Bits, RoundingMode) -> (F::Bits, Flags),
) -> Result<Flow, Stop> {
    let mode = rounding(hart, i)?;
    let [a, b, c] = [i.rs1, i.rs2, i.rs3].map(|register| F::read(hart.state.f(register)));
    finish::<F>(hart, i, operation(a, b, c, mode))
}

/// Two operands, rounded.
pub fn binary<F: Format>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits, F::Bits, RoundingMode) -> (F::Bits, Flags),
) -> Result<Flow, Stop> {
    let mode = rounding(hart, i)?;
    let (a, b) = (F::read(hart.state.f(i.rs1)), F::read(hart.state.f(i.rs2)));
    finish::<F>(hart, i, operation(a, b, mode))
}

/// One operand, rounded; also between formats.
pub fn unary<From: Format, To: Format>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(From::Bits, RoundingMode) -> (To::Bits, Flags),
) -> Result<Flow, Stop> {
    let mode = rounding(hart, i)?;
    let a = From::read(hart.state.f(i.rs1));
    finish::<To>(hart, i, operation(a, mode))
}

/// Two operands, exact: minimum, maximum, sign injection.
pub fn select<F: Format>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits, F::Bits) -> (F::Bits, Flags),
) -> Result<Flow, Stop> {
    check_enabled(hart)?;
    let (a, b) = (F::read(hart.state.f(i.rs1)), F::read(hart.state.f(i.rs2)));
    finish::<F>(hart, i, operation(a, b))
}

/// Makes an operation that raises no flags one that says so.
pub fn quiet<T>(operation: impl Fn(T, T) -> T) -> impl Fn(T, T) -> (T, Flags) {
    move |a, b| (operation(a, b), Flags::NONE)
}

/// Comparison: 0 or 1.
pub fn compare<F: Format>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits, F::Bits) -> (bool, Flags),
) -> Result<u64, Stop> {
    check_enabled(hart)?;
    let (holds, flags) = operation(F::read(hart.state.f(i.rs1)), F::read(hart.state.f(i.rs2)));
    accrue(hart, flags);
    Ok(holds as u64)
}

/// FCLASS.
pub fn classify<F: Format>(
    hart: &Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits) -> u64,
) -> Result<u64, Stop> {
    check_enabled(hart)?;
    Ok(operation(F::read(hart.state.f(i.rs1))))
}

/// Floating point to integer.
pub fn to_integer<F: Format, T>(
    hart: &mut Hart,
    i: &Instruction,
    operation: impl Fn(F::Bits, RoundingMode) -> (T, Flags),
) -> Result<T, Stop> {
    let mode = rounding(hart, i)?;
    let (value, flags) = operation(F::read(hart.state.f(i.rs1)), mode);
    accrue(hart, flags);
    Ok(value)
}

/// Integer to floating point.
pub fn from_integer<F: Format, T>(
    hart: &mut Hart,
    i: &Instruction,
    value: T,
    operation: impl Fn(T, RoundingMode) -> (F::Bits, Flags),
) -> Result<Flow, Stop> {
    let mode = rounding(hart, i)?;
    finish::<F>(hart, i, operation(value, mode))
}

/// FMV.X.W, FMV.X.D: the register's bits.
pub fn bits(hart: &Hart, i: &Instruction) -> Result<u64, Stop> {
    check_enabled(hart)?;
    Ok(hart.state.f(i.rs1))
}

/// FMV.W.X, FMV.D.X.
pub fn move_bits(hart: &mut Hart, i: &Instruction, bits: u64) -> Result<Flow, Stop> {
    check_enabled(hart)?;
    hart.state.set_f(i.rd, bits);
    Ok(Flow::Next)
}
