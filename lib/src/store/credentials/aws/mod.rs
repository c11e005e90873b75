//! Where the secrets of an S3 service come from, in order.
//!
//! 1. The URL itself.
//! 2. `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, unless the URL names a profile.
//! 3. A web identity token (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), likewise.
//! 4. The profile that the URL or `AWS_PROFILE` names, or `default`: keys, single sign-on,
//!    or a `credential_process`.
//! 5. The container's service, unless the URL names a profile.
//! 6. The machine's metadata service, likewise, unless `AWS_EC2_METADATA_DISABLED=true`.
//!
//! A source that is set up and fails ends the search: taking the next one would act under
//! another name than the user meant.

pub(in crate::store) mod profile;
#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::credentials::bridge::Bridge;
use crate::store::credentials::{self, Kept, shortened};
use crate::store::env::Env;
use crate::store::url::S3Location;
use profile::Profiles;
use reqsign_aws_core::{
    AssumeRoleWithWebIdentityCredentialProvider, ECSCredentialProvider, IMDSv2CredentialProvider,
    ProcessCredentialProvider, ProfileCredentialProvider, SSOCredentialProvider,
};
use reqsign_core::ProvideCredential;
use std::sync::Arc;

type Found = credentials::Found<Credentials>;

/// What requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Credentials {
    pub(in crate::store) id: String,
    pub(in crate::store) secret: Secret,
    pub(in crate::store) token: Option<Secret>,
}

impl Credentials {
    /// Keys that came in as text, without what copying adds around them.
    fn checked(
        id: &str,
        secret: &str,
        token: Option<&str>,
        expires: Option<i64>,
        source: &str,
    ) -> Result<Found> {
        let (id, secret, token) = (id.trim(), secret.trim(), token.map(str::trim));
        let graphic = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        if ![Some(id), Some(secret), token]
            .into_iter()
            .flatten()
            .all(graphic)
        {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "cannot use the access key from {source}: it is empty or holds odd characters"
                ),
            ));
        }
        Ok(Found {
            credential: Self {
                id: id.to_owned(),
                secret: Secret::new(secret),
                token: token.map(Secret::new),
            },
            expires,
            origin: format!("{source} (key {})", shortened(id)),
        })
    }
}

/// Finds credentials when they are first needed, and again before they end.
#[derive(Debug)]
pub(in crate::store) struct Source {
    location: S3Location,
    env: Arc<dyn Env>,
    kept: Kept<Credentials>,
}

impl Source {
    /// Remembers where to look; no I/O.
    pub(in crate::store) fn new(
        location: S3Location,
        env: Arc<dyn Env>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            location,
            env,
            kept: Kept::new(clock),
        }
    }

    /// The credentials, from memory while they last.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if there are none, with what was tried; [`ErrorKind::Invalid`]
    /// if a source is set up wrongly; [`ErrorKind::Unavailable`] if a service that hands
    /// them out does not answer.
    pub(in crate::store) async fn get(&self) -> Result<Arc<Found>> {
        let found = self.kept.get(self.find()).await?;
        found.ok_or_else(|| self.none())
    }

    /// Where the newest ones came from; `None` before a request needed some.
    pub(in crate::store) fn origin(&self) -> Option<String> {
        self.kept.origin()
    }

    async fn find(&self) -> Result<Option<Found>> {
        if let Some(keys) = &self.location.keys {
            let (id, secret) = (keys.id.reveal(), keys.secret.reveal());
            return Credentials::checked(id, secret, None, None, "the URL").map(Some);
        }
        let named = self.location.profile().is_some();
        if !named && let Some(found) = self.in_env()? {
            return Ok(Some(found));
        }
        let bridge = Bridge::new(&self.env);
        let var = |name: &str| self.env.var(name).is_some();
        if !named && var("AWS_WEB_IDENTITY_TOKEN_FILE") && var("AWS_ROLE_ARN") {
            let provider = AssumeRoleWithWebIdentityCredentialProvider::default();
            return ask(&bridge, provider, "the web identity token").await;
        }
        if let Some(found) = self.in_profile(&bridge).await? {
            return Ok(Some(found));
        }
        if named {
            return Ok(None);
        }
        if var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            || var("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        {
            return ask(
                &bridge,
                ECSCredentialProvider::default(),
                "the container's service",
            )
            .await;
        }
        if self.metadata_wanted() {
            // No answer is the usual answer: most machines have no such service.
            let provider = IMDSv2CredentialProvider::default();
            let found = ask(&bridge.brief(), provider, "the machine's metadata service").await;
            return Ok(found.unwrap_or_default());
        }
        Ok(None)
    }

    fn metadata_wanted(&self) -> bool {
        let disabled = self.env.var("AWS_EC2_METADATA_DISABLED");
        !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn in_env(&self) -> Result<Option<Found>> {
        let id = self.env.var("AWS_ACCESS_KEY_ID");
        let secret = self.env.var("AWS_SECRET_ACCESS_KEY");
        let token = self.env.var("AWS_SESSION_TOKEN");
        match (id, secret) {
            (Some(id), Some(secret)) => {
                let source = "the environment";
                Credentials::checked(&id, &secret, token.as_deref(), None, source).map(Some)
            }
            (None, None) => Ok(None),
            (id, _) => {
                let mut names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
                if id.is_none() {
                    names.reverse();
                }
                let [set, unset] = names;
                Err(Error::new(
                    ErrorKind::Invalid,
                    format!("cannot use {set}: {unset} is not set"),
                ))
            }
        }
    }

    async fn in_profile(&self, bridge: &Bridge) -> Result<Option<Found>> {
        let given = self.location.profile().map(str::to_owned);
        let given = given.or_else(|| self.env.var("AWS_PROFILE"));
        let name = given.clone().unwrap_or_else(|| "default".to_owned());
        let profiles = Profiles::load(&*self.env).await?;
        let Some(section) = profiles.get(&name) else {
            return match given {
                Some(_) => Err(profiles.missing(&name)),
                None => Ok(None),
            };
        };
        let source = format!("profile '{name}'");
        if section.contains("aws_access_key_id") {
            let provider = ProfileCredentialProvider::new().with_profile(&name);
            return ask(bridge, provider, &source).await;
        }
        if section.contains("credential_process") {
            let provider = ProcessCredentialProvider::new().with_profile(&name);
            return ask(bridge, provider, &source).await;
        }
        if section.contains("sso_account_id") {
            let provider = sign_on(&profiles, &name)?;
            let found = ask(bridge, provider, &source).await;
            return found.map_err(|error| {
                error.with_hint(format!("sign in again: aws sso login --profile {name}"))
            });
        }
        if section.contains("role_arn") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("cannot use {source}: it takes on a role, which this program cannot do by itself"),
            )
            .with_hint(format!(
                "add a profile with: credential_process = aws configure export-credentials --profile {name}"
            )));
        }
        Ok(None)
    }

    fn none(&self) -> Error {
        let tried = match (self.location.profile(), self.env.var("AWS_PROFILE")) {
            (Some(profile), _) => format!("profile '{profile}', which has none"),
            (None, profile) => format!(
                "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), profile '{}', \
                 a web identity token, the container's service, the machine's metadata service{}",
                profile.as_deref().unwrap_or("default"),
                if self.metadata_wanted() {
                    ""
                } else {
                    " (switched off)"
                },
            ),
        };
        Error::new(
            ErrorKind::Denied,
            format!("no credentials found for {}", self.location),
        )
        .with_hint(format!("tried: {tried}"))
    }
}

/// A profile that signs on in the browser. A session of its own (`sso_session`) names the
/// file of the cached token; older profiles name it by the address of the portal.
fn sign_on(profiles: &Profiles, name: &str) -> Result<SSOCredentialProvider> {
    let lacks = |what: &str| {
        Error::new(
            ErrorKind::Invalid,
            format!("cannot use profile '{name}': it has no {what}"),
        )
        .with_hint(format!(
            "set it up again: aws configure sso --profile {name}"
        ))
    };
    let value = |what: &str| {
        let own = profiles.get(name).and_then(|section| section.value(what));
        own.or_else(|| {
            profiles
                .session_of(name)
                .and_then(|session| session.value(what))
        })
        .ok_or_else(|| lacks(what))
    };
    let section = profiles.get(name);
    let session = section.and_then(|section| section.value("sso_session"));
    let start_url = value("sso_start_url")?;
    Ok(SSOCredentialProvider::new()
        .with_account_id(value("sso_account_id")?)
        .with_region(value("sso_region")?)
        .with_role_name(value("sso_role_name")?)
        // Nothing but the name of the cached token is made of it.
        .with_start_url(session.unwrap_or(start_url)))
}

async fn ask<P>(bridge: &Bridge, provider: P, source: &str) -> Result<Option<Found>>
where
    P: ProvideCredential<Credential = reqsign_aws_core::Credential>,
{
    let found = Box::pin(provider.provide_credential(bridge.context())).await;
    let found = found.map_err(|error| {
        let kind = if error.is_retryable() {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Denied
        };
        Error::new(
            kind,
            format!("cannot get credentials from {source}: {error}"),
        )
    })?;
    let Some(found) = found else {
        return Ok(None);
    };
    let token = found.session_token.as_deref();
    let expires = found.expires_in.map(|end| end.as_second());
    let (id, secret) = (&found.access_key_id, &found.secret_access_key);
    Credentials::checked(id, secret, token, expires, source).map(Some)
}
