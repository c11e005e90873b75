//! Where the tokens for Google come from, in order: what Google calls application default
//! credentials (<https://cloud.google.com/docs/authentication/application-default-credentials>),
//! and before them a token that somebody has fetched already.
//!
//! 1. `GOOGLE_OAUTH_ACCESS_TOKEN`.
//! 2. The file that `GOOGLE_APPLICATION_CREDENTIALS` names.
//! 3. gcloud's own file, `application_default_credentials.json` in `CLOUDSDK_CONFIG` or
//!    `~/.config/gcloud`.
//! 4. The machine's metadata service, unless `NO_GCE_CHECK=true`.
//!
//! A file holds a key of a service account, a person's sign-on, or the description of how
//! another identity is exchanged for one of Google's ([`file`]). A source that is set up and
//! fails ends the search: taking the next one would act under another name than the user
//! meant.

mod executable;
mod external;
mod file;
mod impersonation;
mod metadata;
mod oauth;
mod service_account;
mod subject;
#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::http::Client;
use crate::store::credentials::{self, Kept};
use crate::store::env::Env;
use std::path::PathBuf;
use std::sync::Arc;

/// What a token may be used for: buckets, and nothing else of the account.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.full_control";

type Found = credentials::Found<Token>;

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Token {
    /// The bearer token.
    pub(in crate::store) token: Secret,
    /// The project that the credentials name to be billed.
    pub(in crate::store) project: Option<String>,
}

/// Finds a token when one is first needed, and again before it ends.
#[derive(Debug)]
pub(in crate::store) struct Source {
    anonymous: bool,
    around: Around,
    kept: Kept<Token>,
}

/// What the sources need of their surroundings.
#[derive(Debug, Clone)]
struct Around {
    client: Client,
    env: Arc<dyn Env>,
    clock: Arc<dyn Clock>,
}

impl Source {
    /// Remembers where to look; no I/O.
    pub(in crate::store) fn new(
        anonymous: bool,
        client: Client,
        env: Arc<dyn Env>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            anonymous,
            kept: Kept::new(Arc::clone(&clock)),
            around: Around { client, env, clock },
        }
    }

    /// The token, from memory while it lasts; `None` if requests are to go without one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if there is none, with what was tried, or if it is refused;
    /// [`ErrorKind::Invalid`] if a source is set up wrongly; [`ErrorKind::Unavailable`] if a
    /// service that hands them out does not answer.
    pub(in crate::store) async fn get(&self) -> Result<Option<Arc<Found>>> {
        if self.anonymous {
            return Ok(None);
        }
        let found = Box::pin(self.kept.get(self.find())).await?;
        found.map(Some).ok_or_else(|| self.none())
    }

    /// The service does not know this token. Gives whether the request is worth repeating
    /// with another one.
    pub(in crate::store) async fn ended(&self, token: &Token) -> bool {
        self.kept.ended(|kept| kept == token).await
    }

    /// Where the newest one came from; `None` before a request needed one.
    pub(in crate::store) fn origin(&self) -> Option<String> {
        self.kept.origin()
    }

    async fn find(&self) -> Result<Option<Found>> {
        let env = &*self.around.env;
        if let Some(token) = env.var("GOOGLE_OAUTH_ACCESS_TOKEN") {
            let origin = "the environment (GOOGLE_OAUTH_ACCESS_TOKEN)".to_owned();
            return found(&token, None, origin).map(Some);
        }
        if let Some(path) = env.var("GOOGLE_APPLICATION_CREDENTIALS") {
            let path = PathBuf::from(path);
            let text = file::read(&path).await?;
            let Some(text) = text else {
                let what = format!("cannot read {}: no such file", path.display());
                return Err(Error::new(ErrorKind::Invalid, what)
                    .with_hint("check GOOGLE_APPLICATION_CREDENTIALS"));
            };
            return file::token(&self.around, &text, &path.display().to_string())
                .await
                .map(Some);
        }
        if let Some(path) = well_known(env)
            && let Some(text) = file::read(&path).await?
        {
            return file::token(&self.around, &text, &path.display().to_string())
                .await
                .map(Some);
        }
        if metadata_wanted(env) {
            return metadata::token(&self.around).await;
        }
        Ok(None)
    }

    fn none(&self) -> Error {
        let env = &*self.around.env;
        let file = well_known(env).map_or_else(String::new, |path| format!(", {}", path.display()));
        let metadata = if metadata_wanted(env) {
            ", the machine's metadata service"
        } else {
            ""
        };
        Error::new(ErrorKind::Denied, "no credentials found for Google").with_hint(format!(
            "sign in: gcloud auth application-default login (tried: the environment \
             (GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS){file}{metadata}); \
             a public bucket is read with ?anonymous=true"
        ))
    }
}

/// gcloud's file.
fn well_known(env: &dyn Env) -> Option<PathBuf> {
    let folder = if let Some(folder) = env.var("CLOUDSDK_CONFIG") {
        PathBuf::from(folder)
    } else if cfg!(windows) {
        PathBuf::from(env.var("APPDATA")?).join("gcloud")
    } else {
        env.home()?.join(".config").join("gcloud")
    };
    Some(folder.join("application_default_credentials.json"))
}

/// As Google's libraries name it.
fn metadata_wanted(env: &dyn Env) -> bool {
    let disabled = env.var("NO_GCE_CHECK");
    !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// A token that came in as text.
fn found(token: &str, expires: Option<i64>, origin: String) -> Result<Found> {
    let token = token.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        let what =
            format!("cannot use the token from {origin}: it is empty or holds odd characters");
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    Ok(Found {
        credential: Token {
            token: Secret::new(token),
            project: None,
        },
        expires,
        origin,
    })
}
