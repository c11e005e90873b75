//! Another identity, exchanged for one of Google's (workload identity federation):
//! <https://google.aip.dev/auth/4117>.

use super::impersonation::Impersonation;
use super::oauth;
use super::subject::Subject;
use super::{Around, Found, found};
use crate::error::Result;
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(super) struct ExternalAccount {
    pub(super) audience: String,
    pub(super) subject_token_type: String,
    token_url: String,
    pub(super) credential_source: Subject,
    pub(super) service_account_impersonation_url: Option<String>,
    service_account_impersonation: Option<Lifetime>,
    client_id: Option<String>,
    client_secret: Option<String>,
    workforce_pool_user_project: Option<String>,
}

#[derive(Deserialize)]
struct Lifetime {
    token_lifetime_seconds: Option<u32>,
}

impl ExternalAccount {
    /// Gets the other identity's token and exchanges it, once or twice.
    pub(super) async fn token(&self, around: &Around, path: &str, scope: &str) -> Result<Found> {
        let (kind, subject) = self.credential_source.token(around, self, path).await?;
        let origin = format!("{path} (identity federation, {kind})");
        let impersonation = self.impersonation();
        let first = match impersonation {
            Some(_) => Impersonation::SCOPE,
            None => scope,
        };
        let own = self.exchange(around, &subject, first, origin).await?;
        match impersonation {
            Some(impersonation) => impersonation.token(around, &own, scope).await,
            None => Ok(own),
        }
    }

    pub(super) fn impersonation(&self) -> Option<Impersonation<'_>> {
        let lifetime = self.service_account_impersonation.as_ref();
        Some(Impersonation {
            url: self.service_account_impersonation_url.as_deref()?,
            delegates: &[],
            lifetime: lifetime.and_then(|lifetime| lifetime.token_lifetime_seconds),
        })
    }

    /// RFC 8693, as <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>.
    async fn exchange(
        &self,
        around: &Around,
        subject: &Secret,
        scope: &str,
        origin: String,
    ) -> Result<Found> {
        let project = self.workforce_pool_user_project.as_deref();
        let options = project.map(|project| json!({ "userProject": project }).to_string());
        let mut form = vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            (
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
            ("audience", self.audience.as_str()),
            ("scope", scope),
            ("subject_token_type", &self.subject_token_type),
            ("subject_token", subject.reveal()),
        ];
        // A client that names itself needs no project.
        let client = self.client_id.as_deref().zip(self.client_secret.as_deref());
        let basic = client.map(|(id, secret)| {
            let pair = BASE64_STANDARD.encode(format!("{id}:{secret}"));
            Secret::new(format!("Basic {pair}"))
        });
        if let (Some(options), None) = (&options, &basic) {
            form.push(("options", options));
        }
        let granted = oauth::grant(around, &self.token_url, &form, basic.as_ref(), &origin).await?;
        found(&granted.access_token, granted.expires(around), origin)
    }
}
