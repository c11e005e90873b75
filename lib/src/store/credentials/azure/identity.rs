//! Managed identities: Azure gives its own machines and services one without any secret.

use super::{Access, Found, SCOPE};
use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::web::Web;
use crate::store::env::Env;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::Value;

/// Where a machine's metadata service is, unless `AZURE_POD_IDENTITY_AUTHORITY_HOST` says
/// otherwise.
const MACHINE: &str = "http://169.254.169.254";

/// The token of a managed identity: the one that `AZURE_CLIENT_ID` names, or the only one.
/// One request; with little patience where it goes to a machine's metadata service, which
/// most machines do not have. `None` if there is no such service, or it has no identity.
///
/// # Errors
///
/// [`ErrorKind::Denied`] if it refuses, [`ErrorKind::Unavailable`] if it cannot answer now,
/// [`ErrorKind::Invalid`] if it is set up wrongly.
pub(super) async fn managed(web: &Web, env: &dyn Env, now: i64) -> Result<Option<Found>> {
    let endpoint = env.var("IDENTITY_ENDPOINT");
    match endpoint.zip(env.var("IDENTITY_HEADER")) {
        Some((endpoint, header)) => of_service(web, env, now, &endpoint, &header)
            .await
            .map(Some),
        None => of_machine(web, env, now).await,
    }
}

/// App Service, Functions, Container Apps.
async fn of_service(
    web: &Web,
    env: &dyn Env,
    now: i64,
    endpoint: &str,
    header: &str,
) -> Result<Found> {
    let source = "the managed identity of the service";
    let header = HeaderValue::from_str(header).map_err(|_| {
        failed(
            ErrorKind::Invalid,
            source,
            "IDENTITY_HEADER holds odd characters",
        )
    })?;
    let request = Request::builder()
        .uri(question(endpoint, "2019-08-01", env))
        .header("x-identity-header", header)
        .body(Bytes::new())
        .map_err(|_| {
            failed(
                ErrorKind::Invalid,
                source,
                "IDENTITY_ENDPOINT is no address",
            )
        })?;
    let answer = web.near().send(request).await;
    let answer = answer.map_err(|error| error.context(format_args!("cannot ask {source}")))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(refused(status, source));
    }
    read(&answer, now, source)
}

/// The metadata service of a machine.
async fn of_machine(web: &Web, env: &dyn Env, now: i64) -> Result<Option<Found>> {
    let source = "the managed identity of the machine";
    let host = env.var("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    let host = host.as_deref().unwrap_or(MACHINE).trim_end_matches('/');
    let endpoint = format!("{host}/metadata/identity/oauth2/token");
    let request = Request::builder()
        .uri(question(&endpoint, "2018-02-01", env))
        .header("metadata", "true")
        .body(Bytes::new())
        .map_err(|_| {
            let why = "AZURE_POD_IDENTITY_AUTHORITY_HOST is no address";
            failed(ErrorKind::Invalid, source, why)
        })?;
    let Ok(answer) = web.brief().send(request).await else {
        return Ok(None);
    };
    match answer.status() {
        // It is not Azure's (Amazon's answers 401, Google's 403 to those whom they do not
        // know), or the machine has no identity.
        StatusCode::BAD_REQUEST
        | StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
        status if !status.is_success() => Err(refused(status, source)),
        _ => read(&answer, now, source).map(Some),
    }
}

fn question(endpoint: &str, version: &str, env: &dyn Env) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("api-version", version);
    query.append_pair("resource", SCOPE);
    if let Some(client) = env.var("AZURE_CLIENT_ID") {
        query.append_pair("client_id", &client);
    }
    format!("{endpoint}?{}", query.finish())
}

fn read(answer: &Response<Bytes>, now: i64, source: &str) -> Result<Found> {
    let wrong = || failed(ErrorKind::Invalid, source, "it answered something else");
    let given: Value = serde_json::from_slice(answer.body()).map_err(|_| wrong())?;
    let token = given["access_token"].as_str().ok_or_else(wrong)?;
    // A number in text, at most services.
    let number = |name: &str| {
        let value = &given[name];
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let end = number("expires_on").or_else(|| Some(now.saturating_add(number("expires_in")?)));
    Access::bearer(token, end.ok_or_else(wrong)?, source)
}

fn refused(status: StatusCode, source: &str) -> Error {
    let now = status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::GONE].contains(&status);
    let kind = if now {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Denied
    };
    failed(kind, source, &format!("it answered {}", status.as_u16()))
}

fn failed(kind: ErrorKind, source: &str, why: &str) -> Error {
    Error::new(kind, format!("cannot get a token from {source}: {why}"))
}
