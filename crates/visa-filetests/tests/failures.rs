//! What does not hold is found, and the message says where.

use std::path::PathBuf;

use visa_filetests::{Engine, run_file};

/// Runs a file of this text; the message of its failure.
fn failure(name: &str, text: &str) -> String {
    let path = file(name, text);
    let result = run_file(&path, name, Engine::Interpreter, false);
    std::fs::remove_file(path).expect("the file is there");
    result.expect_err("it must fail").to_string()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("visa-filetests-{}-{name}.s", std::process::id()));
    std::fs::write(&path, text).expect("a temporary file");
    path
}

#[test]
fn a_wrong_value_is_shown_with_line_and_instructions() {
    let message = failure("value", "main:\n    li R10, 5\n;= R10 = 6\n    pass\n");
    assert!(message.starts_with("value:3: R10"), "{message}");
    assert!(message.contains("expected 0x6") && message.contains("found    0x5"), "{message}");
    assert!(message.contains("addi a0, zero, 5"), "{message}");
}

#[test]
fn a_check_in_a_macro_is_at_its_use() {
    let text = ".macro is value\n;= R10 = \\value\n    nop\n.endm\nmain:\n    li R10, 5\n    is 5\n    is 6\n    pass\n";
    let message = failure("macro", text);
    assert!(message.starts_with("macro:8: R10"), "{message}");
}

#[test]
fn a_line_that_is_not_reached_is_a_failure() {
    let message = failure("unreached", "main:\n;= RING = -1\n    pass\n;= R1 = 0\n    nop\n");
    assert!(message.starts_with("unreached:4: this is never reached"), "{message}");
}

#[test]
fn the_exit_record_must_be_complete() {
    let message = failure(
        "record",
        "main:\n    put vmr11, 0x99\n    run out_, 0, IO\n;= exit 0x02 at=out_ write size=1\n    pass\nout_: OUT R11, R0\n",
    );
    assert!(message.starts_with("record:4: VMCODE"), "{message}");
    let message = failure("quality", "main:\n    run leave\n;= exit 0x0c at=leave read\n    pass\n");
    assert!(message.contains("READ 0x1"), "{message}");
}

#[test]
fn what_changed_is_named() {
    let message = failure(
        "same",
        "main:\n;= mark\n    li R10, 1\n    put sscratch, 2\n;= same except HR10\n    pass\n",
    );
    assert!(message.contains("HR5 0x") && message.contains("SSCRATCH 0x0 -> 0x2"), "{message}");
    assert!(!message.contains("HR10 0x"), "{message}");
}

#[test]
fn exceptions_of_ring_minus_1_must_be_named() {
    let message = failure("exception", "main:\n    .word 0\n;= RING = -1\n    pass\n");
    assert!(message.contains("no check names"), "{message}");
}

#[test]
fn the_end_and_the_exits_must_be_as_said() {
    assert!(failure("end", "main:\n;= RING = -1\n    fail 3\n").contains("Finished(3)"));
    assert!(failure("loop", "main:\n;= RING = -1\n1: j 1b\n").contains("did not end it"));
    let message = failure("exits", ";! exits halt=1\nmain:\n    run leave\n;= RING = -1\n    pass\n");
    assert!(message.contains("vmexit-instruction"), "{message}");
}

#[test]
fn mistakes_in_the_file_have_a_line() {
    assert!(failure("directive", ";! rma 4M\nmain:\n;= RING = -1\n    pass\n").contains("line 1"));
    assert!(failure("check", "main:\n;= RING\n    pass\n").contains("line 2"));
    assert!(failure("assembly", "main:\n    movv R1, R2\n;= RING = -1\n    pass\n").contains("assembly:2:5"));
    assert!(failure("nothing", "main:\n    pass\n").contains("checks nothing"));
}

#[test]
fn a_log_is_rewritten_when_asked() {
    let path = file("bless", ";! events\nmain:\n    run leave\n;= RING = -1\n    pass\n;~ nonsense\n");
    let run = |bless| run_file(&path, "bless", Engine::Interpreter, bless);
    assert!(run(false).expect_err("the log is wrong").to_string().contains("expected nonsense"));
    run(true).expect("it is rewritten");
    run(false).expect("it is right now");
    let text = std::fs::read_to_string(&path).expect("the file is there");
    assert!(text.contains(";~ exit vmexit-instruction from Ring 0 at leave"), "{text}");
    std::fs::remove_file(path).expect("the file is there");
}
