//! Which repositories this machine maintains by a schedule: sections of git's global
//! configuration, one each.

use super::host::Every;
use super::work::Task;
use crate::commands::git;
use clap::ValueEnum;
use pail::Result;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[pailMaintenance "s3://bucket/prefix"]`
const SECTION: &str = "pailMaintenance";

/// A repository that is maintained by a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it lies, without secrets: the name of its section.
    pub(super) name: String,
    /// The URL, or the name of a remote.
    pub(super) url: String,
    /// The git directory whose remote it is, if it is one.
    pub(super) repository: Option<PathBuf>,
    /// How often.
    pub(super) every: Every,
    /// Which tasks; none for the usual ones.
    pub(super) tasks: Vec<Task>,
}

/// All of them, by name. What cannot be understood is passed over.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot be run.
pub(super) async fn read() -> Result<Vec<Place>> {
    // The global one only: a repository must not have others maintained.
    let pattern = format!("^{}[.]", SECTION.to_ascii_lowercase());
    let said = git::ask(&["config", "--global", "-z", "--get-regexp", &pattern]).await?;
    Ok(parse(&said.unwrap_or_default()))
}

/// Reads what git says: a name, a line's end, a value, a zero byte.
fn parse(said: &str) -> Vec<Place> {
    let mut sections: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (name, value) in said.split('\0').filter_map(|one| one.split_once('\n')) {
        let middle = name
            .split_once('.')
            .and_then(|(_, rest)| rest.rsplit_once('.'));
        if let Some((section, key)) = middle {
            sections.entry(section).or_default().insert(key, value);
        }
    }
    let place = |(name, keys): (&str, BTreeMap<&str, &str>)| {
        let words = keys.get("task").copied().unwrap_or_default();
        let tasks = words.split_whitespace();
        Some(Place {
            name: name.to_owned(),
            url: (*keys.get("url")?).to_owned(),
            repository: keys.get("repository").map(PathBuf::from),
            every: Every::from_str(keys.get("every").copied().unwrap_or("daily"), true).ok()?,
            tasks: tasks
                .filter_map(|one| Task::from_str(one, true).ok())
                .collect(),
        })
    };
    sections.into_iter().filter_map(place).collect()
}

/// Writes it down, in the place of what was there of that name.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot write its global configuration.
pub(super) async fn add(place: &Place) -> Result<()> {
    remove(&place.name).await?;
    let words: Vec<_> = place.tasks.iter().map(|task| task.name()).collect();
    let mut keys = vec![
        ("url", place.url.clone()),
        ("every", place.every.name().to_owned()),
    ];
    let repository = place.repository.as_ref();
    keys.extend(repository.map(|folder| ("repository", folder.display().to_string())));
    if !words.is_empty() {
        keys.push(("task", words.join(" ")));
    }
    for (key, value) in keys {
        let key = format!("{SECTION}.{}.{key}", place.name);
        git::must(
            "write the global git configuration",
            &["config", "--global", &key, &value],
        )
        .await?;
    }
    Ok(())
}

/// Forgets it; whether it was there.
///
/// # Errors
///
/// [`pail::ErrorKind::Local`] if git cannot be run.
pub(super) async fn remove(name: &str) -> Result<bool> {
    let section = format!("{SECTION}.{name}");
    let said = git::ask(&["config", "--global", "--remove-section", &section]).await?;
    Ok(said.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_one_place_whatever_dots_are_in_its_name() {
        let said = "pailmaintenance.s3://b.x/p.git.url\ns3://b.x/p.git\0\
                    pailmaintenance.s3://b.x/p.git.every\nweekly\0\
                    pailmaintenance.s3://b.x/p.git.task\nmerge gc\0\
                    pailmaintenance.broken.every\ndaily\0\
                    pailmaintenance.z.url\norigin\0pailmaintenance.z.repository\n/a/.git";
        let found = parse(said);
        let [one, two] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((&*one.name, one.every), ("s3://b.x/p.git", Every::Weekly));
        assert_eq!(one.tasks, [Task::Merge, Task::Gc]);
        assert_eq!(two.repository, Some(PathBuf::from("/a/.git")));
        assert_eq!((two.every, &two.tasks[..]), (Every::Daily, &[][..]));
    }
}
