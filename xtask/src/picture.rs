//! `cargo xtask picture`: draws the demonstration's coloured text as a picture for the README.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// Draw docs/images/demo.svg from what `visa demo` prints
#[derive(clap::Args)]
pub struct Arguments {
    /// A build of the visa command [default: built now]
    #[arg(long)]
    visa: Option<PathBuf>,
}

/// Where the picture goes.
const PICTURE: &str = "docs/images/demo.svg";
/// What it shows: the flow of one exit, and all of them as tables.
const PARTS: [&[&str]; 2] = [&["--scene", "1"], &["--brief"]];

/// Pixels of a column and of a line, and around the text.
const COLUMN: f64 = 7.8;
const LINE: f64 = 18.0;
const MARGIN: f64 = 16.0;
/// Pixels from the top of a line to the foot of its letters.
const FOOT: f64 = 13.0;

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let mut text = String::new();
    for part in PARTS {
        let mut command = match &arguments.visa {
            Some(visa) => Command::new(visa),
            None => {
                let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                cargo
                    .args(["run", "--release", "--quiet", "--package", "visa", "--"])
                    .current_dir(workspace::root());
                cargo
            }
        };
        command.arg("demo").args(["--color", "always"]).args(part);
        text += &process::output(&mut command).context("cannot run visa demo")?;
    }
    let path = workspace::root().join(PICTURE);
    process::create_directory(path.parent().context("the picture has a directory")?)?;
    fs::write(&path, svg(&text)?).with_context(|| format!("cannot write {PICTURE}"))?;
    println!("{PICTURE}");
    Ok(())
}

/// Text with the terminal's colours as SVG. Each run of a colour is placed by its column, so that the picture is
/// right whatever monospace font there is.
fn svg(text: &str) -> Result<String> {
    let lines: Vec<Vec<Run>> = text.trim_matches('\n').lines().map(runs).collect::<Result<_>>()?;
    let columns = lines.iter().flatten().map(|run| run.column + run.text.chars().count()).max().unwrap_or(0);
    let width = (columns as f64 * COLUMN + 2.0 * MARGIN).ceil();
    let height = lines.len() as f64 * LINE + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" xml:space=\"preserve\" aria-label=\"visa demo: a VM exit step by step, and the table of exits\">\n{STYLE}\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" class=\"paper\"/>\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let y = MARGIN + index as f64 * LINE + FOOT;
        for run in line.iter().filter(|run| !run.text.trim().is_empty()) {
            let blank = run.text.chars().take_while(|character| *character == ' ').count();
            let visible = run.text.trim();
            let x = MARGIN + (run.column + blank) as f64 * COLUMN;
            let length = visible.chars().count() as f64 * COLUMN;
            writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\" class=\"{}\">{}</text>",
                run.class,
                escape(visible)
            )?;
        }
    }
    out += "</svg>\n";
    Ok(out)
}

/// Colours for light and dark surroundings.
const STYLE: &str = "<style>\n\
    .paper { fill: #fbfbfa; stroke: #d8d8d4 }\n\
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
    white-space: pre; fill: #24292f }\n\
    .bold { font-weight: 700 }\n.faint { fill: #6e7781 }\n.guest { fill: #1a7f37 }\n\
    .hypervisor { fill: #8250df }\n.hardware { fill: #9a6700 }\n.result { fill: #0969da; font-weight: 700 }\n\
    @media (prefers-color-scheme: dark) {\n\
    .paper { fill: #16181d; stroke: #30363d }\ntext { fill: #d8dee6 }\n.faint { fill: #8b949e }\n\
    .guest { fill: #56d364 }\n.hypervisor { fill: #d2a8ff }\n.hardware { fill: #e3b341 }\n.result { fill: #79c0ff }\n\
    }\n</style>\n";

/// A stretch of a line in one colour.
struct Run {
    column: usize,
    class: &'static str,
    text: String,
}

fn runs(line: &str) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    let mut column = 0;
    let mut class = "plain";
    for (index, piece) in line.split('\x1b').enumerate() {
        let text = if index == 0 {
            piece
        } else {
            let (code, text) = piece
                .strip_prefix('[')
                .and_then(|piece| piece.split_once('m'))
                .context("an escape sequence other than for colours")?;
            class = match code {
                "0" => "plain",
                "1" => "bold",
                "2" => "faint",
                "32" => "guest",
                "33" => "hardware",
                "35" => "hypervisor",
                "1;36" => "result",
                other => bail!("the colour {other} has no place in the picture"),
            };
            text
        };
        if !text.is_empty() {
            runs.push(Run { column, class, text: text.into() });
            column += text.chars().count();
        }
    }
    Ok(runs)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_at_their_columns() {
        let picture = svg("ab \x1b[32m<cd>\x1b[0m e\n").unwrap();
        assert!(picture.contains("class=\"plain\">ab</text>"), "{picture}");
        let x = MARGIN + 3.0 * COLUMN;
        assert!(
            picture.contains(&format!(
                "<text x=\"{x:.1}\" y=\"29\" textLength=\"31.2\" class=\"guest\">&lt;cd&gt;</text>"
            )),
            "{picture}"
        );
    }

    #[test]
    fn other_escapes_are_refused() {
        assert!(svg("\x1b[2J").is_err());
        assert!(svg("\x1b[31mred").is_err());
    }
}
