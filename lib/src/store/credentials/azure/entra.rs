//! Tokens of Entra, Azure's directory of users: for a service principal with its secret, and
//! for a workload that shows the token of another directory.

use super::{Access, Found, SCOPE};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::credentials::said;
use crate::store::credentials::web::Web;
use crate::store::env::Env;
use crate::store::url::{is_loopback, plain_http};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use url::Url;

/// Where Entra is, unless `AZURE_AUTHORITY_HOST` says otherwise.
const AUTHORITY: &str = "https://login.microsoftonline.com";

#[derive(Deserialize)]
struct Given {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// The token of a service principal that the environment names, with its secret. One request.
pub(super) async fn secret(web: &Web, env: &dyn Env, now: i64) -> Result<Option<Found>> {
    let Some((tenant, client)) = principal(env) else {
        return Ok(None);
    };
    let Some(secret) = env.var("AZURE_CLIENT_SECRET").map(Secret::new) else {
        return Ok(None);
    };
    let form = [("client_secret", secret.reveal())];
    ask(
        web,
        env,
        now,
        (&tenant, &client),
        &form,
        "the service principal",
    )
    .await
}

/// The token of a workload identity that the environment names. The file is read anew each
/// time: what is in it changes. One request.
pub(super) async fn workload(web: &Web, env: &dyn Env, now: i64) -> Result<Option<Found>> {
    let Some((tenant, client)) = principal(env) else {
        return Ok(None);
    };
    let Some(file) = env.var("AZURE_FEDERATED_TOKEN_FILE") else {
        return Ok(None);
    };
    let token = tokio::fs::read_to_string(&file).await;
    let token = token.map_err(|error| {
        let what = format!("cannot read AZURE_FEDERATED_TOKEN_FILE {file}: {error}");
        Error::new(ErrorKind::Invalid, what)
    })?;
    let token = Secret::new(token.trim());
    let form = [
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", token.reveal()),
    ];
    ask(
        web,
        env,
        now,
        (&tenant, &client),
        &form,
        "the workload identity",
    )
    .await
}

fn principal(env: &dyn Env) -> Option<(String, String)> {
    env.var("AZURE_TENANT_ID").zip(env.var("AZURE_CLIENT_ID"))
}

async fn ask(
    web: &Web,
    env: &dyn Env,
    now: i64,
    (tenant, client): (&str, &str),
    form: &[(&str, &str)],
    who: &str,
) -> Result<Option<Found>> {
    let source = format!("{who} {client}");
    let failed =
        |kind, why: &str| Error::new(kind, format!("cannot get a token for {source}: {why}"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if !tenant.chars().all(plain) {
        return Err(failed(ErrorKind::Invalid, "AZURE_TENANT_ID is no tenant"));
    }
    let url = format!("{}/{tenant}/oauth2/v2.0/token", authority(env)?);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client)
        .append_pair("scope", &format!("{SCOPE}/.default"))
        .extend_pairs(form)
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(|_| failed(ErrorKind::Invalid, "AZURE_AUTHORITY_HOST is no address"))?;
    let answer = web.send(request).await;
    let answer =
        answer.map_err(|error| error.context(format_args!("cannot get a token for {source}")))?;
    let status = answer.status();
    if !status.is_success() {
        let now = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let kind = if now {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Denied
        };
        let why = match serde_json::from_slice::<Refused>(answer.body()) {
            // Behind the first line stand ids and the time.
            Ok(refused) => {
                let line = refused.error_description.lines().next().unwrap_or_default();
                said(&format!("{}: {line}", refused.error))
            }
            Err(_) => format!("the directory answered {}", status.as_u16()),
        };
        return Err(failed(kind, &why));
    }
    // The parser's own words may repeat what came.
    let given: Given = serde_json::from_slice(answer.body())
        .map_err(|_| failed(ErrorKind::Invalid, "the directory answered something else"))?;
    Access::bearer(
        &given.access_token,
        now.saturating_add(given.expires_in),
        &source,
    )
    .map(Some)
}

/// Where Entra is. Plain HTTP only on this machine: the secret goes there.
fn authority(env: &dyn Env) -> Result<String> {
    let Some(host) = env.var("AZURE_AUTHORITY_HOST") else {
        return Ok(AUTHORITY.to_owned());
    };
    let address = if host.contains("://") {
        host
    } else {
        format!("https://{host}")
    };
    let url = Url::parse(&address)
        .map_err(|_| Error::new(ErrorKind::Invalid, "AZURE_AUTHORITY_HOST is no address"))?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if url.scheme() != "https" && !is_loopback(host) {
        return Err(plain_http(host).context("cannot use AZURE_AUTHORITY_HOST"));
    }
    Ok(address.trim_end_matches('/').to_owned())
}
