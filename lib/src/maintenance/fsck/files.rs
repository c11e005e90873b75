//! Pure: which files a manifest names, and which of those that are there it does not.

use crate::error::Result;
use crate::format::manifest::{LogEntry, Manifest, PackEntry};
use crate::format::{keys, names};
use crate::maintenance::place::Place;
use crate::maintenance::{Finding, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// How many keys of a kind are told one by one.
const TOLD: usize = 5;

/// The files that a manifest and its log name, with their sizes.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// By key, in bytes.
    pub(super) sizes: BTreeMap<String, u64>,
    /// Keys that are named more than once, or that are condemned, too.
    pub(super) findings: Vec<Finding>,
}

impl Named {
    /// What the manifest itself names, and the packs that lie aside; the entries are those of
    /// its log, old ones too.
    pub(super) fn of(manifest: &Manifest, aside: &[PackEntry], older: &[LogEntry]) -> Result<Self> {
        let mut named = Self::default();
        for pack in manifest.packs.iter().chain(aside) {
            named.add(keys::pack(&pack.name)?.as_str(), pack.size);
            if let Some(size) = pack.index {
                named.add(keys::index(&pack.name)?.as_str(), size);
            }
        }
        if let Some(list) = &manifest.aside {
            named.add(keys::aside(&list.id)?.as_str(), list.size);
        }
        if let Some(table) = &manifest.base {
            named.add(keys::table(&table.id)?.as_str(), table.size);
        }
        for part in &manifest.log.segments {
            let key = keys::segment(part.first, part.last, &part.id)?;
            named.add(key.as_str(), part.size);
        }
        let entries = older.iter().chain(&manifest.log.entries);
        for file in entries.filter_map(|entry| entry.moves_file.as_ref()) {
            named.add(keys::moves(&file.id)?.as_str(), file.size);
        }
        for gone in &manifest.condemned {
            if named.sizes.contains_key(&gone.key) {
                let reason = format!(
                    "it is named, and generation {} has condemned it: gc will delete it",
                    gone.generation
                );
                let finding = Finding::new(Severity::Error, "condemned", &gone.key, reason);
                named
                    .findings
                    .push(finding.with_mend("do not run gc; report this, it is a bug"));
            }
        }
        Ok(named)
    }

    fn add(&mut self, key: &str, size: u64) {
        if self.sizes.insert(key.to_owned(), size).is_some() {
            let reason = "it is named twice";
            let finding = Finding::new(Severity::Error, "named-twice", key, reason);
            self.findings.push(finding);
        }
    }

    /// Compares what is named with what is there.
    pub(super) fn compare(&self, there: &BTreeMap<String, u64>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (key, size) in &self.sizes {
            let reason = match there.get(key) {
                Some(found) if found == size => continue,
                Some(found) => format!("it has {found} bytes, the manifest says {size}"),
                None => "it is not there".to_owned(),
            };
            let code = if there.contains_key(key) {
                "wrong-size"
            } else {
                "missing-file"
            };
            let severity = if keys::is_aside(key) {
                Severity::Warning
            } else {
                Severity::Error
            };
            let finding = Finding::new(severity, code, key, reason);
            findings.push(finding.with_mend(mend(key)));
        }
        findings
    }
}

/// What helps when a file is gone or broken.
pub(super) fn mend(key: &str) -> &'static str {
    if key.ends_with(".idx") {
        "`git index-pack` makes it anew from the pack; no ref is hurt while the pack is whole"
    } else if key.starts_with(keys::PACKS) {
        "restore it from a backup or from the versions that the bucket keeps; or push the refs that are hurt under new names from a complete clone"
    } else if key.starts_with(keys::SEGMENTS) {
        "no ref is hurt: older values of refs are forgotten, and readers that are far behind take everything anew"
    } else if keys::is_aside(key) {
        "nothing is lost: readers that are far behind download more until maintenance writes it anew; `git pail maintenance run --task=base` does so at once"
    } else {
        "restore it from a backup or from the versions that the bucket keeps"
    }
}

/// What lies under the prefix and is not named, by kind.
pub(super) fn unnamed(
    there: &BTreeMap<String, u64>,
    named: &BTreeMap<String, u64>,
    condemned: &BTreeSet<&str>,
) -> Vec<Finding> {
    let mut leftovers: Vec<(&str, u64)> = Vec::new();
    let mut unknown: Vec<(&str, u64)> = Vec::new();
    for (key, size) in there {
        match Place::of(key) {
            _ if named.contains_key(key) || condemned.contains(key.as_str()) => {}
            Place::Own => leftovers.push((key, *size)),
            Place::Other => unknown.push((key, *size)),
            Place::Expected => {}
        }
    }
    let mut findings = Vec::new();
    if let Some((subject, size)) = tell(&leftovers) {
        let reason = format!(
            "{} files, {size} bytes, are named by nothing: left by pushes that died or were refused, or part of one under way",
            leftovers.len()
        );
        let finding = Finding::new(Severity::Note, "leftovers", subject, reason);
        findings.push(finding.with_mend("`git pail doctor` says how to remove them"));
    }
    if let Some((subject, size)) = tell(&unknown) {
        let reason = format!(
            "{} files, {size} bytes, are none of this layout",
            unknown.len()
        );
        let finding = Finding::new(Severity::Warning, "unknown-files", subject, reason);
        findings.push(finding.with_mend("look whose they are; git-pail leaves them alone"));
    }
    findings
}

fn tell(files: &[(&str, u64)]) -> Option<(String, u64)> {
    let told: Vec<String> = files
        .iter()
        .take(TOLD)
        .map(|(key, _)| names::encode(key.as_bytes()))
        .collect();
    let more = files.len().saturating_sub(TOLD);
    let mut text = told.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    (!files.is_empty()).then(|| (text, files.iter().map(|(_, size)| size).sum()))
}
