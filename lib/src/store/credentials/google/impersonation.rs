//! Acting as a service account: <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>.

use super::oauth;
use super::{Around, Found, found};
use crate::error::{Error, ErrorKind, Result};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;

/// Who is to be acted as.
pub(super) struct Impersonation<'a> {
    pub(super) url: &'a str,
    pub(super) delegates: &'a [String],
    /// Seconds for which it is asked.
    pub(super) lifetime: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    access_token: String,
    expire_time: String,
}

impl Impersonation<'_> {
    /// What a token must be good for that is exchanged for another one.
    pub(super) const SCOPE: &'static str = "https://www.googleapis.com/auth/cloud-platform";

    /// The account, as the URL names it.
    pub(super) fn email(&self) -> &str {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        name.split(':').next().unwrap_or_default()
    }

    pub(super) async fn token(&self, around: &Around, own: &Found, scope: &str) -> Result<Found> {
        let origin = format!("{}, as {}", own.origin, self.email());
        let body = json!({
            "delegates": self.delegates,
            "scope": [scope],
            "lifetime": format!("{}s", self.lifetime.unwrap_or(3600)),
        });
        let mut request = oauth::request(Method::POST, self.url, body.to_string())?;
        let kind = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        let bearer = format!("Bearer {}", own.credential.token.reveal());
        oauth::hidden(&mut request, AUTHORIZATION, &bearer)?;
        let answer = oauth::send(around, request, &origin).await;
        let answer = answer.map_err(|error| {
            let hint = "it needs roles/iam.serviceAccountTokenCreator on that account";
            match error.kind() {
                ErrorKind::Denied => Error::new(error.kind(), error.to_string()).with_hint(hint),
                _ => error,
            }
        })?;
        let generated: Generated = oauth::read(answer.body(), &origin)?;
        // An end that cannot be read is as good as now.
        let expires = generated.expire_time.parse::<jiff::Timestamp>();
        let expires = expires.map_or(0, jiff::Timestamp::as_second);
        found(&generated.access_token, Some(expires), origin)
    }
}
