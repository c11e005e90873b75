//! The locking API of Git LFS: what is asked, and what is answered.
//!
//! As `docs/api/locking.md` of git-lfs has it. A lock holds on every branch, so the ref that
//! is sent along is not looked at; all locks come on one page.

use crate::commands::log;
use pail::large_files::locks::{Lock, Locked, Unlocked};
use pail::{Error, ErrorKind, Remote};
use serde::Deserialize;
use serde_json::{Value, json};

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Lock a path.
    Lock { path: String },
    /// Free what has this id.
    Unlock { id: String, force: bool },
    /// All locks, or that of one path or id.
    List {
        path: Option<String>,
        id: Option<String>,
    },
    /// All locks, told apart by whose they are.
    Verify,
}

/// A status, and a body of JSON.
pub(super) type Answer = (u16, Value);

/// Reads a request. `path` is what follows the address of the service.
///
/// # Errors
///
/// The answer to a request that is none of the API.
pub(super) fn ask(method: &str, path: &str, query: &str, body: &[u8]) -> Result<Ask, Answer> {
    #[derive(Deserialize)]
    struct LockBody {
        path: String,
    }
    #[derive(Deserialize)]
    struct UnlockBody {
        #[serde(default)]
        force: bool,
    }
    let bad = |error: serde_json::Error| (422, message(&format!("no such request: {error}")));
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, &parts[..]) {
        ("POST", ["locks"]) => {
            let body: LockBody = serde_json::from_slice(body).map_err(bad)?;
            Ok(Ask::Lock { path: body.path })
        }
        ("POST", ["locks", "verify"]) => Ok(Ask::Verify),
        ("POST", ["locks", id, "unlock"]) => {
            let body: UnlockBody = serde_json::from_slice(body).map_err(bad)?;
            Ok(Ask::Unlock {
                id: (*id).to_owned(),
                force: body.force,
            })
        }
        ("GET", ["locks"]) => {
            let value = |name: &str| {
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                let found = pairs.find(|(key, _)| key == name);
                found.map(|(_, value)| value.into_owned())
            };
            Ok(Ask::List {
                path: value("path"),
                id: value("id"),
            })
        }
        _ => Err((404, message("this is no request of the locking API"))),
    }
}

/// Does what is asked.
pub(super) async fn answer(remote: &Remote, who: &str, ask: Ask) -> Answer {
    match done(remote, who, ask).await {
        Ok(answer) => answer,
        Err(error) => (status(&error), failure(&error)),
    }
}

async fn done(remote: &Remote, who: &str, ask: Ask) -> pail::Result<Answer> {
    Ok(match ask {
        Ask::Lock { path } => match remote.lock(&path, who).await? {
            Locked::Taken(lock) => (201, json!({"lock": shown(&lock)})),
            Locked::Held(lock) => {
                let why = format!(
                    "already locked by {} since {}",
                    lock.owner,
                    log::time(lock.time)
                );
                (409, json!({"lock": shown(&lock), "message": why}))
            }
        },
        Ask::Unlock { id, force } => match remote.unlock(&id, who, force).await? {
            Unlocked::Freed(lock) => (200, json!({"lock": shown(&lock)})),
            Unlocked::Theirs(lock) => {
                let why = format!(
                    "{} is locked by {}; --force frees it",
                    lock.path, lock.owner
                );
                (403, message(&why))
            }
            Unlocked::Absent => (404, message("there is no such lock; it was freed perhaps")),
        },
        Ask::List { path, id } => {
            let locks = remote.locks().await?;
            let wanted = |lock: &&Lock| {
                path.as_ref().is_none_or(|path| lock.path == *path)
                    && id.as_ref().is_none_or(|id| lock.id == *id)
            };
            let locks: Vec<Value> = locks.iter().filter(wanted).map(shown).collect();
            (200, json!({"locks": locks}))
        }
        Ask::Verify => {
            let locks = remote.locks().await?;
            let (ours, theirs): (Vec<&Lock>, Vec<&Lock>) =
                locks.iter().partition(|lock| lock.is_of(who));
            let all = |list: Vec<&Lock>| list.into_iter().map(shown).collect::<Vec<Value>>();
            (200, json!({"ours": all(ours), "theirs": all(theirs)}))
        }
    })
}

fn shown(lock: &Lock) -> Value {
    json!({
        "id": lock.id,
        "path": lock.path,
        "locked_at": log::time(lock.time),
        "owner": {"name": lock.owner},
    })
}

pub(super) fn message(text: &str) -> Value {
    json!({"message": text})
}

/// What git-lfs shows of an error is its message alone.
fn failure(error: &Error) -> Value {
    match error.hint() {
        Some(hint) => message(&format!("{error} ({hint})")),
        None => message(&error.to_string()),
    }
}

/// Git-lfs asks again by itself after some of the others, which helps nobody here.
fn status(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::Denied => 403,
        ErrorKind::Missing => 404,
        ErrorKind::Invalid | ErrorKind::Unsupported => 422,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_those_of_the_specification() {
        let body = br#"{"path":"foo/bar.zip","ref":{"name":"refs/heads/my-feature"}}"#;
        let path = "foo/bar.zip".to_owned();
        assert_eq!(ask("POST", "/locks", "", body), Ok(Ask::Lock { path }));
        let asked = ask("GET", "/locks", "path=foo%2Fbar.zip&limit=1&refspec=r", b"");
        let path = Some("foo/bar.zip".to_owned());
        assert_eq!(asked, Ok(Ask::List { path, id: None }));
        let all = Ask::List {
            path: None,
            id: None,
        };
        assert_eq!(ask("GET", "/locks", "", b""), Ok(all));
        assert_eq!(ask("POST", "/locks/verify", "", b"{}"), Ok(Ask::Verify));
        let body = br#"{"force":true,"ref":{"name":"refs/heads/my-feature"}}"#;
        let id = "some-uuid".to_owned();
        let unlock = Ask::Unlock { id, force: true };
        assert_eq!(ask("POST", "/locks/some-uuid/unlock", "", body), Ok(unlock));
    }

    #[test]
    fn what_is_no_request_is_answered_so() {
        let status = |method, path, body| ask(method, path, "", body).unwrap_err().0;
        assert_eq!(status("POST", "/locks", b"{"), 422);
        assert_eq!(status("POST", "/locks/1/unlock", br#"{"force":1}"#), 422);
        assert_eq!(status("DELETE", "/locks", b""), 404);
        assert_eq!(status("POST", "/objects/batch", b"{}"), 404);
    }
}
