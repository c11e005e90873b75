//! Single sign-on: a token that `aws sso login` left behind buys the credentials of a role.

use super::profile::Profiles;
use super::sts::suffix;
use super::{Credentials, Found};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::credentials::web::Web;
use crate::store::env::Env;
use crate::store::options::is_region;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use std::path::{Path, PathBuf};

/// Seconds before its end at which the token is renewed.
const MARGIN: i64 = 60;

/// What a profile says of its single sign-on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignOn {
    profile: String,
    account: String,
    role: String,
    region: String,
    /// What the file of the token is named after: the session, or in older profiles the
    /// address of the portal.
    named: String,
    /// Whether the token may be renewed: those of older profiles cannot.
    renewable: bool,
}

impl SignOn {
    /// Reads it from a profile and its `sso-session` section.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if something is missing.
    pub(super) fn of(profiles: &Profiles, name: &str) -> Result<Self> {
        let lacks = |what: &str| {
            let text = format!("cannot use profile '{name}': it has no usable {what}");
            Error::new(ErrorKind::Invalid, text).with_hint(format!(
                "set it up again: aws configure sso --profile {name}"
            ))
        };
        let section = profiles.get(name);
        let own = |what: &str| section.and_then(|section| section.value(what));
        let session = own("sso_session");
        if session.is_some() && profiles.session_of(name).is_none() {
            return Err(lacks("sso-session"));
        }
        let value = |what: &str| {
            let outer = || {
                profiles
                    .session_of(name)
                    .and_then(|session| session.value(what))
            };
            own(what).or_else(outer).ok_or_else(|| lacks(what))
        };
        let region = value("sso_region")?;
        if !is_region(region) {
            return Err(lacks("sso_region"));
        }
        let start_url = value("sso_start_url")?;
        Ok(Self {
            profile: name.to_owned(),
            account: value("sso_account_id")?.to_owned(),
            role: value("sso_role_name")?.to_owned(),
            region: region.to_owned(),
            named: session.unwrap_or(start_url).to_owned(),
            renewable: session.is_some(),
        })
    }

    /// Gets credentials of the role: one request, and one more if the token must be renewed
    /// first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if nobody is signed on any more.
    pub(super) async fn credentials(&self, web: &Web, env: &dyn Env, now: i64) -> Result<Found> {
        let token = self.token(web, env, now).await?;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("role_name", &self.role)
            .append_pair("account_id", &self.account)
            .finish();
        let portal = self.address(env, "AWS_ENDPOINT_URL_SSO", "portal.sso");
        let request = Request::builder()
            .uri(format!("{portal}/federation/credentials?{query}"))
            .header("x-amz-sso_bearer_token", &token)
            .body(Bytes::new())
            .map_err(|_| self.failed(ErrorKind::Invalid, "the token or the address is unusable"))?;
        let answer = self.send(web, request).await?;
        let given: Given = serde_json::from_slice(answer.body()).map_err(|_| self.nonsense())?;
        let given = given.role_credentials;
        let source = format!("profile '{}', single sign-on", self.profile);
        let (id, secret) = (&given.access_key_id, &given.secret_access_key);
        let end = given.expiration / 1000;
        Credentials::checked(id, secret, Some(&given.session_token), Some(end), &source)
    }

    /// The token, from its file while it lasts.
    async fn token(&self, web: &Web, env: &dyn Env, now: i64) -> Result<String> {
        let path = self.file(env)?;
        let text = match tokio::fs::read(&path).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(self.over("nobody is signed on"));
            }
            Err(error) => return Err(error).during(|| format!("read {}", path.display())),
        };
        let kept: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|_| self.over("the token is unreadable"))?;
        let word = |name: &str| kept.get(name).and_then(Value::as_str);
        let end = |name: &str| word(name).and_then(time);
        let token = word("accessToken").ok_or_else(|| self.over("the token is unreadable"))?;
        let lasts = end("expiresAt").ok_or_else(|| self.over("the token is unreadable"))?;
        if lasts - MARGIN > now {
            return Ok(token.to_owned());
        }
        let parts = (word("clientId"), word("clientSecret"), word("refreshToken"));
        let registered = end("registrationExpiresAt").is_none_or(|end| end > now);
        match parts {
            (Some(client), Some(secret), Some(refresh)) if self.renewable && registered => {
                let body = json!({
                    "clientId": client,
                    "clientSecret": secret,
                    "grantType": "refresh_token",
                    "refreshToken": refresh,
                });
                let renewed = self.renew(web, env, &body).await?;
                let token = renewed.access_token.clone();
                self.keep(&path, kept, renewed, now).await?;
                Ok(token)
            }
            _ if lasts > now => Ok(token.to_owned()),
            _ => Err(self.over("the sign-on has run out")),
        }
    }

    async fn renew(&self, web: &Web, env: &dyn Env, body: &Value) -> Result<Renewed> {
        let oidc = self.address(env, "AWS_ENDPOINT_URL_SSO_OIDC", "oidc");
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{oidc}/token"))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|_| self.failed(ErrorKind::Invalid, "the address is unusable"))?;
        let answer = self.send(web, request).await?;
        serde_json::from_slice(answer.body()).map_err(|_| self.nonsense())
    }

    /// Leaves the new token where the AWS tools look for it: the old one may serve once
    /// only.
    async fn keep(
        &self,
        path: &Path,
        mut kept: Map<String, Value>,
        renewed: Renewed,
        now: i64,
    ) -> Result<()> {
        let end = jiff::Timestamp::from_second(now.saturating_add(renewed.expires_in));
        let end = end.map_err(|_| self.nonsense())?;
        kept.insert("accessToken".to_owned(), renewed.access_token.into());
        kept.insert("expiresAt".to_owned(), end.to_string().into());
        if let Some(refresh) = renewed.refresh_token {
            kept.insert("refreshToken".to_owned(), refresh.into());
        }
        let text = Value::Object(kept).to_string();
        let place = path.to_owned();
        let written = tokio::task::spawn_blocking(move || replace(&place, &text)).await;
        let written = written.map_err(|error| self.failed(ErrorKind::Local, &error.to_string()))?;
        written.during(|| format!("write {}", path.display()))
    }

    async fn send(&self, web: &Web, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let answer = web.send(request).await;
        let profile = &self.profile;
        let answer = answer
            .map_err(|error| error.context(format_args!("cannot use profile '{profile}'")))?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            // 400 is what an ended or used-up token to renew with gets.
            StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => {
                Err(self.over("the sign-on has run out"))
            }
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                let why = format!(
                    "the role {} of account {} is refused",
                    self.role, self.account
                );
                Err(self.failed(ErrorKind::Denied, &why))
            }
            status => {
                let why = format!("the service answered {}", status.as_u16());
                Err(self.failed(ErrorKind::Unavailable, &why))
            }
        }
    }

    fn file(&self, env: &dyn Env) -> Result<PathBuf> {
        let home = env.home();
        let home = home.ok_or_else(|| self.failed(ErrorKind::Invalid, "HOME is not set"))?;
        let hash = crate::oid::hex(&Sha1::digest(self.named.as_bytes()));
        Ok(home.join(".aws/sso/cache").join(format!("{hash}.json")))
    }

    fn address(&self, env: &dyn Env, variable: &str, host: &str) -> String {
        let usual = || format!("https://{host}.{}.{}", self.region, suffix(&self.region));
        let address = env.var(variable).unwrap_or_else(usual);
        address.trim_end_matches('/').to_owned()
    }

    fn failed(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(
            kind,
            format!("cannot use profile '{}': {why}", self.profile),
        )
    }

    fn nonsense(&self) -> Error {
        self.failed(
            ErrorKind::Unavailable,
            "the answer of the sign-on makes no sense",
        )
    }

    fn over(&self, why: &str) -> Error {
        let hint = format!("sign in again: aws sso login --profile {}", self.profile);
        self.failed(ErrorKind::Denied, why).with_hint(hint)
    }
}

/// Older versions of the AWS tools write `UTC` for `Z`.
fn time(text: &str) -> Option<i64> {
    let text = text.replace("UTC", "Z");
    Some(text.parse::<jiff::Timestamp>().ok()?.as_second())
}

/// Writes a file beside its place, for its owner only, and renames it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    std::fs::rename(&beside, path)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// Milliseconds since 1970.
    expiration: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewed {
    access_token: String,
    expires_in: i64,
    refresh_token: Option<String>,
}
