//! The services that stand beside a program and know its credentials: a container's and a
//! machine's.

use super::{Credentials, Found};
use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::said;
use crate::store::credentials::web::Web;
use crate::store::env::Env;
use crate::store::url::is_loopback;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use url::Url;

/// Where a container's service is, if only a path is named.
const CONTAINER: &str = "http://169.254.170.2";

/// Hosts that may be told a token without encryption: they are on this machine.
const NEARBY: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Where a machine's service is.
const MACHINE: &str = "http://169.254.169.254";
const MACHINE_IPV6: &str = "http://[fd00:ec2::254]";

/// Below it, the names of roles, and below those their credentials.
const ROLES: &str = "latest/meta-data/iam/security-credentials/";

/// What both give.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// Whether the surroundings name a container's service.
pub(super) fn in_container(env: &dyn Env) -> bool {
    let names = [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    names.iter().any(|name| env.var(name).is_some())
}

/// Asks the container's service. One request.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it is set up wrongly, [`ErrorKind::Denied`] if it refuses,
/// [`ErrorKind::Unavailable`] if it cannot answer now.
pub(super) async fn container(web: &Web, env: &dyn Env) -> Result<Found> {
    let web = web.near();
    let source = "the container's service";
    let address = match env.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => format!("{CONTAINER}{path}"),
        None => nearby(
            &env.var("AWS_CONTAINER_CREDENTIALS_FULL_URI")
                .unwrap_or_default(),
        )?,
    };
    // A file is read anew each time: what is in it changes.
    let token = match env.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => {
            let text = tokio::fs::read_to_string(&file).await;
            let text = text.map_err(|error| {
                let why = format!("cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {error}");
                failed(ErrorKind::Invalid, source, &why)
            })?;
            Some(text)
        }
        None => env.var("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let mut request = Request::builder()
        .uri(&address)
        .body(Bytes::new())
        .map_err(|error| failed(ErrorKind::Invalid, source, &error.to_string()))?;
    if let Some(token) = token {
        let token = HeaderValue::from_str(token.trim());
        let token = token
            .map_err(|_| failed(ErrorKind::Invalid, source, "the token holds odd characters"))?;
        request
            .headers_mut()
            .insert(http::header::AUTHORIZATION, token);
    }
    let answer = web.send(request).await;
    let answer = answer.map_err(|error| error.context(format_args!("cannot ask {source}")))?;
    let status = answer.status();
    if !status.is_success() {
        let now = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let kind = if now {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Denied
        };
        return Err(failed(
            kind,
            source,
            &format!("it answered {}", status.as_u16()),
        ));
    }
    read(&answer, source)
}

fn nearby(address: &str) -> Result<String> {
    let wrong = |why: &str| {
        let what = format!("cannot use AWS_CONTAINER_CREDENTIALS_FULL_URI: {why}");
        Error::new(ErrorKind::Invalid, what)
    };
    let parsed = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
    let host = parsed.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match parsed.scheme() {
        "https" => Ok(address.to_owned()),
        "http" if is_loopback(host) || NEARBY.contains(&host) => Ok(address.to_owned()),
        _ => Err(wrong("it is neither https nor on this machine")),
    }
}

/// Whether the machine's metadata service may be asked.
pub(super) fn metadata_wanted(env: &dyn Env) -> bool {
    let disabled = env.var("AWS_EC2_METADATA_DISABLED");
    !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Asks the machine's metadata service (version 2), with little patience: most machines
/// have none. Three requests, or one that nobody answers; `None` if nobody does, or if
/// the machine has no role.
///
/// # Errors
///
/// [`ErrorKind::Denied`] if it is there and has no usable credentials for its role.
pub(super) async fn machine(web: &Web, env: &dyn Env) -> Result<Option<Found>> {
    let source = "the machine's metadata service";
    let mode = env.var("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    let usual = match mode {
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => MACHINE_IPV6,
        _ => MACHINE,
    };
    let address = env.var("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let address = address.unwrap_or_else(|| usual.to_owned());
    let address = address.trim_end_matches('/');
    let request = |method, path: &str, name: &'static str, value: &str| {
        Request::builder()
            .method(method)
            .uri(format!("{address}/{path}"))
            .header(name, value)
            .body(Bytes::new())
            .map_err(|error| failed(ErrorKind::Invalid, source, &error.to_string()))
    };
    let web = web.brief();
    let lives = "x-aws-ec2-metadata-token-ttl-seconds";
    let asked = web
        .send(request(Method::PUT, "latest/api/token", lives, "21600")?)
        .await;
    // No answer, or one of another cloud's service at this address: it is not there.
    let token = match asked {
        Ok(answer) if answer.status().is_success() => answer.into_body(),
        _ => return Ok(None),
    };
    let token = String::from_utf8_lossy(&token).into_owned();
    let name = "x-aws-ec2-metadata-token";
    let roles = web.send(request(Method::GET, ROLES, name, &token)?).await?;
    let roles = match roles.status() {
        status if status.is_success() => String::from_utf8_lossy(roles.body()).into_owned(),
        StatusCode::NOT_FOUND => return Ok(None),
        status => {
            let why = format!("it answered {}", status.as_u16());
            return Err(failed(ErrorKind::Denied, source, &why));
        }
    };
    let Some(role) = roles
        .lines()
        .next()
        .map(str::trim)
        .filter(|role| !role.is_empty())
    else {
        return Ok(None);
    };
    let answer = web
        .send(request(
            Method::GET,
            &format!("{ROLES}{role}"),
            name,
            &token,
        )?)
        .await?;
    if !answer.status().is_success() {
        let why = format!("it answered {}", answer.status().as_u16());
        return Err(failed(ErrorKind::Denied, source, &why));
    }
    let source = format!("{source}, role {}", said(role));
    read(&answer, &source).map(Some)
}

/// Reads what either gives. A machine's service says what is wrong with status 200.
fn read(answer: &Response<Bytes>, source: &str) -> Result<Found> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wrong {
        code: String,
        #[serde(default)]
        message: String,
    }
    if let Ok(wrong) = serde_json::from_slice::<Wrong>(answer.body())
        && wrong.code != "Success"
    {
        let why = said(&format!("{} {}", wrong.code, wrong.message));
        return Err(failed(ErrorKind::Denied, source, &why));
    }
    let nonsense = || failed(ErrorKind::Unavailable, source, "the answer makes no sense");
    let given: Given = serde_json::from_slice(answer.body()).map_err(|_| nonsense())?;
    let end = given.expiration.parse::<jiff::Timestamp>();
    let end = end.map_err(|_| nonsense())?.as_second();
    let (id, secret) = (&given.access_key_id, &given.secret_access_key);
    Credentials::checked(id, secret, Some(&given.token), Some(end), source)
}

fn failed(kind: ErrorKind, source: &str, why: &str) -> Error {
    Error::new(kind, format!("cannot get credentials from {source}: {why}"))
}
