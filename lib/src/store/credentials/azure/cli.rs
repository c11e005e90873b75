//! Who is signed in with the Azure CLI.

use super::{Access, Found, SCOPE};
use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::said;
use crate::store::env::Env;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Stdio;

const SOURCE: &str = "the Azure CLI";

/// Seconds for which a token is kept if the CLI, an old one, tells its end in local time only.
const UNTOLD: i64 = 600;

#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "accessToken")]
    access_token: String,
    /// Seconds since 1970; since version 2.54.
    #[serde(default)]
    expires_on: Option<i64>,
}

/// Asks the CLI for a token; `None` if it is not installed.
///
/// # Errors
///
/// [`ErrorKind::Denied`] if nobody is signed in; [`ErrorKind::Invalid`] if it cannot be run
/// or prints something else.
#[expect(clippy::disallowed_methods, reason = "runs the Azure CLI")]
pub(super) async fn signed_in(env: &dyn Env, now: i64) -> Result<Option<Found>> {
    let failed =
        |kind, why: &str| Error::new(kind, format!("cannot get a token from {SOURCE}: {why}"));
    let Some(program) = program(env) else {
        return Ok(None);
    };
    let output = tokio::process::Command::new(program)
        .args(["account", "get-access-token", "--output", "json"])
        .args(["--resource", SCOPE])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(ErrorKind::Invalid, &format!("it cannot be run: {error}")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let why = said(complaint.trim());
        return Err(failed(ErrorKind::Denied, &why).with_hint("sign in: az login"));
    }
    // The parser's own words may repeat what was printed.
    let printed: Printed = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed(ErrorKind::Invalid, "it printed something else"))?;
    let end = printed.expires_on.unwrap_or(now.saturating_add(UNTOLD));
    Access::bearer(&printed.access_token, end, SOURCE).map(Some)
}

/// Where the program is, by `PATH`.
fn program(env: &dyn Env) -> Option<PathBuf> {
    let name = if cfg!(windows) { "az.cmd" } else { "az" };
    let path = env.var("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}
