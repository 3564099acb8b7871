//! `cargo xtask mutations`: whether the fuzzers find mistakes that are made on purpose.
//!
//! Each mutation of `crates/visa-fuzz/mutations.toml` is made in a copy of the sources under `target/`; the tests of both engines side by
//! side are built there, and must fail within a time. The JIT's own checks of its code are off, so that it is the difference
//! which is found, unless they are asked for.

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Make mistakes in the JIT, one after the other, and see whether the fuzzers find them
#[derive(clap::Args)]
pub struct Arguments {
    /// Only mutations whose name has this in it
    #[arg(long)]
    only: Option<String>,
    /// How long the fuzzers may look for each, in seconds
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave the JIT's checks of its own code on
    #[arg(long)]
    checked: bool,
    /// Only see whether each can be made
    #[arg(long)]
    dry_run: bool,
}

/// The list.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutation: Vec<Mutation>,
}

/// A mistake.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    name: String,
    what: String,
    file: PathBuf,
    before: String,
    after: String,
}

/// What the tests came to.
enum Outcome {
    /// They failed: how soon, and what they said.
    Found(Duration, String),
    /// They passed.
    Missed,
    /// The mutation does not compile, or cannot be made.
    Broken(String),
}

/// Longer than the tests may take without being found to hang, after their time.
const GRACE: Duration = Duration::from_secs(60);
/// What of the sources the tests need.
const NEEDED: [&str; 6] = ["Cargo.toml", "Cargo.lock", ".cargo", "crates", "xtask", "guest"];

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let path = workspace::root().join("crates/visa-fuzz/mutations.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let List { mutation: mut list } =
        toml::from_str(&text).with_context(|| format!("{} is not as it should be", path.display()))?;
    list.retain(|mutation| arguments.only.as_ref().is_none_or(|only| mutation.name.contains(only)));
    if list.is_empty() {
        bail!("no mutation has such a name");
    }
    if arguments.dry_run {
        for mutation in &list {
            mutated(workspace::root(), mutation).with_context(|| format!("mutation `{}`", mutation.name))?;
        }
        println!("{} mutations can be made", list.len());
        return Ok(());
    }
    let copy = workspace::target().join("mutations/sources");
    renew(&copy)?;
    println!("{:<32} {:>8}  what the tests said first", "mutation", "seconds");
    // As long as for each mutation: what they find then would count as found.
    match outcome(&copy, &arguments, Duration::from_secs(arguments.seconds))? {
        Outcome::Found(_, said) => bail!("the tests fail without a mutation: {said}"),
        Outcome::Broken(why) => bail!("the tests cannot be built without a mutation: {why}"),
        Outcome::Missed => println!("{:<32} {:>8}", "none", "-"),
    }
    let mut not_found = 0;
    for mutation in &list {
        let outcome = try_mutation(&copy, mutation, &arguments)?;
        let (seconds, said) = match outcome {
            Outcome::Found(took, said) => (format!("{:.1}", took.as_secs_f64()), said),
            Outcome::Missed => ("-".to_owned(), format!("NOT FOUND: {}", mutation.what)),
            Outcome::Broken(why) => ("-".to_owned(), format!("NOT MADE: {why}")),
        };
        not_found += u32::from(seconds == "-");
        println!("{:<32} {seconds:>8}  {said}", mutation.name);
    }
    if not_found > 0 {
        bail!("{not_found} of {} mutations were not found", list.len());
    }
    println!("all of {} mutations were found", list.len());
    Ok(())
}

/// Makes a mutation, runs the tests, and takes it back.
fn try_mutation(copy: &Path, mutation: &Mutation, arguments: &Arguments) -> Result<Outcome> {
    let changed = match mutated(copy, mutation) {
        Ok(changed) => changed,
        Err(error) => return Ok(Outcome::Broken(format!("{error:#}"))),
    };
    let path = copy.join(&mutation.file);
    let original = std::fs::read(&path)?;
    std::fs::write(&path, changed)?;
    let outcome = outcome(copy, arguments, Duration::from_secs(arguments.seconds));
    std::fs::write(&path, original)?;
    outcome
}

/// The file of a mutation as that leaves it.
fn mutated(tree: &Path, mutation: &Mutation) -> Result<String> {
    let path = tree.join(&mutation.file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match text.matches(&mutation.before).count() {
        1 => Ok(text.replace(&mutation.before, &mutation.after)),
        times => bail!("what it replaces occurs {times} times in {}, not once", mutation.file.display()),
    }
}

/// Builds the tests and runs them.
fn outcome(copy: &Path, arguments: &Arguments, time: Duration) -> Result<Outcome> {
    let build = process::run_captured(cargo(copy, arguments).arg("--no-run"))?;
    if !build.status.success() {
        let said = String::from_utf8_lossy(&build.stderr);
        let error =
            said.lines().find(|line| line.starts_with("error")).unwrap_or("the tests cannot be built");
        return Ok(Outcome::Broken(error.to_owned()));
    }
    let mut command = cargo(copy, arguments);
    // All at once, however few processors there are: the one that finds it may be the last.
    command.args(["--", "--nocapture", "--test-threads=16"]);
    command.env("VISA_FUZZ_SECONDS", time.as_secs().to_string()).env("RUST_BACKTRACE", "0");
    command.env("VISA_FUZZ_SEED", arguments.seed.to_string());
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("cannot run cargo")?;
    // Read beside it, or the tests would wait once the pipe is full.
    let mut stderr = child.stderr.take().context("the tests have no standard error")?;
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).map(|_| said)
    });
    let ended = wait(&mut child, time + GRACE)?;
    let took = started.elapsed();
    let said = reader.join().ok().and_then(Result::ok).unwrap_or_default();
    let said = first_words(&String::from_utf8_lossy(&said));
    Ok(match ended {
        Some(status) if status.success() => Outcome::Missed,
        Some(status) => Outcome::Found(took, said.unwrap_or_else(|| format!("they died ({status})"))),
        None => Outcome::Found(took, "they hang".to_owned()),
    })
}

/// The first assertion that failed.
fn first_words(said: &str) -> Option<String> {
    const MOST: usize = 150;
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at"));
    let message: Vec<&str> = lines.by_ref().skip(1).take(2).map(str::trim).collect();
    let message = message.join(" ").replace("assertion `left == right` failed: ", "");
    (!message.is_empty()).then(|| message.chars().take(MOST).collect())
}

fn cargo(copy: &Path, arguments: &Arguments) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(["test", "--quiet", "--package", "visa-fuzz", "--test", "jit"]);
    if !arguments.checked {
        command.args(["--config", "profile.test.package.visa-jit.debug-assertions=false"]);
        command.args(["--config", "profile.dev.package.visa-jit.debug-assertions=false"]);
    }
    // Not the workspace's: to cargo the crates of both trees are the same, and it would not build the other's again.
    command.current_dir(copy).env("CARGO_TARGET_DIR", copy.with_file_name("target"));
    command
}

/// Waits for a process, at most so long, and then ends it.
fn wait(child: &mut Child, most: Duration) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > most {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A fresh copy of what the tests need; what has not changed keeps its time, so that it need not be built again.
fn renew(copy: &Path) -> Result<()> {
    process::create_directory(copy)?;
    for name in NEEDED {
        copy_new(&workspace::root().join(name), &copy.join(name))?;
    }
    Ok(())
}

/// Copies a file or a directory, as far as it is not the same already.
fn copy_new(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        process::create_directory(to)?;
        let names = |path: &Path| -> Result<Vec<OsString>> {
            std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
        };
        let wanted = names(from)?;
        for name in wanted.iter().filter(|name| *name != "target") {
            copy_new(&from.join(name), &to.join(name))?;
        }
        for name in names(to)?.iter().filter(|name| !wanted.contains(name)) {
            let path = to.join(name);
            if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
        }
        return Ok(());
    }
    let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if std::fs::read(to).ok().as_ref() != Some(&bytes) {
        std::fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}
