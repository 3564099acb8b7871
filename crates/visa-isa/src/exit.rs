//! A VM exit as a value (specification, 2.3 and 2.4): the record that it leaves in Ring -1's MSRs, and what that says, by cause.
//!
//! [`Exit::from_record`] is the one place where a record gets its meaning, and [`Exit::record`] the one where a meaning becomes a
//! record. What the instruction says (its bits and length, its register, what it writes) decode assist adds to the record.

mod data;
pub mod qualification;
mod record;

use crate::cause::ExitCause;

pub use data::{
    AccessKind, Data, Denied, DeviceAccess, InvalidField, MemoryAccess, MsrAccess, NestedPageFault,
    PageFault, PendingInterrupt, PortAccess, RaisedException, TlbFlush,
};
pub use qualification::Qualification;
pub use record::{ExitRecord, UnknownExit};

/// What binds the data of a variant.
macro_rules! bound {
    ($data:ident $binding:ident) => {
        $binding
    };
}

macro_rules! exits {
    ($( $number:literal $name:ident $(($data:ident))? $text:literal $summary:literal; )*) => {
        /// A VM exit: why the guest left, with what the record says of that.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Exit { $( #[doc = $summary] $name $(($data))?, )* }

        impl Exit {
            /// The exit that a record is of.
            pub fn from_record(record: &ExitRecord) -> Result<Exit, UnknownExit> {
                let Some(cause) = ExitCause::from_number(record.cause) else {
                    return Err(UnknownExit::Cause(record.cause));
                };
                Ok(match cause {
                    $( ExitCause::$name => Exit::$name $((<$data as Data>::of(cause, record)?))?, )*
                })
            }

            /// The record that an exit leaves, but for what decode assist adds to it.
            #[inline]
            pub fn record(self) -> ExitRecord {
                let mut record = ExitRecord { cause: self.cause() as u64, ..ExitRecord::default() };
                match self {
                    $( Exit::$name $((bound!($data data)))? => {
                        $( <$data as Data>::put(data, &mut record); )?
                    } )*
                }
                record
            }

            /// Its cause, without the data.
            #[inline]
            pub const fn cause(&self) -> ExitCause {
                match self { $( Exit::$name { .. } => ExitCause::$name, )* }
            }
        }
    };
}

for_each_exit_cause!(exits);
