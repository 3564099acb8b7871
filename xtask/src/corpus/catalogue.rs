//! The programs in `tests/corpus/programs`, and what is said of them in their first lines.

use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;

/// Seconds of the guest's time for a program that does not say how many.
const LIMIT: u64 = 60;

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name: that of its file, without `.sh`.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// Seconds of the guest's time after which it is killed.
    pub limit: u64,
    /// Whether it is in the quick part.
    pub quick: bool,
    /// The script.
    pub script: String,
}

/// The directory of the corpus in the source tree.
pub fn directory() -> PathBuf {
    workspace::root().join("tests/corpus")
}

/// All programs, by name.
pub fn all() -> Result<Vec<Program>> {
    let directory = directory().join("programs");
    let mut programs = Vec::new();
    for entry in fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".sh") else { continue };
        let script = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        programs.push(parse(name, &script).with_context(|| format!("{}", path.display()))?);
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

/// Those that are asked for: by name, or the quick part, or all.
pub fn chosen(only: &[String], quick: bool) -> Result<Vec<Program>> {
    let all = all()?;
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|program| program.name != **name)) {
        bail!("there is no program {unknown}; --list names them");
    }
    let is_chosen = |program: &Program| {
        if only.is_empty() { program.quick || !quick } else { only.contains(&program.name) }
    };
    Ok(all.into_iter().filter(is_chosen).collect())
}

/// A program from its script: comments in front say what it is and how long it may take.
fn parse(name: &str, script: &str) -> Result<Program> {
    let mut program = Program {
        name: name.into(),
        about: String::new(),
        limit: LIMIT,
        quick: false,
        script: script.into(),
    };
    for comment in script.lines().map_while(|line| line.strip_prefix("# ")) {
        if let Some(limit) = comment.strip_prefix("limit: ") {
            program.limit = limit.parse().context("`# limit:` wants seconds")?;
        } else if comment == "quick" {
            program.quick = true;
        } else if program.about.is_empty() {
            program.about = comment.into();
        } else {
            bail!("a comment that is not understood: {comment}");
        }
    }
    if program.about.is_empty() {
        bail!("the first line does not say what the program is");
    }
    Ok(program)
}

/// What a program is expected to print, if that has been recorded.
pub fn expected(program: &Program) -> Option<String> {
    fs::read_to_string(directory().join("expected").join(&program.name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_say_what_a_program_is() {
        let script = "# A test.\n# limit: 5\n# quick\necho 1\n# limit: 9\n";
        let program = parse("a", script).unwrap();
        assert_eq!((program.about.as_str(), program.limit, program.quick), ("A test.", 5, true));
        let program = parse("b", "# Another.\necho\n").unwrap();
        assert_eq!((program.limit, program.quick), (LIMIT, false));
        for wrong in ["echo\n", "# x\n# limit: soon\n", "# x\n# y\n"] {
            assert!(parse("c", wrong).is_err(), "{wrong}");
        }
    }

    /// A program that nothing is expected of would never be wrong.
    #[test]
    fn every_program_has_something_to_be_compared_with() {
        for program in all().unwrap() {
            let expected = expected(&program);
            assert!(expected.is_some_and(|text| text.ends_with("code 0\n")), "{}", program.name);
        }
    }
}
