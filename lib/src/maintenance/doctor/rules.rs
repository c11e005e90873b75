//! What the bucket does with files by itself: rules that would eat packs, versions that are
//! paid for, locks.

use super::{Diagnosis, Finding, Severity, told};
use crate::error::Result;
use crate::format::keys;
use crate::store::{Does, Lifecycle, Lock, Rules, Seen};
use crate::transfer::Context;

/// Where files lie that must stay until we delete them.
const OURS: [&str; 3] = [keys::PACKS, keys::ROOT, "lfs/"];

/// Asks for the rules, and judges them.
pub(super) async fn look(context: &Context, out: &mut Diagnosis) -> Result<()> {
    match context.store.rules().await {
        Ok(rules) => judge(&rules, &context.store.describe(), out),
        Err(error) => {
            let place = context.store.describe();
            out.findings
                .push(told(Severity::Note, "rules-unknown", place, &error));
        }
    }
    Ok(())
}

fn judge(rules: &Rules, place: &str, out: &mut Diagnosis) {
    let hidden = |why: &str| format!("cannot be seen: {why}");
    let lifecycle = match &rules.lifecycle {
        Seen::Hidden(why) => hidden(why),
        Seen::Is(all) => {
            out.findings
                .extend(all.iter().filter_map(|rule| eats(rule, place)));
            match all.len() {
                0 => "none here".to_owned(),
                _ => all.iter().map(words).collect::<Vec<_>>().join("; "),
            }
        }
    };
    out.facts.push(("lifecycle rules", lifecycle));
    let versions = match &rules.versions {
        Seen::Hidden(why) => hidden(why),
        Seen::Is(false) => "not kept".to_owned(),
        Seen::Is(true) => {
            out.findings.extend(piles_up(rules, place));
            "kept".to_owned()
        }
    };
    out.facts.push(("old versions", versions));
    let lock = match &rules.lock {
        Seen::Hidden(why) => hidden(why),
        Seen::Is(None) => "none".to_owned(),
        Seen::Is(Some(lock)) => {
            out.findings.push(locked(lock, place));
            lock.words.clone()
        }
    };
    out.facts.push(("locks", lock));
}

/// A rule in words: `'old' deletes files below tmp/ after 30 days`.
fn words(rule: &Lifecycle) -> String {
    let what = match &rule.does {
        Does::Deletes => "deletes files".to_owned(),
        Does::Archives(class) => format!("moves files to {class}"),
        Does::Aborts => "throws unfinished uploads away".to_owned(),
        Does::DeletesVersions => "deletes old versions".to_owned(),
    };
    let some = if rule.some { ", some of them," } else { "" };
    let below = match rule.below.as_str() {
        "" => String::new(),
        below => format!(" below {below}"),
    };
    let after = match rule.days {
        Some(1) => " after a day".to_owned(),
        Some(days) => format!(" after {days} days"),
        None => String::new(),
    };
    format!("'{}' {what}{below}{some}{after}", rule.name)
}

/// A rule that takes away what the manifest names.
fn eats(rule: &Lifecycle, place: &str) -> Option<Finding> {
    let touches = |folder: &str| folder.starts_with(&rule.below) || rule.below.starts_with(folder);
    if !OURS.iter().any(|folder| touches(folder)) {
        return None;
    }
    let (code, why) = match &rule.does {
        Does::Deletes => ("lifecycle-deletes", "packs would go, and history with them"),
        Does::Archives(_) => ("lifecycle-archives", "clones and fetches would fail"),
        Does::Aborts | Does::DeletesVersions => return None,
    };
    // Which ones cannot be told from here.
    let severity = if rule.some {
        Severity::Warning
    } else {
        Severity::Error
    };
    let reason = format!("the lifecycle rule {}: {why}", words(rule));
    let finding = Finding::new(severity, code, place, reason);
    Some(finding.with_mend(
        "take the rule away, or let it spare this prefix; git-pail deletes what nothing needs itself",
    ))
}

/// Versions that are kept and never deleted.
fn piles_up(rules: &Rules, place: &str) -> Option<Finding> {
    let Seen::Is(all) = &rules.lifecycle else {
        return None;
    };
    let ends = |rule: &Lifecycle| rule.does == Does::DeletesVersions && rule.below.is_empty();
    if all.iter().any(ends) {
        return None;
    }
    let reason = "the bucket keeps every old version for ever: each push leaves one of the manifest, and what maintenance deletes is paid for on";
    let finding = Finding::new(Severity::Warning, "versions-pile-up", place, reason);
    Some(finding.with_mend(
        "a lifecycle rule that deletes old versions after some days, 30 for example; they help after an accident",
    ))
}

/// A lock on files.
fn locked(lock: &Lock, place: &str) -> Finding {
    let words = &lock.words;
    if lock.replaces {
        let reason = format!("{words}: what maintenance deletes is paid for until then");
        let finding = Finding::new(Severity::Warning, "locked", place, reason);
        return finding.with_mend("use a bucket without it, if that is not what you want");
    }
    let reason = format!("{words}: no push can replace the manifest");
    let finding = Finding::new(Severity::Error, "locked", place, reason);
    finding.with_mend("use a container or bucket without it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(below: &str, some: bool, does: Does) -> Lifecycle {
        Lifecycle {
            name: "old".to_owned(),
            below: below.to_owned(),
            some,
            days: Some(30),
            does,
        }
    }

    fn judged(rules: &Rules) -> (Vec<(&'static str, Severity)>, Diagnosis) {
        let mut out = Diagnosis::default();
        judge(rules, "s3://bucket/prefix", &mut out);
        let found = out.findings.iter().map(|one| (one.code, one.severity));
        (found.collect(), out)
    }

    #[test]
    fn a_rule_that_deletes_packs_is_an_error_and_one_for_elsewhere_is_none() {
        for (below, some, expected) in [
            ("", false, Some(Severity::Error)),
            ("objects/", false, Some(Severity::Error)),
            ("objects/pack/pack-0", false, Some(Severity::Error)),
            ("lfs/", true, Some(Severity::Warning)),
            ("pail/log/", false, Some(Severity::Error)),
            ("tmp/", false, None),
        ] {
            let mut rules = Rules::none();
            rules.lifecycle = Seen::Is(vec![rule(below, some, Does::Deletes)]);
            let (found, out) = judged(&rules);
            let expected: Vec<_> = expected
                .map(|one| ("lifecycle-deletes", one))
                .into_iter()
                .collect();
            assert_eq!(found, expected, "{below}");
            assert!(out.facts[0].1.contains("'old' deletes files"), "{out:?}");
        }
        let mut rules = Rules::none();
        rules.lifecycle = Seen::Is(vec![
            rule("", false, Does::Archives("GLACIER".to_owned())),
            rule("", false, Does::Aborts),
        ]);
        let (found, _) = judged(&rules);
        assert_eq!(found, [("lifecycle-archives", Severity::Error)]);
    }

    #[test]
    fn versions_that_nothing_deletes_pile_up() {
        let mut rules = Rules::none();
        rules.versions = Seen::Is(true);
        assert_eq!(judged(&rules).0, [("versions-pile-up", Severity::Warning)]);
        rules.lifecycle = Seen::Is(vec![rule("", false, Does::DeletesVersions)]);
        assert_eq!(judged(&rules).0, []);
        rules.lifecycle = Seen::Hidden("access denied".to_owned());
        let (found, out) = judged(&rules);
        assert_eq!(found, []);
        assert_eq!(out.facts[0].1, "cannot be seen: access denied");
    }

    #[test]
    fn a_lock_is_an_error_where_the_manifest_cannot_be_replaced() {
        for (replaces, severity) in [(true, Severity::Warning), (false, Severity::Error)] {
            let mut rules = Rules::none();
            let words = "a policy keeps blobs".to_owned();
            rules.lock = Seen::Is(Some(Lock { words, replaces }));
            assert_eq!(judged(&rules).0, [("locked", severity)]);
        }
    }
}
