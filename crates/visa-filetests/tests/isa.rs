//! Every file of `tests/isa` on every engine.

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use visa_filetests::{Engine, discover, run_file};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/isa");
    let bless = std::env::var_os("VISA_BLESS").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for path in discover(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display())) {
        let name = path.strip_prefix(&root).unwrap_or(&path).with_extension("").display().to_string();
        let file = format!("tests/isa/{name}.s");
        for engine in Engine::ALL {
            let (path, file) = (path.clone(), file.clone());
            let body = move || {
                run_file(&path, &file, engine, bless && engine == Engine::ALL[0])
                    .map_err(|failure| Failed::from(failure.to_string()))
            };
            trials.push(Trial::test(format!("{name}/{}", engine.name()), body));
        }
    }
    assert!(!trials.is_empty(), "no tests under {}", root.display());
    libtest_mimic::run(&arguments, trials).exit();
}
