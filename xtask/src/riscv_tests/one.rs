//! A test of the suite: where it comes from, and where it runs.

use std::path::PathBuf;

/// Where a test runs.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// In Ring -1, untranslated.
    #[value(name = "ring-1")]
    Hypervisor,
    /// In Ring 3 of a guest, with both stages of translation.
    #[value(name = "ring3")]
    GuestUser,
}

impl Environment {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hypervisor, Self::GuestUser];

    /// The name, which is also that of its directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hypervisor => "ring-1",
            Self::GuestUser => "ring3",
        }
    }
}

/// A directory of the suite, and the instruction set that its tests need.
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// The instruction set, as the compiler calls it.
    pub march: &'static str,
}

/// One test of the suite in one environment.
pub struct Test {
    /// Its directory.
    pub group: &'static Group,
    /// The environment.
    pub environment: Environment,
    /// Its source.
    pub source: PathBuf,
}

impl Test {
    /// Directory and file.
    pub fn name(&self) -> String {
        let stem = self.source.file_stem().unwrap_or_default().to_string_lossy();
        format!("{}-{stem}", self.group.name)
    }
}
