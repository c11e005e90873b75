//! The user's crontab: three lines between two marks.

use super::{Every, Job, must, run};
use pail::{Error, ErrorKind, Result};
use std::fmt::Write;

const BEGIN: &str = "# BEGIN git-pail maintenance";
const END: &str = "# END git-pail maintenance";

pub(super) async fn install(job: &Job) -> Result<()> {
    let old = table().await?.unwrap_or_default();
    must("crontab", &["-"], &with(&old, &lines(job))).await
}

pub(super) async fn remove() -> Result<()> {
    match table().await? {
        Some(old) if old.contains(BEGIN) => must("crontab", &["-"], &without(&old)).await,
        _ => Ok(()),
    }
}

/// The table that is there; `None` if there is no `crontab`.
///
/// # Errors
///
/// [`ErrorKind::Local`] if it cannot be read: what is not known must not be replaced.
async fn table() -> Result<Option<String>> {
    let Some(output) = run("crontab", &["-l"], "").await? else {
        return Ok(None);
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let none = ["no crontab", "No such file"]
        .iter()
        .any(|one| said.contains(one));
    if !output.status.success() && !none {
        let message = format!("cannot read the crontab: {}", said.trim());
        return Err(Error::new(ErrorKind::Local, message));
    }
    let text = String::from_utf8(output.stdout);
    text.map(Some)
        .map_err(|_| Error::new(ErrorKind::Local, "cannot read the crontab: it is not UTF-8"))
}

fn lines(job: &Job) -> String {
    let mut out = String::new();
    for every in Every::ALL {
        let minute = job.minute;
        let when = match every {
            Every::Hourly => format!("{minute} * * * *"),
            Every::Daily => format!("{minute} 3 * * *"),
            Every::Weekly => format!("{minute} 4 * * 1"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{when} PATH={} {} maintenance run --schedule {}",
            quoted(&job.path),
            quoted(&job.program),
            every.name()
        );
    }
    out
}

/// A word for the shell; cron itself takes an unescaped percent sign for a new line.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('%', r"\%"))
}

fn with(old: &str, lines: &str) -> String {
    format!("{}{BEGIN}\n{lines}{END}\n", without(old))
}

/// The table without our lines; without an end mark nothing but the begin mark is ours.
fn without(old: &str) -> String {
    let whole = old.contains(END);
    let mut ours = false;
    let mut out = String::new();
    for line in old.lines() {
        match line.trim_end() {
            BEGIN => ours = whole,
            END => ours = false,
            _ if ours => {}
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_stay_as_they_are() {
        let old = "MAILTO=ada\n5 4 * * * backup 100\\%";
        let new = with(old, "ours\n");
        assert_eq!(new, format!("{old}\n{BEGIN}\nours\n{END}\n"));
        assert_eq!(with(&new, "new\n"), format!("{old}\n{BEGIN}\nnew\n{END}\n"));
        assert_eq!(without(&new), format!("{old}\n"));
        assert_eq!(without(&format!("{BEGIN}\n{old}\n")), format!("{old}\n"));
        assert_eq!(without(""), "");
    }

    #[test]
    fn a_path_with_odd_letters_is_one_word() {
        let job = Job {
            program: "/opt/100% git's/git-pail".to_owned(),
            path: "/bin".to_owned(),
            minute: 7,
        };
        let line = r"7 3 * * * PATH='/bin' '/opt/100\% git'\''s/git-pail' maintenance run --schedule daily";
        assert_eq!(lines(&job).lines().nth(1), Some(line));
    }
}
