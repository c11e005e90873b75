//! What does the bucket allow, and does it keep its promises? Tried on scratch files.

use super::{Diagnosis, Finding, MAX_SKEW, Severity, told};
use crate::error::{ErrorKind, Result};
use crate::format::keys;
use crate::key::Key;
use crate::store::{ConditionalPut, Precondition, Want};
use crate::transaction::{Effort, Promise, examine, lease};
use crate::transfer::Context;
use bytes::Bytes;
use futures_util::StreamExt;

/// Writes, reads, lists and deletes; begins an upload in parts and throws it away; tries
/// conditional writes.
pub(super) async fn run(context: &Context, out: &mut Diagnosis) -> Result<()> {
    let store = &*context.store;
    let key = keys::probe(&context.ids.hex()?)?;
    let body = Bytes::from_static(b"probe");
    if let Err(error) = store.put(&key, body, Precondition::Absent).await {
        let code = match error.kind() {
            ErrorKind::Denied => "write-denied",
            _ => "write-failed",
        };
        out.findings
            .push(told(Severity::Error, code, store.describe(), &error));
        out.facts.push(("writing", "does not work".to_owned()));
        return Ok(());
    }
    out.facts.push(("writing", "works".to_owned()));
    if let Err(error) = store.get(&key, Want::all()).await {
        let finding = told(Severity::Error, "read-denied", store.describe(), &error);
        out.findings.push(finding);
    }
    clock(context, &key, out).await;
    match store.delete(&key).await {
        Ok(()) => out.facts.push(("deleting", "works".to_owned())),
        Err(error) => {
            let severity = match error.kind() {
                ErrorKind::Denied => Severity::Warning,
                _ => Severity::Error,
            };
            out.facts.push(("deleting", "does not work".to_owned()));
            out.findings
                .push(told(severity, "delete-denied", key.as_str(), &error));
        }
    }
    parts(context, out).await?;
    promises(context, out).await
}

/// Has many writers race for scratch files, where the promise must be tried.
async fn promises(context: &Context, out: &mut Diagnosis) -> Result<()> {
    let store = &*context.store;
    let declared = store.capabilities();
    if declared.conditional_put == ConditionalPut::Version && !declared.probe {
        return Ok(());
    }
    let broken = match examine(store, &*context.ids, Effort::THOROUGH).await {
        Ok(broken) => broken,
        Err(error) => {
            let finding = told(Severity::Error, "conditions", store.describe(), &error);
            out.findings.push(finding);
            return Ok(());
        }
    };
    let conditional = |promise| matches!(promise, Promise::Create | Promise::Swap);
    if !broken.iter().any(|one| conditional(one.promise)) {
        out.facts
            .push(("conditional writes", "kept, as just tried".to_owned()));
    } else if context.lease {
        out.facts
            .push(("conditional writes", lease::WARNING.to_owned()));
    }
    // Whether files can be deleted was said before.
    for one in broken.iter().filter(|one| one.promise != Promise::Delete) {
        let severity = if conditional(one.promise) && context.lease {
            Severity::Warning
        } else {
            Severity::Error
        };
        let reason = format!(
            "the store does not keep its promise ({}): {}",
            one.promise.name(),
            one.why
        );
        let finding = Finding::new(severity, "conditions", store.describe(), reason);
        out.findings.push(finding);
    }
    Ok(())
}

/// Compares the time at which the bucket says that it took the file with ours.
async fn clock(context: &Context, key: &Key, out: &mut Diagnosis) {
    let now = context.clock.now();
    let mut listing = context.store.list(key.as_str(), None);
    let there = match listing.next().await {
        Some(Ok(listed)) if listed.key == key.as_str() => listed.modified,
        Some(Err(error)) => {
            let place = context.store.describe();
            out.findings
                .push(told(Severity::Warning, "list-denied", place, &error));
            return;
        }
        _ => {
            let reason = "a file that was just written is not listed: gc and doctor may miss leftovers; pushes and fetches do not list";
            let finding = Finding::new(Severity::Warning, "late-listing", key.as_str(), reason);
            out.findings.push(finding);
            return;
        }
    };
    let skew = now - there;
    out.facts
        .push(("clock", format!("{skew} s ahead of the bucket's")));
    if skew.abs() > MAX_SKEW {
        let reason = format!(
            "the clock of this machine and that of the bucket are {} s apart; services refuse requests at 900",
            skew.abs()
        );
        let finding = Finding::new(
            Severity::Warning,
            "clock",
            "the clock of this machine",
            reason,
        );
        out.findings
            .push(finding.with_mend("set it, or let it be set by NTP"));
    }
}

/// Large packs go up in parts.
async fn parts(context: &Context, out: &mut Diagnosis) -> Result<()> {
    let store = &*context.store;
    let key = keys::probe(&context.ids.hex()?)?;
    let done = match store.begin(&key).await {
        Ok(upload) => upload.abort().await,
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        let finding = told(Severity::Warning, "parts-denied", key.as_str(), &error);
        out.findings.push(finding);
    }
    Ok(())
}
