//! The table of parameters in the documentation is the one that the model uses. `VISA_BLESS=1` rewrites it.

use std::path::Path;

const BEGIN: &str = "<!-- parameters begin -->\n";
const END: &str = "\n<!-- parameters end -->";

#[test]
fn the_documentation_has_every_parameter_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cycle-model.md");
    let text = std::fs::read_to_string(&path).expect("the documentation exists");
    let begin = text.find(BEGIN).expect("the table's begin is marked") + BEGIN.len();
    let end = text.rfind(END).expect("the table's end is marked");
    let table = visa_cycles::markdown();
    if text.get(begin..end) == Some(table.as_str()) {
        return;
    }
    assert!(
        std::env::var_os("VISA_BLESS").is_some(),
        "docs/cycle-model.md is stale: VISA_BLESS=1 cargo test -p visa-cycles rewrites its table"
    );
    let new = format!("{}{table}{}", &text[..begin], &text[end.max(begin)..]);
    std::fs::write(&path, new).expect("the documentation can be written");
}
