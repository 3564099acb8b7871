//! The errors of the SBI.

/// The errors of the SBI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
pub enum SbiError {
    /// It did not work.
    Failed = -1,
    /// There is no such extension or function.
    NotSupported = -2,
    /// A parameter is out of range.
    InvalidParameter = -3,
    /// An address is not the guest's.
    InvalidAddress = -5,
    /// The hart is started already.
    AlreadyAvailable = -6,
}
