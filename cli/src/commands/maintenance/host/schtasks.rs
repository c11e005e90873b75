//! The task scheduler of Windows: a task for each schedule.

use super::{Every, Job, must, run};
use pail::Result;

pub(super) async fn install(job: &Job) -> Result<()> {
    for every in Every::ALL {
        let (name, words) = (name(every), words(every, job));
        let mut args = vec!["/create", "/f", "/tn", &*name];
        args.extend(words.iter().map(String::as_str));
        must("schtasks", &args, "").await?;
    }
    Ok(())
}

pub(super) async fn remove() -> Result<()> {
    for every in Every::ALL {
        let name = name(every);
        let there = run("schtasks", &["/query", "/tn", &name], "").await?;
        if there.is_some_and(|output| output.status.success()) {
            must("schtasks", &["/delete", "/f", "/tn", &name], "").await?;
        }
    }
    Ok(())
}

fn name(every: Every) -> String {
    format!("git-pail maintenance ({})", every.name())
}

/// What is started, and when.
fn words(every: Every, job: &Job) -> Vec<String> {
    let run = format!(
        "\"{}\" maintenance run --schedule {}",
        job.program,
        every.name()
    );
    let minute = job.minute;
    let when: &[&str] = match every {
        Every::Hourly => &["hourly", "/st", "00"],
        Every::Daily => &["daily", "/st", "03"],
        Every::Weekly => &["weekly", "/d", "MON", "/st", "04"],
    };
    let mut out = vec!["/tr".to_owned(), run, "/sc".to_owned()];
    out.extend(when.iter().map(|word| (*word).to_owned()));
    if let Some(hour) = out.last_mut() {
        hour.push_str(&format!(":{minute:02}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_told_as_schtasks_takes_it() {
        let job = Job {
            program: r"C:\Program Files\git-pail.exe".to_owned(),
            path: String::new(),
            minute: 7,
        };
        let told = words(Every::Weekly, &job);
        let run = r#""C:\Program Files\git-pail.exe" maintenance run --schedule weekly"#;
        assert_eq!(
            told,
            ["/tr", run, "/sc", "weekly", "/d", "MON", "/st", "04:07"]
        );
    }
}
