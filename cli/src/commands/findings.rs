//! How what a check found is shown.

use super::json;
use super::stop::{Stop, show};
use pail::maintenance::{Finding, Severity};
use serde::Serialize;
use std::fmt::Write;

/// One finding, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    severity: String,
    code: &'static str,
    subject: &'a str,
    reason: &'a str,
    mend: Option<&'a str>,
}

/// Findings, for programs.
pub(super) fn shown(findings: &[Finding]) -> Vec<Shown<'_>> {
    findings
        .iter()
        .map(|one| Shown {
            severity: one.severity.to_string(),
            code: one.code,
            subject: &one.subject,
            reason: &one.reason,
            mend: one.mend.as_deref(),
        })
        .collect()
}

/// Findings, for people: the worst first.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|one| std::cmp::Reverse(one.severity));
    let mut out = String::new();
    for one in sorted {
        let (subject, reason) = (plain(&one.subject), plain(&one.reason));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}: {subject}: {reason}", one.severity);
        if let Some(mend) = &one.mend {
            let _ = writeln!(out, "  mend: {mend}");
        }
    }
    out
}

/// Text that somebody else wrote: a terminal must not obey it.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Shows a report in one of two ways, and ends with the exit code for what was found.
pub(super) fn end(
    findings: &[Finding],
    report: &impl Serialize,
    words: Option<&str>,
) -> Result<(), Stop> {
    match words {
        Some(words) => show(format!("{}{words}", text(findings)).as_bytes())?,
        None => json::print(report)?,
    }
    let wrong = findings.iter().any(|one| one.severity == Severity::Error);
    if wrong { Err(Stop::Found) } else { Ok(()) }
}
