//! `cargo xtask guests`: builds the guest images that ship with the project.
//!
//! | image | from | what it is |
//! |---|---|---|
//! | `visor.elf` | `guest/visor` | the hypervisor: position-independent Rust for Ring -1 |
//! | `demo.elf` | `guest/demo` | the guest of `visa demo`: V-ISA assembly for Ring 0 |
//!
//! The images lie in `guest/images`, so that nobody needs a cross compiler to use them, with a manifest that names the
//! tools that made them. A build is the same to the byte wherever the sources and the tools lie, so `--check` compares
//! bytes when the tools are the recorded ones.

mod manifest;
mod toolchain;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use manifest::Manifest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use toolchain::{TARGET, Toolchain};

/// Build the guest images: the hypervisor, and the guest of `visa demo`
#[derive(clap::Args)]
pub struct Arguments {
    /// Build into build/guests, and compare with the images in the source tree
    #[arg(long)]
    check: bool,

    /// A directory with a riscv64 compiler as this chore unpacks it [default: an installed rustup target, else
    /// build/rv-rust, which is filled from Debian's packages]
    #[arg(long)]
    toolchain: Option<PathBuf>,
}

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let shipped = workspace::root().join("guest/images");
    let built = workspace::root().join("build/guests");
    process::create_directory(&built)?;
    let toolchain = Toolchain::find(arguments.toolchain)?;
    fs::copy(build_visor(&toolchain)?, built.join("visor.elf")).context("cannot copy visor.elf")?;
    fs::write(built.join("demo.elf"), assemble_demo()?).context("cannot write demo.elf")?;
    let manifest = Manifest::of(&built, &toolchain)?;
    if arguments.check {
        return check(&shipped, &manifest);
    }
    process::create_directory(&shipped)?;
    for image in manifest::IMAGES {
        fs::copy(built.join(image), shipped.join(image)).with_context(|| format!("cannot write {image}"))?;
    }
    manifest.write(&shipped)?;
    print!("{manifest}");
    Ok(())
}

/// Compares what was built with what ships.
fn check(shipped: &Path, built: &Manifest) -> Result<()> {
    let recorded = Manifest::read(shipped)?;
    recorded.check_files(shipped)?;
    let mut stale = Vec::new();
    for image in manifest::IMAGES {
        if recorded.digest(image) == built.digest(image) {
            println!("{image}: the same bytes");
        } else if manifest::is_compiled(image) && recorded.tools != built.tools {
            println!("{image}: not compared: it was built by {}, and now by {}", recorded.tools, built.tools);
        } else {
            stale.push(image);
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} in guest/images is not what the sources give: run `cargo xtask guests`",
            stale.join(" and ")
        );
    }
    Ok(())
}

/// Assembles the guest of `visa demo`.
fn assemble_demo() -> Result<Vec<u8>> {
    const SOURCE: &str = "guest/demo/demo.s";
    // The address at which kernels are loaded; the guest itself runs anywhere.
    let options = visa_asm::Options { base: 0x8020_0000, ..visa_asm::Options::default() };
    let source =
        fs::read_to_string(workspace::root().join(SOURCE)).context("cannot read guest/demo/demo.s")?;
    match visa_asm::assemble(&source, SOURCE, &options) {
        Ok(object) => Ok(object.to_elf()),
        Err(diagnostics) => bail!("{}", diagnostics.render(false)),
    }
}

/// Compiles visor, and returns where its ELF is.
fn build_visor(toolchain: &Toolchain) -> Result<PathBuf> {
    let target_directory = workspace::target().join("guests");
    process::create_directory(&target_directory)?;
    let wrapper = toolchain::write_wrapper(&target_directory)?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--quiet", "--locked", "--target", TARGET, "--config"])
        .arg(format!("target.{TARGET}.rustflags=[{}]", remappings(toolchain)?))
        .arg("--target-dir")
        .arg(&target_directory)
        .current_dir(workspace::root().join("guest/visor"))
        .env("RUSTC_WRAPPER", wrapper);
    // What the caller has set for the host's crates is not for these.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        command.env_remove(variable);
    }
    toolchain.apply(&mut command);
    process::output(&mut command).context("cannot build visor")?;
    Ok(target_directory.join(TARGET).join("release/visor"))
}

/// Flags that keep the places of sources out of the image.
fn remappings(toolchain: &Toolchain) -> Result<String> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut places = vec![(workspace::root().to_owned(), "")];
    // Each registry's sources lie in a directory of their own, named after the registry.
    let registries =
        cargo_home.context("there is neither CARGO_HOME nor a home directory")?.join("registry/src");
    if let Ok(entries) = fs::read_dir(registries) {
        places.extend(entries.flatten().map(|entry| (entry.path(), "crates")));
    }
    places.extend(toolchain.library().map(|library| (library, "library")));
    let flags =
        places.iter().map(|(place, name)| format!("'--remap-path-prefix={}={name}'", place.display()));
    Ok(flags.collect::<Vec<_>>().join(","))
}
