//! A build without the JIT: the interpreter is what executes, and nothing else can be asked for.

use crate::{Place, assert_code, report, run, text};

#[test]
fn the_interpreter_executes_and_other_engines_are_refused() {
    eprintln!("skipped: --engine lockstep and --engine checked; this build generates no code for the host");
    let place = Place::new();
    let program = place.finishing("li t1, 0x5555");
    for options in [&[][..], &["--engine", "interpreter"]] {
        let (engine, _, _) = report(&program, options, "checked");
        assert_eq!(engine, "interpreter");
    }
    for engine in ["jit", "lockstep", "checked"] {
        let output = run(&program, &["--engine", engine]);
        assert_code(&output, 2);
        let errors = text(&output.stderr);
        assert!(errors.contains("without a JIT") && errors.contains("--engine interpreter"), "{errors}");
    }
}
