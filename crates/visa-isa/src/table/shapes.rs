//! Constructors of shapes, for rows.

use crate::shape::{
    Atomic, AtomicOperation, Compute, Condition, Direction, Extend, Float, FloatOperation, Load, MsrChange,
    Operation, Port, Precision, RegisterFile, Shape, Store, Width,
};

/// Computes on 64 bits.
pub(super) const fn compute(operation: Operation) -> Shape {
    Shape::Compute(Compute { operation, width: Width::Double })
}
/// Computes on the low 32 bits.
pub(super) const fn word(operation: Operation) -> Shape {
    Shape::Compute(Compute { operation, width: Width::Word })
}
/// Computes on 64 bits, of the first source's low 32.
pub(super) const fn unsigned_word(operation: Operation) -> Shape {
    Shape::Compute(Compute { operation, width: Width::UnsignedWord })
}
/// Loads an integer register.
pub(super) const fn load(bytes: u8, extend: Extend) -> Shape {
    Shape::Load(Load { bytes, extend, file: RegisterFile::Integer })
}
/// Stores an integer register.
pub(super) const fn store(bytes: u8) -> Shape {
    Shape::Store(Store { bytes, file: RegisterFile::Integer })
}
/// Loads a floating-point register.
pub(super) const fn float_load(bytes: u8) -> Shape {
    Shape::Load(Load { bytes, extend: Extend::NanBox, file: RegisterFile::Float })
}
/// Stores a floating-point register.
pub(super) const fn float_store(bytes: u8) -> Shape {
    Shape::Store(Store { bytes, file: RegisterFile::Float })
}
/// Accesses memory atomically.
pub(super) const fn atomic(bytes: u8, operation: AtomicOperation) -> Shape {
    Shape::Atomic(Atomic { bytes, operation })
}
/// Computes in single precision.
pub(super) const fn single(operation: FloatOperation) -> Shape {
    Shape::Float(Float { operation, precision: Precision::Single })
}
/// Computes in double precision.
pub(super) const fn double(operation: FloatOperation) -> Shape {
    Shape::Float(Float { operation, precision: Precision::Double })
}
/// Branches.
pub(super) const fn branch(condition: Condition) -> Shape {
    Shape::Branch(condition)
}
/// Accesses an MSR.
pub(super) const fn msr(change: MsrChange) -> Shape {
    Shape::Msr(change)
}
/// IN.
pub(super) const fn port_in(bytes: u8) -> Shape {
    Shape::Port(Port { bytes, direction: Direction::Read })
}
/// OUT.
pub(super) const fn port_out(bytes: u8) -> Shape {
    Shape::Port(Port { bytes, direction: Direction::Write })
}
