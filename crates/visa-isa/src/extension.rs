//! The RISC-V extensions that the base consists of, as device trees and object files name them.

use core::fmt;

/// An extension of the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extension {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its version.
    pub major: u8,
    /// Its version's second number.
    pub minor: u8,
}

const fn extension(name: &'static str, major: u8, minor: u8) -> Extension {
    Extension { name, major, minor }
}

/// The width of registers, as names of architectures begin.
pub const BASE: &str = "rv64";

/// Every extension, in the canonical order (RISC-V unprivileged specification, "ISA extension naming conventions").
pub const EXTENSIONS: [Extension; 13] = [
    extension("i", 2, 1),
    extension("m", 2, 0),
    extension("a", 2, 1),
    extension("f", 2, 2),
    extension("d", 2, 2),
    extension("c", 2, 0),
    extension("zicntr", 2, 0),
    extension("zicsr", 2, 0),
    extension("zifencei", 2, 0),
    extension("zba", 1, 0),
    extension("zbb", 1, 0),
    extension("zbs", 1, 0),
    extension("sstc", 1, 0),
];

/// The architecture in one word, as the older device-tree binding has it: `rv64imafdc_zicntr_...`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plain;

/// The architecture with versions, as object files have it: `rv64i2p1_m2p0_...`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versioned;

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BASE)?;
        for extension in EXTENSIONS {
            let separator = if extension.name.len() > 1 { "_" } else { "" };
            write!(f, "{separator}{}", extension.name)?;
        }
        Ok(())
    }
}

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BASE)?;
        for (index, Extension { name, major, minor }) in EXTENSIONS.iter().enumerate() {
            let separator = if index == 0 { "" } else { "_" };
            write!(f, "{separator}{name}{major}p{minor}")?;
        }
        Ok(())
    }
}
