//! What dead transfers left on this machine and nobody took up.

use crate::clock::Clock;
use std::fs::{self, File};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// How long it stays, in seconds: two weeks.
const MAX_AGE: i64 = 14 * 24 * 60 * 60;

/// Removes it from a folder of ours, but for what somebody works on.
pub(super) fn tidy(folder: &Path, clock: &dyn Clock) {
    let now = clock.now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(is_ours);
        let age = entry.metadata().ok().map(|found| now - written(&found));
        if !ours || age.is_none_or(|age| age <= MAX_AGE) {
            continue;
        }
        let file = File::options().write(true).open(entry.path());
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is one that transfers make: their names begin with a SHA-256.
fn is_ours(name: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.get(..64).is_some_and(|sum| sum.bytes().all(digit))
}

fn written(metadata: &fs::Metadata) -> i64 {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
