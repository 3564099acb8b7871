//! Every file of `tests/isa` on every engine.

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use visa_filetests::{Engine, discover, run_file};
use visa_machine::machine::GENERATES_CODE;

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/isa");
    let bless = std::env::var_os("VISA_BLESS").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    if !GENERATES_CODE {
        eprintln!(
            "skipped: the engines jit, jit-by-slices and jit-without-stops; this build generates no code for the host"
        );
    }
    for path in discover(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display())) {
        let name = path.strip_prefix(&root).unwrap_or(&path).with_extension("").display().to_string();
        let file = format!("tests/isa/{name}.s");
        for engine in Engine::all() {
            let (path, file) = (path.clone(), file.clone());
            let body = move || {
                run_file(&path, &file, engine, bless && engine == Engine::Interpreter)
                    .map_err(|failure| Failed::from(failure.to_string()))
            };
            trials.push(Trial::test(format!("{name}/{}", engine.name()), body));
        }
    }
    assert!(!trials.is_empty(), "no tests under {}", root.display());
    libtest_mimic::run(&arguments, trials).exit();
}
