//! The "newc" archive format that the kernel unpacks as its initramfs
//! (`Documentation/driver-api/early-userspace/buffer-format.rst` in the kernel's tree).

const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_SYMLINK: u32 = 0o120_000;
const TYPE_CHARACTER_DEVICE: u32 = 0o020_000;

/// An archive that grows entry by entry. All belongs to root, and all times are zero, so that the same
/// entries give the same bytes.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a directory.
    pub fn directory(&mut self, name: &str) {
        self.entry(name, TYPE_DIRECTORY | 0o755, (0, 0), &[]);
    }

    /// Adds a file with these permissions.
    pub fn file(&mut self, name: &str, permissions: u32, contents: &[u8]) {
        self.entry(name, TYPE_FILE | permissions, (0, 0), contents);
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, name: &str, to: &str) {
        self.entry(name, TYPE_SYMLINK | 0o777, (0, 0), to.as_bytes());
    }

    /// Adds a character device: its major and minor number.
    pub fn character_device(&mut self, name: &str, permissions: u32, number: (u32, u32)) {
        self.entry(name, TYPE_CHARACTER_DEVICE | permissions, number, &[]);
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    /// A header of thirteen hexadecimal fields, the name with its NUL, the contents; each padded to 4 bytes.
    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), contents: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(contents.len()).expect("a file of the initramfs is smaller than 4 GiB");
        let name_size = u32::try_from(name.len() + 1).expect("a name is short");
        let (owner, group, links, time, checksum) = (0, 0, 1, 0, 0);
        let (on_major, on_minor) = (0, 0);
        self.bytes.extend_from_slice(b"070701");
        for field in [
            self.entries,
            mode,
            owner,
            group,
            links,
            time,
            size,
            on_major,
            on_minor,
            device.0,
            device.1,
            name_size,
            checksum,
        ] {
            self.bytes.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(contents);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn one_file_by_hand() {
        let mut archive = Archive::default();
        archive.file("init", 0o755, b"hello");
        let expected = [
            "070701",
            "00000001",
            "000081ED",
            "00000000",
            "00000000",
            "00000001",
            "00000000",
            "00000005",
            "00000000",
            "00000000",
            "00000000",
            "00000000",
            "00000005",
            "00000000",
            // The header has 110 bytes, so the name "init" and its NUL end at 115.
            "init\0\0hello\0\0\0",
        ]
        .concat();
        assert_eq!(String::from_utf8(archive.bytes.clone()).unwrap(), expected);
        assert!(archive.finish().len() % 4 == 0);
    }
}
