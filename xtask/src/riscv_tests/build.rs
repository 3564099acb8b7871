//! Building tests with the GNU toolchain for bare RISC-V.

use super::one::{Environment, Test};
use crate::{process, workspace};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The C compiler that preprocesses, assembles and links a test.
pub const COMPILER: &str = "riscv64-unknown-elf-gcc";

/// What all tests have in common.
pub struct Builder {
    /// The upstream suite.
    source: PathBuf,
    /// The environments' directory.
    environments: PathBuf,
    /// Where built tests go, with the link scripts.
    output: PathBuf,
}

impl Builder {
    /// Writes the preprocessed link scripts.
    pub fn new(source: &Path, environments: &[Environment]) -> Result<Self> {
        let builder = Self {
            source: source.to_owned(),
            environments: workspace::root().join("tests/riscv-tests-env"),
            output: workspace::target().join("riscv-tests"),
        };
        process::create_directory(&builder.output)?;
        for &environment in environments {
            process::create_directory(&builder.output.join(environment.name()))?;
            let script = builder.environments.join(environment.name()).join("link.ld");
            process::output(
                Command::new(COMPILER)
                    .args(["-E", "-P", "-x", "c"])
                    .arg(&script)
                    .arg("-o")
                    .arg(builder.link_script(environment)),
            )?;
        }
        Ok(builder)
    }

    /// Builds a test, and returns where the program is.
    pub fn build(&self, test: &Test) -> Result<PathBuf> {
        let environment = test.environment.name();
        let program = self.output.join(environment).join(test.name());
        let mut command = Command::new(COMPILER);
        command
            .arg(format!("-march={}", test.group.march))
            .args(["-mabi=lp64d", "-mcmodel=medany", "-static", "-nostdlib", "-nostartfiles"])
            .args(["-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none"])
            .arg("-I")
            .arg(self.environments.join(environment))
            .arg("-I")
            .arg(&self.environments)
            .arg("-I")
            .arg(workspace::root().join("guest/include"))
            .arg("-I")
            .arg(self.source.join("isa/macros/scalar"))
            .arg("-T")
            .arg(self.link_script(test.environment));
        if test.environment == Environment::GuestUser {
            command.arg(self.environments.join(environment).join("boot.S"));
        }
        process::output(command.arg(&test.source).arg("-o").arg(&program))?;
        Ok(program)
    }

    fn link_script(&self, environment: Environment) -> PathBuf {
        self.output.join(environment.name()).join("link.ld")
    }
}
