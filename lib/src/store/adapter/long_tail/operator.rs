//! From a place and the environment to an operator of opendal.

use super::transport::Transport;
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::http::Client;
use crate::store::url::LongTailLocation;
use crate::store::url::{Place, TailService as Service};
use crate::store::url::{is_loopback, plain_http};
use crate::store::{Env, Options};
use opendal::{HttpTransporter, OperationContext, Operator};
use url::Url;

/// Puts the settings of a service together; no request.
pub(super) fn build(
    location: &LongTailLocation,
    options: &Options,
    env: &dyn Env,
    client: Client,
) -> Result<Operator> {
    let service = location.service();
    let settings = settings(location, options, env)?;
    opendal::init_default_registry();
    let operator = Operator::via_iter(service.opendal, settings).map_err(|error| {
        let why = format!("cannot use {location}: {}", error.message());
        Error::new(ErrorKind::Invalid, why)
    })?;
    let context = OperationContext::default();
    let context = context.with_http_transport(HttpTransporter::new(Transport(client)));
    Ok(operator.with_context(context))
}

/// What opendal is told, by its own names.
fn settings(
    location: &LongTailLocation,
    options: &Options,
    env: &dyn Env,
) -> Result<Vec<(String, String)>> {
    let service = location.service();
    let mut out = place(location, options)?;
    for setting in service.settings {
        if out.iter().any(|(field, _)| field == setting.field) {
            continue;
        }
        match env.var(setting.variable) {
            Some(value) => out.push((setting.field.to_owned(), value)),
            None if setting.needed => return Err(missing(location, service, setting.variable)),
            None => {}
        }
    }
    Ok(out)
}

fn place(location: &LongTailLocation, options: &Options) -> Result<Vec<(String, String)>> {
    let service = location.service();
    let mut out = vec![("root".to_owned(), format!("/{}", location.folder))];
    let host = location.host.as_ref();
    let host = host.map_or("", |host| host.authority.as_str());
    let mut add = |field: &str, value: String| out.push((field.to_owned(), value));
    match service.place {
        Place::Host(scheme) => {
            add("endpoint", format!("{scheme}://{}", host));
            if let Some(user) = &location.user {
                add("username", user.clone());
            }
            if let Some(password) = &location.password {
                add("password", password.reveal().to_owned());
            }
        }
        Place::Container(scheme) => {
            let account = &location.account;
            add("endpoint", format!("{scheme}://{}/{account}", host));
            add("container", location.bucket.clone());
        }
        Place::Bucket => {
            add("bucket", location.bucket.clone());
            if let Some(endpoint) = &options.endpoint {
                encrypted(endpoint, options.allow_http)?;
                add("endpoint", endpoint.clone());
            } else if service.opendal != "b2" {
                let why = format!("cannot use {location}: no endpoint is named");
                return Err(Error::new(ErrorKind::Invalid, why)
                    .with_hint("add it to the URL: ?endpoint=https://…"));
            }
        }
        Place::Account => {}
    }
    Ok(out)
}

/// Refuses plain HTTP to another machine, unless it is wanted.
fn encrypted(endpoint: &str, allow_http: bool) -> Result<()> {
    let url = Url::parse(endpoint).map_err(|error| {
        let why = format!("cannot use the option endpoint: it is no URL: {error}");
        Error::new(ErrorKind::Invalid, why)
    })?;
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "https" || allow_http || is_loopback(host.trim_matches(['[', ']'])) {
        return Ok(());
    }
    Err(plain_http(host))
}

fn missing(location: &LongTailLocation, service: &Service, variable: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("no credentials found for {location}: {variable} is not set"),
    )
    .with_hint(format!(
        "{} needs {}",
        service.name,
        service
            .settings
            .iter()
            .filter(|setting| setting.needed)
            .map(|setting| setting.variable)
            .collect::<Vec<_>>()
            .join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::encrypted;

    #[test]
    fn an_endpoint_without_encryption_is_this_machine_or_wanted() {
        for (endpoint, allow, fine) in [
            ("https://oss.example", false, true),
            ("http://127.0.0.1:9000", false, true),
            ("http://[::1]:9000", false, true),
            ("http://oss.example", true, true),
            ("http://oss.example", false, false),
            ("nothing", false, false),
        ] {
            assert_eq!(encrypted(endpoint, allow).is_ok(), fine, "{endpoint}");
        }
    }
}
