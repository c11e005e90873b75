//! The quick check: manifest, ref table, log, and every file by its size.

use super::files::{Named, mend, unnamed};
use super::history::{self, History};
use super::hurt::{moved_after, whole_up_to};
use super::manifest::{self, Root};
use super::{Report, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Manifest, PackEntry};
use crate::format::refs::{BaseTable, RefTable};
use crate::format::{keys, sha256_hex};
use crate::key::Key;
use crate::maintenance::Finding;
use crate::store::{Limits, Store, Wanted, download};
use crate::transaction::{Cache, Snapshot, read_aside};
use crate::transfer::{Context, cover};
use bytes::BytesMut;
use futures_util::{StreamExt, pin_mut};
use std::collections::{BTreeMap, BTreeSet};

/// What the quick check read, for the full one.
#[derive(Debug)]
pub(super) struct Looked {
    /// The repository; its refs are incomplete where the table is broken.
    pub(super) at: Snapshot,
    /// The packs that it names, and those that lie aside.
    pub(super) all: Vec<PackEntry>,
    /// Whether all refs are known.
    pub(super) refs_known: bool,
    /// Packs whose file is there with its size.
    pub(super) packs: BTreeSet<String>,
    /// Indexes whose file is there with its size.
    pub(super) indexes: BTreeSet<String>,
}

impl Looked {
    /// Whether the repository has moved on since.
    pub(super) async fn has_changed(&self, context: &Context) -> Result<bool> {
        let mut unused = Report::default();
        Ok(match manifest::read(context, &mut unused).await? {
            Root::Sound(now, _) => now.write_id != self.at.manifest.write_id,
            Root::None | Root::Broken => false,
        })
    }
}

/// Looks; `None` if there is no repository. What was read is there if the manifest is sound.
pub(super) async fn look(context: &Context) -> Result<Option<(Option<Looked>, Report)>> {
    let mut report = Report::default();
    let (manifest, version) = match manifest::read(context, &mut report).await? {
        Root::None => return Ok(None),
        Root::Broken => return Ok(Some((None, report))),
        Root::Sound(manifest, version) => (*manifest, version),
    };
    let store = &*context.store;
    let table = table(store, &manifest, &mut report.findings).await?;
    let refs_known = table.is_some();
    let at = Snapshot {
        refs: RefTable {
            base: table.unwrap_or_default(),
            updates: manifest.updates.clone(),
        },
        manifest,
        version,
    };
    let history = history::read(context, &at, &mut report.findings).await?;
    let aside = aside(store, &at, &mut report.findings).await?;
    let named = Named::of(&at.manifest, &aside, &history.older)?;
    report.findings.extend(named.findings.iter().cloned());
    let there = there(store, &named, &mut report.findings).await?;
    let told: BTreeSet<_> = report
        .findings
        .iter()
        .map(|one| one.subject.clone())
        .collect();
    let wrong = named.compare(&there);
    // A table or a segment that is gone was told already, when it was to be read.
    let new = |finding: &Finding| !told.contains(&finding.subject);
    report
        .findings
        .extend(wrong.iter().filter(|one| new(one)).cloned());
    let condemned = at.manifest.condemned.iter();
    let condemned: BTreeSet<_> = condemned.map(|gone| gone.key.as_str()).collect();
    let extra = unnamed(&there, &named.sizes, &condemned);
    refs(&at, refs_known, &history, &mut report.findings);
    let wrong: BTreeSet<_> = wrong.iter().map(|one| one.subject.as_str()).collect();
    let all = [&at.manifest.packs[..], &aside].concat();
    let (packs, indexes) = usable(&all, &wrong)?;
    covers(&at, refs_known, &history, &packs, &mut report);
    report.findings.extend(extra);
    report.checked.generation = at.manifest.generation;
    report.checked.files = named.sizes.len() as u64 + 1;
    report.checked.bytes = named.sizes.values().sum();
    report.checked.refs = at.refs.count();
    report.checked.packs = all.len() as u64;
    let looked = Looked {
        at,
        all,
        refs_known,
        packs,
        indexes,
    };
    Ok(Some((Some(looked), report)))
}

/// The packs that lie aside; none where their list is broken, which is told.
async fn aside(
    store: &dyn Store,
    at: &Snapshot,
    findings: &mut Vec<Finding>,
) -> Result<Vec<PackEntry>> {
    // Straight from the bucket: a local copy says nothing about what lies there.
    let error = match read_aside(store, &Cache::default(), at).await {
        Ok(packs) => return Ok(packs),
        Err(error) if error.kind() == ErrorKind::Corrupt => error,
        Err(error) => return Err(error),
    };
    let list = at.manifest.aside.as_ref().map(|list| keys::aside(&list.id));
    let key = list
        .transpose()?
        .map_or_else(String::new, |key| key.to_string());
    let finding = Finding::new(Severity::Warning, "aside", &key, error.to_string());
    findings.push(finding.with_mend(mend(&key)));
    Ok(Vec::new())
}

/// The base table; `None` where it is broken, which is told.
async fn table(
    store: &dyn Store,
    manifest: &Manifest,
    findings: &mut Vec<Finding>,
) -> Result<Option<BaseTable>> {
    let Some(table) = &manifest.base else {
        return Ok(Some(BaseTable::default()));
    };
    let key = keys::table(&table.id)?;
    let read = whole(store, &key, table.size).await.and_then(|bytes| {
        if sha256_hex(&bytes) != table.sha256 {
            let why = "its hash is not the one that the manifest names";
            return Err(Error::new(ErrorKind::Corrupt, why));
        }
        BaseTable::decode(&bytes, manifest.object_format)
    });
    match read {
        Ok(read) => {
            if read.count() != table.count {
                let reason = format!(
                    "it holds {} refs, the manifest says {}",
                    read.count(),
                    table.count
                );
                let finding = Finding::new(Severity::Warning, "ref-table", key.as_str(), reason);
                findings.push(finding);
            }
            Ok(Some(read))
        }
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Missing) => {
            let finding = Finding::new(
                Severity::Error,
                "ref-table",
                key.as_str(),
                error.to_string(),
            );
            findings.push(finding.with_mend(mend(key.as_str())));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn whole(store: &dyn Store, key: &Key, size: u64) -> Result<BytesMut> {
    let wanted = [Wanted {
        key: key.clone(),
        size,
    }];
    let pieces = download(store, &wanted, Limits::default());
    pin_mut!(pieces);
    let mut out = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        out.extend_from_slice(&piece?.bytes);
    }
    Ok(out)
}

/// The files under the prefix with their sizes: one LIST for each thousand. Where listing is
/// not allowed, those that are named, by one HEAD each.
async fn there(
    store: &dyn Store,
    named: &Named,
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<String, u64>> {
    let mut there = BTreeMap::new();
    let mut listing = store.list("", None);
    while let Some(listed) = listing.next().await {
        match listed {
            Ok(listed) => {
                there.insert(listed.key, listed.size);
            }
            Err(error) if error.kind() == ErrorKind::Denied => {
                drop(listing);
                let reason = "the bucket does not let these credentials list files: what nobody names is not looked for";
                findings.push(Finding::new(
                    Severity::Note,
                    "no-listing",
                    store.describe(),
                    reason,
                ));
                for key in named.sizes.keys() {
                    if let Some(info) = store.head(&Key::new(key.as_str())?).await? {
                        there.insert(key.clone(), info.size);
                    }
                }
                return Ok(there);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}

/// Whether the refs can stand beside each other, and are what the log makes of them.
fn refs(at: &Snapshot, known: bool, history: &History, findings: &mut Vec<Finding>) {
    for (name, _) in at.refs.iter() {
        if let Some(other) = name
            .parents()
            .filter_map(|parent| crate::refs::RefName::new(parent).ok())
            .find(|parent| at.refs.get(parent).is_some())
        {
            let reason = format!("{other} is there, too: git cannot keep both");
            let finding = Finding::new(Severity::Error, "ref-conflict", name.to_string(), reason);
            let mend = "delete one of the two with `git push --delete`";
            findings.push(finding.with_mend(mend));
        }
    }
    if let Some(head) = &at.manifest.head
        && known
        && at.refs.get(head).is_none()
        && at.refs.count() > 0
    {
        let reason = "HEAD names this branch, which does not exist: a clone checks nothing out";
        let finding = Finding::new(Severity::Note, "head", head.to_string(), reason);
        findings.push(finding.with_mend("`git pail set-head` names another one"));
    }
    if !known || !history.whole {
        return;
    }
    let odd = |reason: &str, name: &crate::refs::RefName| {
        Finding::new(Severity::Warning, "log", name.to_string(), reason)
    };
    for (name, value) in at.refs.iter() {
        if history.moved.get(&name).and_then(|moved| moved.value) != Some(value.oid) {
            findings.push(odd("the log does not tell how it got its value", &name));
        }
    }
    let gone = history.moved.iter();
    for (name, _) in gone.filter(|(_, moved)| moved.value.is_some()) {
        if at.refs.get(name).is_none() {
            findings.push(odd("the log knows it, and it is not among the refs", name));
        }
    }
}

/// The names of packs and of indexes that are there.
fn usable(
    all: &[PackEntry],
    wrong: &BTreeSet<&str>,
) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut packs, mut indexes) = (BTreeSet::new(), BTreeSet::new());
    for pack in all {
        if !wrong.contains(keys::pack(&pack.name)?.as_str()) {
            packs.insert(pack.name.clone());
        }
        if pack.index.is_some() && !wrong.contains(keys::index(&pack.name)?.as_str()) {
            indexes.insert(pack.name.clone());
        }
    }
    Ok((packs, indexes))
}

/// Whether the packs join up, and which refs are hurt where they do not.
fn covers(
    at: &Snapshot,
    refs_known: bool,
    history: &History,
    usable: &BTreeSet<String>,
    report: &mut Report,
) {
    let packs = &at.manifest.packs;
    let covered = at.manifest.covered();
    if cover(packs, 0, covered).is_none() {
        let reason =
            format!("the packs that it names do not cover the generations up to {covered}");
        let finding = Finding::new(Severity::Error, "cover", keys::MANIFEST, reason);
        report.findings.push(finding.with_mend("restore an older version of this file, or push everything again from a complete clone, into an empty prefix"));
    }
    let broken = packs.iter().map(|pack| pack.name.as_str());
    let broken: BTreeSet<_> = broken.filter(|name| !usable.contains(*name)).collect();
    if let Some(sound) = whole_up_to(packs, &broken) {
        report.hurt = moved_after(&at.refs, history, sound);
    }
    if !refs_known {
        // What the broken table held is told by the log only.
        let told = history.moved.iter();
        let alive = told.filter(|(_, moved)| moved.value.is_some());
        report.hurt.extend(alive.map(|(name, _)| name.clone()));
        report.hurt.extend(at.refs.iter().map(|(name, _)| name));
        report.certain = broken.is_empty();
    }
}
