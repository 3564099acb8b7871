//! `guest/images/manifest.txt`: what ships, and which tools made it.

use super::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs;
use std::path::Path;

/// The images.
pub const IMAGES: [&str; 2] = ["visor.elf", "demo.elf"];

/// Whether an image depends on the compiler. The others come from the project's own assembler.
pub fn is_compiled(image: &str) -> bool {
    image == "visor.elf"
}

const FILE: &str = "manifest.txt";
const TOOLS: &str = "tools: ";

/// The length and CRC-32 of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest {
    bytes: usize,
    crc: u32,
}

/// The manifest.
pub struct Manifest {
    /// Compiler and linker.
    pub tools: String,
    images: Vec<(String, Digest)>,
}

impl Manifest {
    /// The manifest of images in a directory.
    pub fn of(directory: &Path, toolchain: &Toolchain) -> Result<Manifest> {
        let images = IMAGES.iter().map(|image| Ok((image.to_string(), digest(directory, image)?)));
        Ok(Manifest { tools: toolchain.version(), images: images.collect::<Result<_>>()? })
    }

    /// Reads the manifest in a directory.
    pub fn read(directory: &Path) -> Result<Manifest> {
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut manifest = Manifest { tools: String::new(), images: Vec::new() };
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            match line.strip_prefix(TOOLS) {
                Some(tools) => manifest.tools = tools.into(),
                None => {
                    let entry = parse(line);
                    let place = || format!("{}:{}: expected `IMAGE BYTES CRC`", path.display(), index + 1);
                    manifest.images.push(entry.with_context(place)?);
                }
            }
        }
        Ok(manifest)
    }

    /// Writes it into a directory.
    pub fn write(&self, directory: &Path) -> Result<()> {
        fs::write(directory.join(FILE), self.to_string()).with_context(|| format!("cannot write {FILE}"))
    }

    /// The digest of an image, if it is in here.
    pub fn digest(&self, image: &str) -> Option<Digest> {
        self.images.iter().find(|(name, _)| name == image).map(|(_, digest)| *digest)
    }

    /// Whether the files in a directory are those that are in here.
    pub fn check_files(&self, directory: &Path) -> Result<()> {
        for (image, recorded) in &self.images {
            let found = digest(directory, image)?;
            if found != *recorded {
                bail!(
                    "guest/images/{image} is not the file that {FILE} records ({recorded:x?}): it is {found:x?}"
                );
            }
        }
        Ok(())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            to,
            "# Made by `cargo xtask guests`: image, bytes, CRC-32; and the tools that made visor.elf."
        )?;
        writeln!(to, "{TOOLS}{}", self.tools)?;
        for (name, digest) in &self.images {
            writeln!(to, "{name} {} {:08x}", digest.bytes, digest.crc)?;
        }
        Ok(())
    }
}

fn parse(line: &str) -> Option<(String, Digest)> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_string();
    let digest =
        Digest { bytes: words.next()?.parse().ok()?, crc: u32::from_str_radix(words.next()?, 16).ok()? };
    Some((name, digest))
}

fn digest(directory: &Path, image: &str) -> Result<Digest> {
    let path = directory.join(image);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    Ok(Digest { bytes: bytes.len(), crc: crc.sum() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let directory = std::env::temp_dir().join(format!("visa-manifest-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let manifest = Manifest {
            tools: "rustc 1, LLD 2".into(),
            images: vec![("visor.elf".into(), Digest { bytes: 9, crc: 0xcbf4_3926 })],
        };
        manifest.write(&directory).unwrap();
        let read = Manifest::read(&directory).unwrap();
        assert_eq!(read.tools, manifest.tools);
        assert_eq!(read.images, manifest.images);
        // The CRC-32 of "123456789" is the one above (the check value of the algorithm).
        fs::write(directory.join("visor.elf"), "123456789").unwrap();
        read.check_files(&directory).unwrap();
        fs::write(directory.join("visor.elf"), "123456780").unwrap();
        assert!(read.check_files(&directory).is_err());
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_line_that_is_no_image_is_refused() {
        assert!(parse("visor.elf 12").is_none());
        assert!(parse("visor.elf x 12").is_none());
        assert!(parse("visor.elf 12 xyz").is_none());
    }
}
