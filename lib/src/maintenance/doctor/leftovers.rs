//! What dead writers left: files that nothing names, uploads that were not ended.

use super::{Diagnosis, Finding, Severity, Visit, many, told};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::Why;
use crate::format::{keys, settings};
use crate::large_files::leftovers as large_files;
use crate::maintenance::fsck::named_by;
use crate::maintenance::merge::{Merged, commit};
use crate::maintenance::place::{Place, is_uploaded_here};
use crate::store::{Listed, Unfinished, delete_all};
use crate::transaction::{Rework, Snapshot};
use crate::transfer::{Context, leftovers};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;

/// How often removing begins anew because others committed meanwhile.
const MAX_ROUNDS: u32 = 8;

/// How many of them are told by name.
const TOLD: usize = 5;

/// Files and uploads that nobody needs.
#[derive(Debug, Default)]
struct Found {
    /// Files that nothing names, old enough.
    files: Vec<Listed>,
    /// Uploads that were begun and not ended, old enough.
    uploads: Vec<Unfinished>,
    /// Of both: younger ones, which may be somebody's.
    young: usize,
    /// Files of nobody that is known.
    unknown: Vec<String>,
    /// The packs that are there, by name.
    packs: BTreeSet<String>,
    /// Whether there is a part of a push log.
    has_log: bool,
}

impl Found {
    /// Whether this was a repository once: a single push that died leaves one pack at most,
    /// and no part of the log.
    fn was_a_repository(&self) -> bool {
        self.packs.len() > 1 || self.has_log
    }
}

/// Looks for leftovers, and removes them if that is asked for.
pub(super) async fn look(
    context: &Context,
    at: Option<Snapshot>,
    visit: &Visit,
    out: &mut Diagnosis,
) -> Result<()> {
    let Some(mut found) = find(context, at.as_ref(), visit, out).await? else {
        return Ok(());
    };
    if let [first, ..] = &found.unknown[..] {
        let reason = format!(
            "{} under the prefix of no layout that is known",
            many(found.unknown.len() as u64, "file")
        );
        let finding = Finding::new(Severity::Warning, "unknown-files", first, reason);
        out.findings
            .push(finding.with_mend("look whose they are; git-pail leaves them alone"));
    }
    let is_repository = at.is_some();
    if !is_repository && found.was_a_repository() {
        out.findings.push(lost(&found));
        // Its files are no leftovers.
        found.files.clear();
    }
    if visit.remove_leftovers {
        for upload in std::mem::take(&mut found.uploads) {
            context.store.abandon(&upload.key, &upload.token).await?;
            out.removed += 1;
        }
        if let Some(at) = at {
            out.removed += remove(context, at, visit, out).await?;
            found.files.clear();
        }
    }
    tell(&found, is_repository, visit, out);
    Ok(())
}

/// Packs, and no manifest that names them.
fn lost(found: &Found) -> Finding {
    let reason = format!(
        "it is not there, and {} without it: somebody deleted it, or a lifecycle rule did",
        match found.packs.len() as u64 {
            1 => "a pack lies here".to_owned(),
            count => format!("{count} packs lie here"),
        }
    );
    let finding = Finding::new(Severity::Error, "no-manifest", keys::MANIFEST, reason);
    finding.with_mend(
        "restore it from a backup or from the versions that the bucket keeps; do not run `git pail init` here, nor push, before",
    )
}

fn tell(found: &Found, is_repository: bool, visit: &Visit, out: &mut Diagnosis) {
    let count = found.files.len();
    if count > 0 {
        let names = found.files.iter().take(TOLD).map(|file| file.key.as_str());
        let names: Vec<_> = names.collect();
        let bytes: u64 = found.files.iter().map(|file| file.size).sum();
        let reason = format!(
            "{}, {bytes} bytes, named by nothing: writers died, or were refused",
            many(count as u64, "file")
        );
        let mend = if is_repository {
            "`git pail doctor --remove-leftovers` removes them; a writer that still lives uploads again"
        } else {
            "`git pail init` makes a repository; then `git pail doctor --remove-leftovers` removes them safely"
        };
        let finding = Finding::new(Severity::Warning, "leftovers", names.join(", "), reason);
        out.findings.push(finding.with_mend(mend));
    }
    if !found.uploads.is_empty() {
        let names: Vec<_> = found
            .uploads
            .iter()
            .take(TOLD)
            .map(|one| one.key.as_str())
            .collect();
        let reason = format!(
            "{} begun and not ended; the parts are paid for",
            many(found.uploads.len() as u64, "upload")
        );
        let finding = Finding::new(
            Severity::Warning,
            "unfinished-uploads",
            names.join(", "),
            reason,
        );
        out.findings.push(finding.with_mend(
            "push again, which takes up its own; or `git pail doctor --remove-leftovers`; a lifecycle rule of the bucket can throw such uploads away after some days",
        ));
    }
    if found.young > 0 {
        let reason = format!(
            "{} or uploads that nothing names, younger than {}: they may be part of a push under way",
            many(found.young as u64, "file"),
            settings::show_time(visit.older_than)
        );
        let finding = Finding::new(Severity::Note, "under-way", "the bucket", reason);
        out.findings.push(finding);
    }
}

/// What lies there; `None` where it may not be listed, which is told.
async fn find(
    context: &Context,
    at: Option<&Snapshot>,
    visit: &Visit,
    out: &mut Diagnosis,
) -> Result<Option<Found>> {
    let store = &*context.store;
    let named = match at {
        Some(at) => match named_by(context, at).await {
            Ok(named) => named,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                // What a broken part of the log names is not known: nothing is a leftover.
                out.findings.push(
                    told(Severity::Error, "damaged", keys::MANIFEST, &error)
                        .with_mend("look with `git pail fsck`"),
                );
                return Ok(None);
            }
            Err(error) => return Err(error),
        },
        None => BTreeSet::new(),
    };
    let now = context.clock.now();
    let old = |time: i64| now.saturating_sub(time) >= visit.older_than;
    let mut found = Found::default();
    let listed: Result<Vec<Listed>> = store.list("", None).try_collect().await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let place = store.describe();
            out.findings
                .push(told(Severity::Warning, "list-denied", place, &error));
            return Ok(None);
        }
    };
    for file in listed {
        if file.key.ends_with(".pack") {
            found
                .packs
                .extend(keys::pack_name(&file.key).map(str::to_owned));
        }
        found.has_log |= keys::is_segment(&file.key);
        match Place::of(&file.key) {
            Place::Own if named.contains(&file.key) => {}
            Place::Own if keys::perishable(&file.key).is_none() => found.unknown.push(file.key),
            Place::Own if old(file.modified) => found.files.push(file),
            Place::Own => found.young += 1,
            Place::Other => found.unknown.push(file.key),
            Place::Expected => {}
        }
    }
    // Those that a push from here would take up are told with its pack.
    let waiting = visit
        .repository
        .as_ref()
        .map(|repository| leftovers::waiting(repository, &store.describe()));
    let mut waiting = waiting.unwrap_or_default();
    for folder in &visit.large_files {
        waiting.extend(large_files::waiting(folder, &store.describe()));
    }
    let mut uploads = store.unfinished("");
    while let Some(upload) = uploads.next().await {
        match upload {
            Ok(upload) if waiting.contains(&(upload.key.clone(), upload.token.clone())) => {}
            Ok(upload) if !is_uploaded_here(&upload.key) => {}
            Ok(upload) if old(upload.started) => found.uploads.push(upload),
            Ok(_) => found.young += 1,
            Err(error) => {
                let finding = told(Severity::Note, "uploads-unknown", store.describe(), &error);
                out.findings.push(finding);
                break;
            }
        }
    }
    Ok(Some(found))
}

/// Condemns the files that nothing names, deletes them, and strikes them off the list, which
/// raises the epoch. A writer that sleeps finds its key on the list, or another epoch, and
/// then looks whether its files are there; so nothing that is pushed later is lost.
async fn remove(
    context: &Context,
    mut at: Snapshot,
    visit: &Visit,
    out: &mut Diagnosis,
) -> Result<u64> {
    for _ in 0..MAX_ROUNDS {
        let mut unheard = Diagnosis::default();
        let Some(found) = find(context, Some(&at), visit, &mut unheard).await? else {
            return Ok(0);
        };
        let files = found.files.into_iter().map(|file| file.key);
        let leftovers: Vec<String> = files.collect();
        if !leftovers.is_empty() {
            let rework = Rework {
                only: Some(at.manifest.write_id.clone()),
                leftovers,
                ..Rework::default()
            };
            match commit(context, at, "condemn", rework, visit.who.clone()).await? {
                Merged::Done(now) => at = *now,
                Merged::Overtaken => {
                    at = newest(context).await?;
                    continue;
                }
            }
        }
        // Also those that an earlier run has condemned before it died.
        let condemned = at.manifest.condemned.iter();
        let condemned: Vec<String> = condemned
            .filter(|gone| gone.why == Why::Leftover)
            .map(|gone| gone.key.clone())
            .collect();
        if condemned.is_empty() {
            return Ok(0);
        }
        let gone = condemned.iter().filter_map(|key| keys::perishable(key));
        delete_all(&*context.store, &gone.collect::<Vec<_>>()).await?;
        let count = condemned.len() as u64;
        let rework = Rework {
            deleted: condemned,
            ..Rework::default()
        };
        match commit(context, at, "sweep", rework, visit.who.clone()).await? {
            Merged::Done(_) => {
                out.facts.push(("removed", many(count, "file")));
                return Ok(count);
            }
            Merged::Overtaken => at = newest(context).await?,
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "cannot remove leftovers: others committed every time; try again",
    ))
}

async fn newest(context: &Context) -> Result<Snapshot> {
    let now = Snapshot::read(&*context.store, &context.cache, None).await?;
    now.ok_or_else(|| Error::new(ErrorKind::Missing, "the manifest is gone"))
}
