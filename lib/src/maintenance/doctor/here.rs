//! What dead transfers left on this machine: packs on their way up and down, folders of work.

use super::{Diagnosis, Finding, Severity, Visit};
use crate::error::Result;
use crate::large_files::leftovers as large_files;
use crate::maintenance::workshop::{WORKSHOPS, Workshop};
use crate::transfer::Context;
use crate::transfer::leftovers::{self, Download, Keep, Spooled, Upload};
use std::path::Path;

/// The flag that removes what is old enough.
const REMOVE: &str = "`git pail doctor --remove-leftovers`";

/// Looks for leftovers, and removes them if that is asked for; those with something in the
/// bucket only if the bucket can be reached.
pub(super) async fn look(
    context: &Context,
    visit: &Visit,
    reachable: bool,
    out: &mut Diagnosis,
) -> Result<()> {
    let at = context.store.describe();
    let now = context.clock.now();
    let old = |time: i64| now.saturating_sub(time) >= visit.older_than;
    let goes = |time: i64| visit.remove_leftovers && old(time);
    if let Some(repository) = &visit.repository {
        for upload in leftovers::uploads(repository) {
            // What was for another bucket is removed where its parts can be, too.
            let ours = upload.location().is_none_or(|location| location == at);
            if goes(upload.made()) && ours && (reachable || upload.begun() == 0) {
                out.removed += 1 + upload.throw_away(&*context.store).await?;
            } else {
                out.findings.push(pack(&upload, &at, now, visit));
            }
        }
        for spool in leftovers::spools(repository) {
            if goes(spool.modified()) {
                spool.remove()?;
                out.removed += 1;
            } else {
                let is_old = old(spool.modified());
                out.findings.push(folder(&spool, is_old, now, visit));
            }
        }
    }
    if let Some(repository) = &visit.repository {
        for keep in leftovers::keeps(repository) {
            if goes(keep.modified()) {
                keep.remove()?;
                out.removed += 1;
            } else if old(keep.modified()) {
                out.findings.push(mark(&keep, now, visit));
            }
        }
    }
    for left in visit
        .large_files
        .iter()
        .flat_map(|folder| large_files::left(folder))
    {
        let ours = left.location().is_none_or(|location| location == at);
        if goes(left.modified()) && ours && (reachable || left.location().is_none()) {
            out.removed += 1 + left.throw_away(&*context.store).await?;
        } else {
            out.findings.push(object(&left, &at, now, visit));
        }
    }
    let shops = context.cache.folder().map(|folder| folder.join(WORKSHOPS));
    for work in shops.iter().flat_map(|folder| Workshop::left(folder)) {
        // Nobody is at work there, whatever its age.
        if visit.remove_leftovers {
            work.remove()?;
            out.removed += 1;
        } else {
            out.findings.push(workshop(&work, now));
        }
    }
    for one in leftovers::downloads(&context.cache) {
        if goes(one.modified()) {
            one.remove()?;
            out.removed += 1;
        } else {
            out.findings.push(download(&one, now, visit));
        }
    }
    Ok(())
}

/// A push that died left its pack: the next one takes it up, if it can be taken up.
fn pack(upload: &Upload, at: &str, now: i64, visit: &Visit) -> Finding {
    let (bytes, begun) = (upload.bytes(), upload.begun());
    let subject = shown(upload.folder());
    let Some(location) = upload.location() else {
        let reason = format!("{bytes} bytes of a push that died: no push will take them up");
        let finding = Finding::new(Severity::Warning, "kept-pack", subject, reason);
        return finding.with_mend(format!("{REMOVE}, or any push, removes them"));
    };
    let age = age(now, upload.made());
    let parts = match begun {
        0 => "nothing of it is known to be in the bucket".to_owned(),
        _ => format!("parts of {begun} of its files are in the bucket"),
    };
    let reason =
        format!("a pack of a push to {location} that died: {bytes} bytes, {age} old; {parts}");
    let finding = Finding::new(Severity::Note, "kept-pack", subject, reason);
    finding.with_mend(if location == at {
        let remove = remove(now, upload.made(), visit);
        format!("send it again, which goes on where that one stopped; or {remove}")
    } else {
        format!(
            "send it there again, which goes on where that one stopped; or {REMOVE} for that place"
        )
    })
}

/// Files on their way in or out, of a transfer that died or is slow.
fn folder(spool: &Spooled, is_old: bool, now: i64, visit: &Visit) -> Finding {
    let (bytes, age) = (spool.bytes(), age(now, spool.modified()));
    let subject = shown(spool.folder());
    let (severity, what) = if is_old {
        (Severity::Warning, "of a transfer that died")
    } else {
        (Severity::Note, "of a transfer that is under way or died")
    };
    let reason = format!("files {what}: {bytes} bytes, last written {age} ago");
    let finding = Finding::new(severity, "spool", subject, reason);
    let remove = remove(now, spool.modified(), visit);
    finding.with_mend(format!("{remove}; or `git prune`"))
}

/// A fetch that died left the mark that keeps its pack from being packed anew.
fn mark(keep: &Keep, now: i64, visit: &Visit) -> Finding {
    let age = age(now, keep.modified());
    let reason = format!(
        "a fetch that died {age} ago left this mark: git does not pack that pack anew while it is there"
    );
    let finding = Finding::new(Severity::Note, "kept-mark", shown(keep.file()), reason);
    finding.with_mend(remove(now, keep.modified(), visit))
}

/// Maintenance that was killed left what it worked on.
fn workshop(work: &Spooled, now: i64) -> Finding {
    let (bytes, age) = (work.bytes(), age(now, work.modified()));
    let reason = format!("{bytes} bytes of maintenance that was killed {age} ago");
    let finding = Finding::new(Severity::Note, "workshop", shown(work.folder()), reason);
    finding.with_mend(format!(
        "{REMOVE}, or the next maintenance of that repository"
    ))
}

/// A fetch or clone that died left what had come.
fn download(left: &Download, now: i64, visit: &Visit) -> Finding {
    let (bytes, age) = (left.bytes(), age(now, left.modified()));
    let reason = format!("{bytes} bytes of a pack that came in part, the last of them {age} ago");
    let subject = shown(left.file());
    let finding = Finding::new(Severity::Note, "kept-download", subject, reason);
    let remove = remove(now, left.modified(), visit);
    finding.with_mend(format!(
        "fetch or clone again, which asks only for the rest; or {remove}"
    ))
}

/// A transfer of a large file died: the next one goes on with it.
fn object(left: &large_files::Left, at: &str, now: i64, visit: &Visit) -> Finding {
    let (bytes, age) = (left.bytes(), age(now, left.modified()));
    let subject = shown(left.file());
    let remove = remove(now, left.modified(), visit);
    let Some(location) = left.location() else {
        let reason = format!("{bytes} bytes of a large file that came in part {age} ago");
        let finding = Finding::new(Severity::Note, "kept-object", subject, reason);
        return finding.with_mend(format!(
            "get it again, which asks only for the rest; or {remove}"
        ));
    };
    let reason = format!(
        "an upload of a large file to {location} that died {age} ago; its parts are in the bucket"
    );
    let finding = Finding::new(Severity::Note, "kept-upload", subject, reason);
    finding.with_mend(if location == at {
        format!("push again, which goes on where that one stopped; or {remove}")
    } else {
        format!(
            "push there again, which goes on where that one stopped; or {REMOVE} for that place"
        )
    })
}

/// How something of this time is removed.
fn remove(now: i64, time: i64, visit: &Visit) -> String {
    if now.saturating_sub(time) >= visit.older_than {
        REMOVE.to_owned()
    } else {
        format!("{REMOVE} with a smaller --older-than")
    }
}

/// A path that means the same in every folder.
fn shown(path: &Path) -> String {
    let whole = std::path::absolute(path);
    whole.as_deref().unwrap_or(path).display().to_string()
}

/// How long ago something was, in its largest whole unit.
fn age(now: i64, time: i64) -> String {
    match now.saturating_sub(time).max(0) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3_600 => format!("{} min", seconds / 60),
        seconds @ ..86_400 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_whole_unit() {
        let told = |seconds: i64| age(1_000_000 + seconds, 1_000_000);
        assert_eq!(told(-5), "0 s");
        assert_eq!(told(59), "59 s");
        assert_eq!(told(60), "1 min");
        assert_eq!(told(3_599), "59 min");
        assert_eq!(told(3_600), "1 h");
        assert_eq!(told(86_399), "23 h");
        assert_eq!(told(172_800), "2 d");
    }
}
