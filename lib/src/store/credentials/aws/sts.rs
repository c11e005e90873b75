//! The service that hands out credentials of roles (STS).

use super::chain::Role;
use super::{Credentials, Found};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::adapter::signing::sign;
use crate::store::credentials::said;
use crate::store::credentials::web::Web;
use crate::store::env::Env;
use crate::store::options::is_region;
use bytes::Bytes;
use http::{Method, Request, header};
use serde::Deserialize;

/// What a role is asked for with.
pub(super) enum With<'a> {
    /// Credentials that may take it on.
    Keys(&'a Credentials),
    /// A token of a provider of identities.
    Token(Secret),
}

/// Where the service is, and the region that a request is signed for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) address: String,
    pub(super) region: String,
}

impl Service {
    /// The service of a region; the old one for all of them where no region is known or
    /// the settings ask for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the region is no name.
    pub(super) fn find(env: &dyn Env, region: Option<&str>, legacy: bool) -> Result<Self> {
        let global = "us-east-1";
        if let Some(region) = region.filter(|region| !is_region(region)) {
            let what = format!("'{}' is no name of a region", region.escape_debug());
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        if let Some(address) = env.var("AWS_ENDPOINT_URL_STS") {
            return Ok(Self {
                address,
                region: region.unwrap_or(global).to_owned(),
            });
        }
        Ok(match region {
            Some(region) if !legacy => Self {
                address: format!("https://sts.{region}.{}", suffix(region)),
                region: region.to_owned(),
            },
            _ => Self {
                address: "https://sts.amazonaws.com".to_owned(),
                region: global.to_owned(),
            },
        })
    }

    /// Takes on a role. One request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if the service refuses, [`ErrorKind::Unavailable`] if it cannot
    /// answer now.
    pub(super) async fn assume(&self, web: &Web, role: &Role, with: &With<'_>) -> Result<Found> {
        let failed = |kind, why: &str| {
            Error::new(kind, format!("cannot take on the role {}: {why}", role.arn))
        };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.address.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form(role, with)))
            .map_err(|error| failed(ErrorKind::Invalid, &error.to_string()))?;
        if let With::Keys(keys) = with {
            request = sign(request, keys, "sts", &self.region)?;
        }
        let answer = web.send(request).await;
        let answer = answer
            .map_err(|error| error.context(format_args!("cannot take on the role {}", role.arn)))?;
        let status = answer.status();
        let body = String::from_utf8_lossy(answer.body());
        if !status.is_success() {
            let (code, message) = match quick_xml::de::from_str::<Refused>(&body) {
                Ok(refused) => (refused.error.code, refused.error.message),
                Err(_) => (format!("status {}", status.as_u16()), String::new()),
            };
            let now = status.is_server_error()
                || status.as_u16() == 429
                || [
                    "Throttling",
                    "RequestLimitExceeded",
                    "IDPCommunicationError",
                ]
                .contains(&&*code);
            let kind = if now {
                ErrorKind::Unavailable
            } else {
                ErrorKind::Denied
            };
            let text = format!("{code} {message}");
            let text = match with {
                With::Token(token) => text.replace(token.reveal(), "…"),
                With::Keys(_) => text,
            };
            return Err(failed(kind, &said(&text)));
        }
        let nonsense = || failed(ErrorKind::Unavailable, "the answer makes no sense");
        let answer: Answer = quick_xml::de::from_str(&body).map_err(|_| nonsense())?;
        let given = answer.result.credentials;
        let end = given.expiration.parse::<jiff::Timestamp>();
        let end = end.map_err(|_| nonsense())?.as_second();
        let (id, secret) = (&given.access_key_id, &given.secret_access_key);
        let source = format!("the role {}", role.arn);
        Credentials::checked(id, secret, Some(&given.session_token), Some(end), &source)
    }
}

fn form(role: &Role, with: &With<'_>) -> String {
    let action = match with {
        With::Keys(_) => "AssumeRole",
        With::Token(_) => "AssumeRoleWithWebIdentity",
    };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &role.arn)
        .append_pair("RoleSessionName", &role.session);
    if let Some(id) = &role.external_id {
        form.append_pair("ExternalId", id);
    }
    if let Some(seconds) = role.duration {
        form.append_pair("DurationSeconds", &seconds.to_string());
    }
    if let With::Token(token) = with {
        form.append_pair("WebIdentityToken", token.reveal());
    }
    form.finish()
}

/// The end of the host names of AWS in a region.
pub(super) fn suffix(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let found = partitions
        .iter()
        .find(|(begin, _)| region.starts_with(begin));
    found.map_or("amazonaws.com", |(_, suffix)| suffix)
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "AssumeRoleResult", alias = "AssumeRoleWithWebIdentityResult")]
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    credentials: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "Error")]
    error: Reason,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}
