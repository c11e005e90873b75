//! launchd of macOS: an agent for each schedule.

use super::{Every, Job, must, run};
use crate::env;
use pail::error::IoContext;
use pail::{Error, ErrorKind, Result};
use std::fs;
use std::path::PathBuf;

pub(super) async fn install(job: &Job) -> Result<()> {
    let folder = folder().ok_or_else(|| {
        let message = "cannot make a schedule: HOME is not set";
        Error::new(ErrorKind::Local, message)
    })?;
    fs::create_dir_all(&folder).during(|| format!("make {}", folder.display()))?;
    let domain = domain();
    for every in Every::ALL {
        let path = folder.join(format!("{}.plist", label(every)));
        let text = agent(every, job);
        fs::write(&path, text).during(|| format!("write {}", path.display()))?;
        let file = path.display().to_string();
        must("launchctl", &["bootstrap", &domain, &file], "").await?;
    }
    Ok(())
}

pub(super) async fn remove() -> Result<()> {
    let Some(folder) = folder() else {
        return Ok(());
    };
    for every in Every::ALL {
        let path = folder.join(format!("{}.plist", label(every)));
        if path.exists() {
            // One that is not loaded is no failure.
            let agent = format!("{}/{}", domain(), label(every));
            run("launchctl", &["bootout", &agent], "").await?;
            fs::remove_file(&path).during(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn folder() -> Option<PathBuf> {
    Some(PathBuf::from(env::read(env::HOME.name)?).join("Library/LaunchAgents"))
}

#[cfg(unix)]
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn domain() -> String {
    "gui/0".to_owned()
}

fn label(every: Every) -> String {
    format!("org.git-pail.maintenance.{}", every.name())
}

fn agent(every: Every, job: &Job) -> String {
    let times = match every {
        Every::Hourly => vec![("Minute", job.minute)],
        Every::Daily => vec![("Hour", 3), ("Minute", job.minute)],
        Every::Weekly => vec![("Weekday", 1), ("Hour", 4), ("Minute", job.minute)],
    };
    let times = times
        .iter()
        .map(|(key, value)| format!("    <key>{key}</key><integer>{value}</integer>\n"));
    let words = [
        &*job.program,
        "maintenance",
        "run",
        "--schedule",
        every.name(),
    ];
    let words = words.map(|word| format!("    <string>{}</string>\n", escaped(word)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key><string>{}</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{}  </array>\n\
         \x20 <key>EnvironmentVariables</key>\n  <dict><key>PATH</key><string>{}</string></dict>\n\
         \x20 <key>StartCalendarInterval</key>\n  <dict>\n{}  </dict>\n\
         \x20 <key>ProcessType</key><string>Background</string>\n\
         \x20 <key>LowPriorityIO</key><true/>\n</dict>\n</plist>\n",
        label(every),
        words.concat(),
        escaped(&job.path),
        times.collect::<String>()
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    #[test]
    fn an_agent_is_xml_and_names_what_it_starts_and_when() {
        let job = Job {
            program: "/opt/R&D/git-pail".to_owned(),
            path: "/bin".to_owned(),
            minute: 7,
        };
        let text = agent(Every::Weekly, &job);
        let mut reader = Reader::from_str(&text);
        let (mut open, mut most) = (0, 0);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Eof => break,
                _ => {}
            }
            most = most.max(open);
        }
        assert_eq!((open, most), (0, 4));
        assert!(
            text.contains("<string>/opt/R&amp;D/git-pail</string>"),
            "{text}"
        );
        assert!(
            text.contains("<key>Minute</key><integer>7</integer>"),
            "{text}"
        );
    }
}
