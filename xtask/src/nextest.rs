//! Runs the tests with nextest and keeps its closing lines.

use crate::process;
use crate::services::Services;
use crate::tools;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::process::Stdio;

/// The version to install where there is none.
const VERSION: &str = "0.9.143";

/// Sees to it that nextest is there.
pub fn install() -> Result<(), String> {
    tools::cargo_command("nextest", VERSION)
}

/// Runs the tests that `filters` leave, all of them without any.
///
/// Returns the closing lines, from the summary on, where somebody may miss them: not on a
/// terminal, which nextest gets for itself, with its colours and its progress.
pub fn run(
    services: &Services,
    filters: &[String],
    closing: &mut Vec<String>,
) -> Result<(), String> {
    let mut command = process::cargo(&["nextest", "run"]);
    let names_package = |word: &String| word.starts_with("-p") || word.starts_with("--package");
    if !filters.iter().any(names_package) {
        command.arg("--workspace");
    }
    command.args(filters);
    services.show_to(&mut command);
    if io::stderr().is_terminal() {
        return process::run(&mut command);
    }
    let shown = process::shown(&command);
    eprintln!("$ {shown}");
    let fail = |error: io::Error| format!("cannot run `{shown}`: {error}");
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line.map_err(fail)?;
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            if !closing.is_empty() || is_summary(&line) {
                closing.push(line.into_owned());
            }
        }
    }
    let status = child.wait().map_err(fail)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed: {status}"))
    }
}

/// Whether a line is nextest's summary, with colours or without.
fn is_summary(line: &str) -> bool {
    line.contains("Summary") && line.contains(" run: ")
}

#[cfg(test)]
mod tests {
    use super::is_summary;

    #[test]
    fn the_summary_is_known_with_colours_and_without() {
        assert!(is_summary(
            "     Summary [   0.080s] 32 tests run: 32 passed, 0 skipped"
        ));
        assert!(is_summary(
            "\u{1b}[1m Summary\u{1b}[0m [ 1s] \u{1b}[1m1\u{1b}[0m test run: 1 failed"
        ));
        assert!(!is_summary(
            "PASS [   0.005s] xtask nextest::tests::the_summary_is_known"
        ));
    }
}
