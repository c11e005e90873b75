//! Can we work here? Rights, promises, clocks, and what dead writers left behind.
//!
//! Comes in: a bucket, with or without a repository. Goes out: what stands in the way, and
//! what mends it. Only what is asked for by name is mended.

mod here;
mod leftovers;
mod rules;
mod trial;

use super::lfs::look_at_condemned;
use super::{Finding, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::format::keys;
use crate::local::Repository;
use crate::store::ConditionalPut;
use crate::transaction::Snapshot;
use crate::transfer::Context;
use std::path::PathBuf;

/// A clock that is so far off is told, in seconds. Services refuse signatures at 15 minutes.
const MAX_SKEW: i64 = 300;

/// What the doctor is asked to do.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Whether to write, list and delete scratch files, to see what the bucket allows and
    /// whether it keeps its promises.
    pub probe: bool,
    /// Whether to remove what dead writers left.
    pub remove_leftovers: bool,
    /// What is younger may still be somebody's, in seconds.
    pub older_than: i64,
    /// The repository on this machine, if there is one, where pushes may have left something.
    pub repository: Option<Repository>,
    /// The folders of that in which transfers of large files keep what they go on with.
    pub large_files: Vec<PathBuf>,
    /// Who, as git's committer identity.
    pub who: String,
}

/// What the doctor says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is known of the place, in words: a name and a value each.
    pub facts: Vec<(&'static str, String)>,
    /// What stands in the way.
    pub findings: Vec<Finding>,
    /// How many leftovers were removed: files and uploads, and what lay on this machine.
    pub removed: u64,
    /// Whether the place could be read, and no repository is there.
    pub is_empty: bool,
}

/// Looks at a bucket, and at what was left on this machine.
///
/// Costs one GET of the manifest, one of the list of condemned LFS objects, one for each older part of the log, three at most for what
/// the bucket does by itself, one LIST for each thousand files, and one for the uploads that
/// were not ended. The probe writes up to eight
/// small files and deletes them. Removing takes two PUT of the manifest and one DELETE for
/// each file, and one request for each upload.
///
/// # Errors
///
/// Those of removing; what stands in the way of looking is a finding.
pub async fn visit(context: &Context, visit: &Visit) -> Result<Diagnosis> {
    let mut out = Diagnosis::default();
    let store = &*context.store;
    out.facts.push(("at", store.describe()));
    let found = Snapshot::read(store, &context.cache, None).await;
    let credentials = store.credentials_used();
    out.facts.push((
        "credentials",
        credentials.unwrap_or_else(|| "none were needed".to_owned()),
    ));
    let promises = store.capabilities();
    let conditional = match (promises.conditional_put, promises.probe) {
        (ConditionalPut::Version, false) => Some("kept, by what this kind of store is"),
        // What was tried is told then.
        (ConditionalPut::Version, true) if visit.probe => None,
        (ConditionalPut::Version, true) => Some("declared; --probe and the first push try it"),
        (ConditionalPut::None, _) => Some("not known"),
    };
    out.facts
        .extend(conditional.map(|text| ("conditional writes", text.to_owned())));
    let at = match found {
        Ok(at) => at,
        Err(error) => {
            let code = match error.kind() {
                ErrorKind::Denied | ErrorKind::Archived => "read-denied",
                ErrorKind::Missing => "no-bucket",
                ErrorKind::Unsupported => "newer-layout",
                ErrorKind::Corrupt => "damaged",
                _ => "unreachable",
            };
            out.findings
                .push(told(Severity::Error, code, store.describe(), &error));
            here::look(context, visit, false, &mut out).await?;
            // A manifest that is broken keeps nobody from looking at the rest.
            if error.kind() != ErrorKind::Corrupt {
                return Ok(out);
            }
            if visit.probe {
                trial::run(context, &mut out).await?;
            }
            return Ok(out);
        }
    };
    out.is_empty = at.is_none();
    let repository = match &at {
        None => "none yet; the first push makes it".to_owned(),
        Some(at) => format!(
            "{}, generation {}, epoch {}, {}, {}",
            at.manifest.object_format,
            at.manifest.generation,
            at.manifest.epoch,
            many(at.refs.count(), "ref"),
            many(at.manifest.packs.len() as u64, "pack")
        ),
    };
    out.facts.push(("repository", repository));
    if store.capabilities().remote {
        rules::look(context, &mut out).await?;
    }
    if visit.probe {
        trial::run(context, &mut out).await?;
    }
    here::look(context, visit, true, &mut out).await?;
    leftovers::look(context, at, visit, &mut out).await?;
    match look_at_condemned(context).await {
        Ok(finding) => out.findings.extend(finding),
        Err(error) => {
            let finding = told(Severity::Warning, "condemned-list", keys::CONDEMNED, &error);
            out.findings.push(finding);
        }
    }
    Ok(out)
}

/// How many, in words: `1 ref`, `2 refs`.
fn many(count: u64, word: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {word}{ending}")
}

/// A finding that repeats an error, with its hint.
fn told(
    severity: Severity,
    code: &'static str,
    subject: impl Into<String>,
    error: &Error,
) -> Finding {
    let finding = Finding::new(severity, code, subject, error.to_string());
    let usual = match error.kind() {
        ErrorKind::Denied => Some(
            "let these credentials do it: `git pail doctor --policy write` prints what is needed",
        ),
        _ => None,
    };
    match error.hint().or(usual) {
        Some(hint) => finding.with_mend(hint),
        None => finding,
    }
}
