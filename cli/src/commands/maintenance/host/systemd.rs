//! The user's systemd: one service, and a timer for each schedule.

use super::{Every, Job, must, run};
use crate::env;
use pail::error::IoContext;
use pail::{Error, ErrorKind, Result};
use std::fs;
use std::path::PathBuf;

const SERVICE: &str = "git-pail-maintenance@.service";

/// Whether there is one that answers.
pub(super) async fn is_there() -> bool {
    let asked = run("systemctl", &["--user", "list-timers"], "").await;
    asked.is_ok_and(|output| output.is_some_and(|output| output.status.success()))
}

pub(super) async fn install(job: &Job) -> Result<()> {
    let folder = folder().ok_or_else(|| {
        let message = "cannot make a schedule: neither XDG_CONFIG_HOME nor HOME is set";
        Error::new(ErrorKind::Local, message)
    })?;
    fs::create_dir_all(&folder).during(|| format!("make {}", folder.display()))?;
    let mut files = vec![(SERVICE.to_owned(), service(job))];
    files.extend(Every::ALL.map(|every| (timer_name(every), timer(every, job.minute))));
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).during(|| format!("write {}", path.display()))?;
    }
    must("systemctl", &["--user", "daemon-reload"], "").await?;
    let names = Every::ALL.map(timer_name);
    let mut args = vec!["--user", "enable", "--now"];
    args.extend(names.iter().map(String::as_str));
    must("systemctl", &args, "").await
}

pub(super) async fn remove() -> Result<()> {
    let Some(folder) = folder().filter(|folder| folder.join(SERVICE).exists()) else {
        return Ok(());
    };
    let names = Every::ALL.map(timer_name);
    let mut args = vec!["--user", "disable", "--now"];
    args.extend(names.iter().map(String::as_str));
    must("systemctl", &args, "").await?;
    for name in names.iter().map(String::as_str).chain([SERVICE]) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).during(|| format!("remove {}", path.display()));
            }
            _ => {}
        }
    }
    must("systemctl", &["--user", "daemon-reload"], "").await
}

/// Where the user's units lie.
fn folder() -> Option<PathBuf> {
    let home = || env::read(env::HOME.name).map(|home| PathBuf::from(home).join(".config"));
    let config = env::read(env::XDG_CONFIG_HOME.name).map(PathBuf::from);
    Some(config.or_else(home)?.join("systemd/user"))
}

fn timer_name(every: Every) -> String {
    format!("git-pail-maintenance@{}.timer", every.name())
}

fn timer(every: Every, minute: u32) -> String {
    let when = match every {
        Every::Hourly => format!("*-*-* *:{minute:02}:00"),
        Every::Daily => format!("*-*-* 3:{minute:02}:00"),
        Every::Weekly => format!("Mon *-*-* 4:{minute:02}:00"),
    };
    format!(
        "# Written by `git pail maintenance start`; `stop` removes it.\n\
         [Unit]\nDescription=Maintenance of repositories in buckets, {}\n\n\
         [Timer]\nOnCalendar={when}\nPersistent=true\n\n\
         [Install]\nWantedBy=timers.target\n",
        every.name()
    )
}

fn service(job: &Job) -> String {
    format!(
        "# Written by `git pail maintenance start`; `stop` removes it.\n\
         [Unit]\nDescription=Maintenance of repositories in buckets\n\n\
         [Service]\nType=oneshot\nEnvironment={}\n\
         ExecStart={} maintenance run --schedule %i\n\
         Nice=10\nIOSchedulingClass=idle\n",
        quoted(&format!("PATH={}", job.path)),
        quoted(&job.program).replace('$', "$$")
    )
}

/// A word of a unit file.
fn quoted(word: &str) -> String {
    let word = word.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", word.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_letters_is_one_word() {
        let job = Job {
            program: "/opt/100% \"$x\"/git-pail".to_owned(),
            path: "/bin:/a b".to_owned(),
            minute: 7,
        };
        let text = service(&job);
        assert!(text.contains("Environment=\"PATH=/bin:/a b\"\n"), "{text}");
        let line = r#"ExecStart="/opt/100%% \"$$x\"/git-pail" maintenance run --schedule %i"#;
        assert!(text.contains(line), "{text}");
        assert!(timer(Every::Weekly, 7).contains("OnCalendar=Mon *-*-* 4:07:00\n"));
    }
}
