//! What git's own credential helpers know, asked last.
//!
//! `git credential fill` asks the helpers that the user has configured, and then the user,
//! where there is a terminal and `GIT_TERMINAL_PROMPT` allows it. What a service accepts or
//! refuses is told to the helpers, as git does for its own remotes.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncWriteExt;
use url::Url;

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Login {
    pub(in crate::store) username: String,
    pub(in crate::store) password: Secret,
}

/// Asks git about one address, and tells it how that went.
#[derive(Debug, Default)]
pub(in crate::store) struct Helpers {
    /// What git said and the service has not judged yet.
    open: Mutex<Option<Secret>>,
}

impl Helpers {
    /// Asks git for the login of an address; `None` if neither a helper nor a user gives one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if git cannot be run.
    pub(in crate::store) async fn fill(&self, address: &str) -> Result<Option<Login>> {
        let Some(question) = question(address) else {
            return Ok(None);
        };
        let Some(said) = git("fill", &question).await? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let lines = said.lines().filter_map(|line| line.split_once('='));
            let mut named = lines.filter(|(key, _)| *key == name);
            named.next_back().map(|(_, value)| value.to_owned())
        };
        let login = value("username").zip(value("password"));
        let login = login.filter(|(name, word)| !name.is_empty() && !word.is_empty());
        let Some((username, password)) = login else {
            return Ok(None);
        };
        *self.open() = Some(Secret::new(said));
        Ok(Some(Login {
            username,
            password: Secret::new(password),
        }))
    }

    /// The service took what git said: the helpers may keep it. Tells them once.
    pub(in crate::store) async fn accepted(&self) {
        self.tell("approve").await;
    }

    /// The service did not: the helpers must forget it, so that the user is asked again.
    pub(in crate::store) async fn refused(&self) {
        self.tell("reject").await;
    }

    async fn tell(&self, verdict: &str) {
        let open = self.open().take();
        if let Some(said) = open {
            // A helper that cannot be told costs the user a question, later.
            let _ = git(verdict, said.reveal()).await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Secret>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address in the words of git-credential. It drops the path itself unless
/// `credential.useHttpPath` is set.
fn question(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let path = url.path().trim_matches('/');
    let path = if path.is_empty() {
        String::new()
    } else {
        format!("path={path}\n")
    };
    Some(format!(
        "protocol={}\nhost={host}{port}\n{path}\n",
        url.scheme()
    ))
}

/// Runs `git credential`; `None` if it fails, which for `fill` means that nobody knows.
///
/// Secrets go through pipes only. What helpers say on standard error is not shown: with
/// nobody to ask, git would complain there where we go on.
#[expect(
    clippy::disallowed_methods,
    reason = "asks git's helpers; the local repository is a layer of its own"
)]
async fn git(verb: &str, input: &str) -> Result<Option<String>> {
    let failed = |error: std::io::Error| {
        let what = format!("cannot run git credential {verb}: {error}");
        Error::new(ErrorKind::Local, what).with_source(error)
    };
    let mut child = tokio::process::Command::new("git")
        .args(["credential", verb])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A git that ends early says so by its status.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(failed)?;
    if !output.status.success() {
        return Ok(None);
    }
    Ok(String::from_utf8(output.stdout).ok())
}

#[cfg(test)]
mod tests {
    use super::question;

    #[test]
    fn an_address_is_asked_for_as_git_asks() {
        // git-credential(1): protocol, host with its port, path; a blank line at the end.
        assert_eq!(
            question("https://minio.example:9000/team/x").as_deref(),
            Some("protocol=https\nhost=minio.example:9000\npath=team/x\n\n")
        );
        assert_eq!(
            question("http://127.0.0.1/").as_deref(),
            Some("protocol=http\nhost=127.0.0.1\n\n")
        );
        // A line break would be a line of its own.
        let split = question("https://host/a\nusername=x");
        assert_eq!(
            split.as_deref(),
            Some("protocol=https\nhost=host\npath=ausername=x\n\n")
        );
        assert_eq!(question("no address"), None);
    }
}
