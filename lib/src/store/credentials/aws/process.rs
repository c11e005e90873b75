//! Credentials that a command prints (`credential_process`).
//!
//! The command is no line of a shell: it is split into words and run, and nothing in it is
//! expanded. What it says on standard error goes to the user, as with the AWS tools, and
//! into no error of ours.

use super::{Credentials, Found};
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::process::Stdio;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Runs a command and reads what it prints.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it cannot be run or prints something else,
/// [`ErrorKind::Denied`] if it fails.
#[expect(
    clippy::disallowed_methods,
    reason = "runs what `credential_process` names"
)]
pub(super) async fn run(command: &str, source: &str) -> Result<Found> {
    let failed = |kind, why: &str| {
        let what = format!("cannot get credentials from {source}: {why}");
        Error::new(kind, what)
    };
    let words = words(command, cfg!(windows));
    let words = words.ok_or_else(|| failed(ErrorKind::Invalid, "a quotation mark is open"))?;
    let Some((program, args)) = words.split_first() else {
        return Err(failed(ErrorKind::Invalid, "the command is empty"));
    };
    let output = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| {
            failed(
                ErrorKind::Invalid,
                &format!("cannot run {program}: {error}"),
            )
        })?;
    if !output.status.success() {
        let why = format!("{program} ended with {}", output.status);
        return Err(failed(ErrorKind::Denied, &why));
    }
    // The parser's own words may repeat what was printed.
    let printed: Printed = serde_json::from_slice(&output.stdout).map_err(|_| {
        failed(
            ErrorKind::Invalid,
            &format!("{program} printed no credentials"),
        )
    })?;
    if printed.version != 1 {
        let why = format!("{program} speaks version {}, not 1", printed.version);
        return Err(failed(ErrorKind::Invalid, &why));
    }
    let end = match &printed.expiration {
        None => None,
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(end) => Some(end.as_second()),
            Err(_) => {
                let why = format!("{program} printed an Expiration that is no time");
                return Err(failed(ErrorKind::Invalid, &why));
            }
        },
    };
    let token = printed
        .session_token
        .as_deref()
        .filter(|text| !text.is_empty());
    let (id, secret) = (&printed.access_key_id, &printed.secret_access_key);
    Credentials::checked(id, secret, token, end, source)
}

/// Splits a command into its words; `None` if a quotation mark is open.
///
/// Quotation marks keep blanks together. Elsewhere than on Windows, whose paths are full of
/// them, a backslash takes the next character as it is, also between double marks if that is
/// a mark or a backslash; and single marks take all as it is.
fn words(command: &str, windows: bool) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut open = None;
    let mut rest = command.chars().peekable();
    while let Some(c) = rest.next() {
        match (open, c) {
            (Some(mark), c) if c == mark => open = None,
            (Some('"'), '\\') if !windows => {
                let next = rest.next_if(|next| ['"', '\\', '$', '`'].contains(next));
                word.get_or_insert_default().push(next.unwrap_or('\\'));
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\\') if !windows => {
                let next = rest.next()?;
                word.get_or_insert_default().push(next);
            }
            (None, '"') => {
                open = Some('"');
                word.get_or_insert_default();
            }
            (None, '\'') if !windows => {
                open = Some('\'');
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    open.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::words;

    /// POSIX's shell has the rules that the AWS tools follow there.
    #[cfg(unix)]
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the shell is the judge")]
    fn words_are_what_a_shell_makes_of_them() {
        for line in [
            "helper one two",
            "\"/opt/my tools/helper\" --name 'a b' c\\ d",
            "  h  \"\" ''  x",
            "h \"a\\\"b\\\\c\\d\" 'e\\f' g\"h\"'i'",
            "h --json={\\\"a\\\":1}",
        ] {
            let script = format!("printf '%s\\n' {line}");
            let shell = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            let shell = String::from_utf8(shell.expect("sh").stdout).expect("text");
            let expected: Vec<_> = shell.lines().map(str::to_owned).collect();
            assert_eq!(words(line, false), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_path_of_windows_keeps_its_backslashes() {
        let line = r#""C:\Program Files\helper.exe" --user a'b"#;
        let expected = [r"C:\Program Files\helper.exe", "--user", "a'b"];
        assert_eq!(words(line, true).expect("words"), expected);
    }

    #[test]
    fn an_open_mark_is_a_mistake() {
        assert_eq!(words("h \"a", false), None);
        assert_eq!(words("h 'a", false), None);
        assert_eq!(words("h \\", false), None);
    }
}
