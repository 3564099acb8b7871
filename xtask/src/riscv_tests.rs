//! `cargo xtask riscv-tests`: the upstream suite of instruction tests, in V-ISA's own environments.
//!
//! The suite itself is not part of this project; a checkout of it is named with `--source`. The environments
//! are in `tests/riscv-tests-env`.

mod build;
mod one;
mod outcome;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use one::{Environment, Group, Test};
use outcome::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Run the upstream riscv-tests on the `visa` command
#[derive(clap::Args)]
pub struct Arguments {
    /// A checkout of riscv-tests (its submodule is not needed) [default: build/riscv-tests in the source tree]
    #[arg(long)]
    source: Option<PathBuf>,

    /// The command that runs the tests [default: build it in release mode]
    #[arg(long)]
    visa: Option<PathBuf>,

    /// Only this environment
    #[arg(long, value_enum)]
    environment: Option<Environment>,

    /// Only tests whose name contains this, such as `rv64uf` or `rv64ui-add`
    #[arg(long)]
    filter: Option<String>,

    /// Only build the tests, do not run them
    #[arg(long)]
    build_only: bool,
}

const GROUPS: [Group; 9] = [
    Group { name: "rv64ui", march: "rv64g" },
    Group { name: "rv64um", march: "rv64g" },
    Group { name: "rv64ua", march: "rv64g" },
    Group { name: "rv64uf", march: "rv64g" },
    Group { name: "rv64ud", march: "rv64g" },
    Group { name: "rv64uc", march: "rv64g" },
    Group { name: "rv64uzba", march: "rv64g_zba" },
    Group { name: "rv64uzbb", march: "rv64g_zbb" },
    Group { name: "rv64uzbs", march: "rv64g_zbs" },
];

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let source = arguments.source.unwrap_or_else(|| workspace::root().join("build/riscv-tests"));
    if !source.join("isa").is_dir() {
        println!(
            "riscv-tests: skipped, there is no {}; clone the upstream riscv-tests repository and name it with \
             --source DIR",
            source.join("isa").display()
        );
        return Ok(());
    }
    process::require(build::COMPILER, "gcc-riscv64-unknown-elf")?;
    let environments: Vec<_> = Environment::ALL
        .into_iter()
        .filter(|&environment| arguments.environment.is_none_or(|only| only == environment))
        .collect();
    let mut tests = find_tests(&source, &environments)?;
    if let Some(filter) = &arguments.filter {
        tests.retain(|test| test.name().contains(filter));
    }
    if tests.is_empty() {
        bail!("no test in {} matches", source.display());
    }

    let builder = build::Builder::new(&source, &environments)?;
    if arguments.build_only {
        let built = in_parallel(&tests, |test| builder.build(test).map(drop));
        built.into_iter().collect::<Result<Vec<()>>>()?;
        println!("riscv-tests: {} built", tests.len());
        return Ok(());
    }
    let visa = match arguments.visa {
        Some(path) => path,
        None => workspace::release_build("visa")?,
    };
    let outcomes = in_parallel(&tests, |test| match builder.build(test) {
        Ok(program) => outcome::run(&visa, &program),
        Err(error) => Outcome::Broken(format!("{error:#}")),
    });
    report(&tests, &outcomes, &environments)
}

/// Every test of the suite in each environment, by group and name.
fn find_tests(source: &Path, environments: &[Environment]) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for &environment in environments {
        for group in &GROUPS {
            let directory = source.join("isa").join(group.name);
            let entries =
                fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
            let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            files.retain(|path| path.extension().is_some_and(|extension| extension == "S"));
            files.sort();
            tests.extend(files.into_iter().map(|source| Test { group, environment, source }));
        }
    }
    Ok(tests)
}

/// Applies `work` to each test on all cores; the results are in the order of the tests.
fn in_parallel<T: Send>(tests: &[Test], work: impl Fn(&Test) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(tests.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, test)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    tests.get(index).map(|test| (index, test))
                } {
                    let result = work(test);
                    results.lock().expect("no worker panics while it holds the lock").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no worker panics while it holds the lock");
    results.sort_by_key(|&(index, _)| index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Prints what failed and a table of counts; an error if anything failed.
fn report(tests: &[Test], outcomes: &[Outcome], environments: &[Environment]) -> Result<()> {
    for (test, outcome) in tests.iter().zip(outcomes) {
        if !outcome.passed() {
            println!("{} in {}: {outcome}", test.name(), test.environment.name());
        }
    }
    let count = |group: Option<&str>, environment: Environment| {
        let of_interest = tests.iter().zip(outcomes).filter(|(test, _)| {
            test.environment == environment && group.is_none_or(|group| group == test.group.name)
        });
        let (mut passed, mut all) = (0, 0);
        for (_, outcome) in of_interest {
            passed += usize::from(outcome.passed());
            all += 1;
        }
        format!("{passed}/{all}")
    };
    let line = |title: &str, cells: Vec<String>| {
        let cells: String = cells.into_iter().map(|cell| format!("{cell:>10}")).collect();
        println!("{title:<10}{cells}");
    };
    line("passed", environments.iter().map(|environment| environment.name().to_owned()).collect());
    for group in &GROUPS {
        if tests.iter().any(|test| test.group.name == group.name) {
            line(
                group.name,
                environments.iter().map(|&environment| count(Some(group.name), environment)).collect(),
            );
        }
    }
    line("all", environments.iter().map(|&environment| count(None, environment)).collect());
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if failed > 0 {
        bail!("{failed} of {} riscv-tests failed", tests.len());
    }
    Ok(())
}
