//! Which Debian mirror this machine's apt uses, read from its sources in both of their formats.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A Debian archive, and the keyring that its releases are checked with.
#[derive(Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Where the archive is.
    pub uri: String,
    /// The keyring, if there is one other than apt's own.
    pub signed_by: Option<String>,
}

impl Mirror {
    /// A mirror named by the user; checked with Debian's keyring.
    pub fn given(uri: String) -> Self {
        let signed_by = Path::new(DEBIAN_KEYRING).exists().then(|| DEBIAN_KEYRING.to_owned());
        Self { uri, signed_by }
    }

    /// The mirror that /etc/apt names.
    pub fn of_this_machine() -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        if !release.lines().any(|line| line == "ID=debian") {
            bail!(
                "this machine does not run Debian, so its apt knows no Debian mirror; run this in a Debian \
                 container, or name a mirror with --mirror URI (apt-get and dpkg must be there)"
            );
        }
        for file in source_files(Path::new("/etc/apt"))? {
            let text =
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let deb822 = file.extension().is_some_and(|extension| extension == "sources");
            if let Some(mirror) = if deb822 { parse_deb822(&text) } else { parse_one_line(&text) } {
                return Ok(mirror);
            }
        }
        bail!("no Debian archive with the component `main` in /etc/apt/sources.list{{,.d}}; use --mirror URI")
    }
}

/// apt's source files, in the order in which apt reads them.
fn source_files(apt: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if let Ok(entries) = fs::read_dir(apt.join("sources.list.d")) {
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "list" || extension == "sources") {
                files.push(path);
            }
        }
    }
    files.sort();
    let main = apt.join("sources.list");
    if main.exists() {
        files.insert(0, main);
    }
    Ok(files)
}

/// Whether an entry is the Debian archive itself: neither its security nor a third party's archive.
fn is_debian_archive(uri: &str, suites: &[&str], components: &[&str]) -> bool {
    const RELEASES: [&str; 9] =
        ["bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"];
    components.contains(&"main")
        && suites.iter().any(|suite| RELEASES.contains(suite))
        && !uri.contains("debian-security")
        && !uri.starts_with("cdrom:")
}

/// `deb [option=value ...] URI suite component...`, one entry per line.
fn parse_one_line(text: &str) -> Option<Mirror> {
    text.lines().find_map(|line| {
        let line = line.split('#').next()?.trim();
        let entry = line.strip_prefix("deb")?;
        let entry = entry.strip_prefix(char::is_whitespace)?.trim_start();
        let (options, entry) = match entry.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", entry),
        };
        let mut words = entry.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        let components: Vec<&str> = words.collect();
        let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
        is_debian_archive(uri, &[suite], &components)
            .then(|| Mirror { uri: uri.to_owned(), signed_by: signed_by.map(str::to_owned) })
    })
}

/// Stanzas of `Field: value` lines, separated by empty lines; a value may go on in indented lines.
fn parse_deb822(text: &str) -> Option<Mirror> {
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    without_comments.split(|line| line.trim().is_empty()).find_map(|stanza| {
        let field = |name: &str| -> Vec<&str> {
            let mut words = Vec::new();
            let mut inside = false;
            for line in stanza {
                if !line.starts_with(char::is_whitespace) {
                    inside = line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
                }
                if inside {
                    let value = if line.starts_with(char::is_whitespace) {
                        line
                    } else {
                        line.split_once(':').map_or("", |(_, value)| value)
                    };
                    words.extend(value.split_whitespace());
                }
            }
            words
        };
        let uris = field("URIs");
        let uri = uris.first()?;
        let usable = field("Types").contains(&"deb")
            && field("Enabled").first() != Some(&"no")
            && is_debian_archive(uri, &field("Suites"), &field("Components"));
        // Only a path can be carried over; an embedded key is left to apt's own keyrings.
        let signed_by =
            field("Signed-By").first().filter(|path| path.starts_with('/')).map(|&path| path.to_owned());
        usable.then(|| Mirror { uri: (*uri).to_owned(), signed_by })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(uri: &str, signed_by: Option<&str>) -> Option<Mirror> {
        Some(Mirror { uri: uri.to_owned(), signed_by: signed_by.map(str::to_owned) })
    }

    #[test]
    fn one_line_sources() {
        let text = "# deb http://old.example/debian bookworm main\n\
                    deb-src http://source.example/debian trixie main\n\
                    deb http://security.example/debian-security trixie-security main\n\
                    deb [arch=amd64] http://tools.example/apt stable contrib\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://near.example/debian trixie main contrib # near\n";
        assert_eq!(parse_one_line(text), mirror("http://near.example/debian", Some("/k.gpg")));
        assert_eq!(
            parse_one_line("deb http://a.example/debian sid main"),
            mirror("http://a.example/debian", None)
        );
        assert_eq!(parse_one_line("deb http://a.example/debian"), None);
        assert_eq!(parse_one_line("debian http://a.example/debian sid main"), None);
    }

    #[test]
    fn deb822_sources() {
        let text = "Types: deb\nURIs: http://security.example/debian-security\nSuites: trixie-security\n\
                    Components: main\n\nTypes: deb deb-src\n# a comment\nURIs: http://near.example/debian/\n\
                    Suites: trixie\n trixie-updates\nComponents: main non-free\nSigned-By: /keys/debian.gpg\n";
        assert_eq!(parse_deb822(text), mirror("http://near.example/debian/", Some("/keys/debian.gpg")));
    }

    #[test]
    fn deb822_stanzas_that_do_not_count() {
        let entry = |line: &str| {
            format!("Types: deb\nURIs: http://a.example/debian\nSuites: trixie\nComponents: main\n{line}\n")
        };
        assert_eq!(parse_deb822(&entry("Enabled: no")), None);
        assert_eq!(parse_deb822(&entry("Enabled: yes")), mirror("http://a.example/debian", None));
        assert_eq!(parse_deb822(&entry("Signed-By:\n -----BEGIN")), mirror("http://a.example/debian", None));
        assert_eq!(parse_deb822(&entry("").replace("Types: deb", "Types: deb-src")), None);
        assert_eq!(parse_deb822(&entry("").replace("trixie", "nodistro")), None);
    }
}
