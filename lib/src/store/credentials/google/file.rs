//! The file of credentials: <https://google.aip.dev/auth/4110> and the pages beside it.

use super::external::ExternalAccount;
use super::impersonation::Impersonation;
use super::oauth;
use super::service_account::ServiceAccount;
use super::{Around, Found, found};
use crate::error::{Error, ErrorKind, IoContext, Result};
use serde::Deserialize;
use std::path::Path;

const TOKEN: &str = "https://oauth2.googleapis.com/token";

/// What such a file holds. Nothing of it is shown: most of it is secret.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Credentials {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(AuthorizedUser),
    ExternalAccount(Box<ExternalAccount>),
    ImpersonatedServiceAccount(Impersonated),
    #[serde(other)]
    Other,
}

/// A person's sign-on: <https://google.aip.dev/auth/4113>.
#[derive(Deserialize)]
pub(super) struct AuthorizedUser {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Option<String>,
}

/// Other credentials, which may act as a service account.
#[derive(Deserialize)]
pub(super) struct Impersonated {
    source_credentials: Box<Credentials>,
    service_account_impersonation_url: String,
    #[serde(default)]
    delegates: Vec<String>,
}

/// What the kinds have in common.
#[derive(Deserialize)]
struct Common {
    quota_project_id: Option<String>,
}

/// Reads the file, if it is there.
pub(super) async fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match tokio::fs::read(path).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).during(|| format!("read {}", path.display())),
    }
}

/// Gets a token by what a file says.
pub(super) async fn token(around: &Around, text: &[u8], path: &str) -> Result<Found> {
    // The parser's own words may repeat a value.
    let bad = |_| {
        let what = format!("cannot use {path}: it is no file of Google credentials");
        Error::new(ErrorKind::Invalid, what)
            .with_hint("make it again: gcloud auth application-default login")
    };
    let credentials: Credentials = serde_json::from_slice(text).map_err(bad)?;
    let common: Common = serde_json::from_slice(text).map_err(bad)?;
    let mut found = of(around, &credentials, path, super::SCOPE).await?;
    found.credential.project = common.quota_project_id;
    Ok(found)
}

async fn of(around: &Around, credentials: &Credentials, path: &str, scope: &str) -> Result<Found> {
    match credentials {
        Credentials::ServiceAccount(account) => account.token(around, path, scope).await,
        Credentials::AuthorizedUser(user) => user.token(around, path).await,
        Credentials::ExternalAccount(account) => account.token(around, path, scope).await,
        Credentials::ImpersonatedServiceAccount(other) => {
            let source = &other.source_credentials;
            // What a source may do beside taking on the role does not matter.
            let found = Box::pin(of(around, source, path, Impersonation::SCOPE)).await?;
            let impersonation = Impersonation {
                url: &other.service_account_impersonation_url,
                delegates: &other.delegates,
                lifetime: None,
            };
            impersonation.token(around, &found, scope).await
        }
        Credentials::Other => {
            let what = format!("cannot use {path}: this program does not know its type");
            Err(Error::new(ErrorKind::Unsupported, what).with_hint(
                "it knows service_account, authorized_user, external_account and impersonated_service_account",
            ))
        }
    }
}

impl AuthorizedUser {
    /// The scope is that of the sign-on.
    async fn token(&self, around: &Around, path: &str) -> Result<Found> {
        let origin = format!("{path} (sign-on of a user)");
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
        ];
        let url = self.token_uri.as_deref().unwrap_or(TOKEN);
        let granted = oauth::grant(around, url, &form, None, &origin).await?;
        found(&granted.access_token, granted.expires(around), origin)
    }
}
