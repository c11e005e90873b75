//! Where the secrets of an S3 service come from, in order.
//!
//! 1. The URL itself.
//! 2. `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, unless the URL names a profile.
//! 3. A web identity token (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), likewise.
//! 4. The profile that the URL or `AWS_PROFILE` names, or `default`: a role taken on from
//!    another profile or source, a web identity, single sign-on, keys, or a
//!    `credential_process`.
//! 5. The container's service, unless the URL names a profile.
//! 6. The machine's metadata service, likewise, unless `AWS_EC2_METADATA_DISABLED=true`.
//! 7. git's credential helpers, likewise.
//!
//! A source that is set up and fails ends the search: taking the next one would act under
//! another name than the user meant.

mod chain;
mod process;
pub(in crate::store) mod profile;
mod services;
mod sign_on;
mod sts;
#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::secret::Secret;
use crate::store::credentials::git::Helpers;
use crate::store::credentials::web::{Way, Web};
use crate::store::credentials::{self, Kept, shortened};
use crate::store::env::Env;
use crate::store::url::S3Location;
use chain::{Base, Chain, Role};
use profile::Profiles;
use sign_on::SignOn;
use std::sync::{Arc, OnceLock};
use sts::With;

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

/// What the settings found out about the service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Serves {
    address: String,
    region: String,
}

/// Finds credentials when they are first needed, and again before they end.
#[derive(Debug)]
pub(in crate::store) struct Source {
    location: S3Location,
    way: Way,
    env: Arc<dyn Env>,
    clock: Arc<dyn Clock>,
    serves: OnceLock<Serves>,
    helpers: Helpers,
    kept: Kept<Credentials>,
}

impl Source {
    /// Remembers where to look; no I/O.
    pub(in crate::store) fn new(
        location: S3Location,
        way: Way,
        env: Arc<dyn Env>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            location,
            way,
            env,
            kept: Kept::new(Arc::clone(&clock)),
            clock,
            serves: OnceLock::new(),
            helpers: Helpers::default(),
        }
    }

    /// Tells the address of the bucket, for git's helpers, and its region, for the service
    /// of roles. Only the first time counts.
    pub(in crate::store) fn serves(&self, address: &str, region: &str) {
        self.serves.get_or_init(|| Serves {
            address: address.to_owned(),
            region: region.to_owned(),
        });
    }

    /// The credentials, from memory while they last.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if there are none, with what was tried; [`ErrorKind::Invalid`]
    /// if a source is set up wrongly; [`ErrorKind::Unavailable`] if a service that hands
    /// them out does not answer.
    pub(in crate::store) async fn get(&self) -> Result<Arc<Found>> {
        let found = self.kept.get(Box::pin(self.find())).await?;
        found.ok_or_else(|| self.none())
    }

    /// Where the newest ones came from; `None` before a request needed some.
    pub(in crate::store) fn origin(&self) -> Option<String> {
        self.kept.origin()
    }

    /// The service took them.
    pub(in crate::store) async fn accepted(&self) {
        self.helpers.accepted().await;
    }

    /// The service does not know this key, or its secret is wrong.
    pub(in crate::store) async fn refused(&self) {
        self.helpers.refused().await;
    }

    /// The service says that the session of this key has ended: whether others are there or
    /// can be looked for, so that the request is worth repeating.
    pub(in crate::store) async fn ended(&self, id: &str) -> bool {
        self.kept.ended(|known| known.id == id).await
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
        let web = Web::new(&self.env, &self.way);
        if !named && let Some(found) = self.for_token_in_env(&web).await? {
            return Ok(Some(found));
        }
        if let Some(found) = self.in_profile(&web).await? {
            return Ok(Some(found));
        }
        if named {
            return Ok(None);
        }
        if services::in_container(&*self.env) {
            return services::container(&web, &*self.env).await.map(Some);
        }
        if services::metadata_wanted(&*self.env)
            && let Some(found) = services::machine(&web, &*self.env).await?
        {
            return Ok(Some(found));
        }
        self.known_to_git().await
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

    async fn for_token_in_env(&self, web: &Web) -> Result<Option<Found>> {
        let file = self.env.var("AWS_WEB_IDENTITY_TOKEN_FILE");
        let Some((file, arn)) = file.zip(self.env.var("AWS_ROLE_ARN")) else {
            return Ok(None);
        };
        let session = self.env.var("AWS_ROLE_SESSION_NAME");
        let role = Role {
            arn,
            session: session.unwrap_or_else(|| "git-pail".to_owned()),
            external_id: None,
            duration: None,
        };
        let sts = self.sts(None)?;
        let found = self.for_token(web, &sts, &role, &file).await?;
        Ok(Some(from(found, "the environment, web identity")))
    }

    async fn for_token(
        &self,
        web: &Web,
        sts: &sts::Service,
        role: &Role,
        file: &str,
    ) -> Result<Found> {
        let file = profile::expand(&*self.env, file);
        let token = tokio::fs::read_to_string(&file).await;
        let token = token.during(|| format!("read the web identity token {}", file.display()))?;
        let with = With::Token(Secret::new(token.trim()));
        sts.assume(web, role, &with).await
    }

    /// The service of roles, for the region of a profile or of the bucket.
    fn sts(&self, section: Option<&profile::Section>) -> Result<sts::Service> {
        let value = |name: &str| section.and_then(|section| section.value(name));
        let kind = self.env.var("AWS_STS_REGIONAL_ENDPOINTS");
        let kind = kind.or_else(|| value("sts_regional_endpoints").map(str::to_owned));
        let legacy = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("legacy"));
        let region = self.env.var("AWS_REGION");
        let region = region.or_else(|| self.env.var("AWS_DEFAULT_REGION"));
        let region = region.or_else(|| value("region").map(str::to_owned));
        let ours = || self.serves.get().map(|serves| serves.region.clone());
        let region = region.or_else(ours);
        sts::Service::find(&*self.env, region.as_deref(), legacy)
    }

    async fn in_profile(&self, web: &Web) -> Result<Option<Found>> {
        let given = self.location.profile().map(str::to_owned);
        let given = given.or_else(|| self.env.var("AWS_PROFILE"));
        let name = given.clone().unwrap_or_else(|| "default".to_owned());
        let profiles = Profiles::load(&*self.env).await?;
        if given.is_none() && profiles.get(&name).is_none() {
            return Ok(None);
        }
        let chain = Chain::of(&profiles, &name)?;
        let Some(mut found) = self.begin(web, &profiles, &chain).await? else {
            if chain.roles.is_empty() {
                return Ok(None);
            }
            let what =
                format!("cannot use profile '{name}': the source of its role has no credentials");
            return Err(Error::new(ErrorKind::Denied, what));
        };
        let sts = self.sts(profiles.get(&name))?;
        for role in &chain.roles {
            let with = With::Keys(&found.credential);
            found = sts.assume(web, role, &with).await?;
        }
        if !chain.roles.is_empty() {
            found = from(found, &format!("profile '{name}'"));
        }
        Ok(Some(found))
    }

    /// The credential with which a chain of roles begins.
    async fn begin(&self, web: &Web, profiles: &Profiles, chain: &Chain) -> Result<Option<Found>> {
        let name = &chain.profile;
        let source = format!("profile '{name}'");
        match &chain.base {
            Base::Nothing => Ok(None),
            Base::Keys => profiles.keys(name).map(Some),
            Base::Process(command) => {
                let source = format!("{source}, credential_process");
                process::run(command, &source).await.map(Some)
            }
            Base::SignOn => {
                let sign_on = SignOn::of(profiles, name)?;
                let now = self.clock.now();
                sign_on.credentials(web, &*self.env, now).await.map(Some)
            }
            Base::WebIdentity(role, file) => {
                let sts = self.sts(profiles.get(name))?;
                let found = self.for_token(web, &sts, role, file).await?;
                Ok(Some(from(found, &format!("{source}, web identity"))))
            }
            Base::Environment => self.in_env(),
            Base::Container if !services::in_container(&*self.env) => Ok(None),
            Base::Container => services::container(web, &*self.env).await.map(Some),
            Base::Machine if !services::metadata_wanted(&*self.env) => Ok(None),
            Base::Machine => services::machine(web, &*self.env).await,
        }
    }

    async fn known_to_git(&self) -> Result<Option<Found>> {
        let Some(serves) = self.serves.get() else {
            return Ok(None);
        };
        let Some(login) = self.helpers.fill(&serves.address).await? else {
            return Ok(None);
        };
        let source = "git's credential helpers";
        let (id, secret) = (&login.username, login.password.reveal());
        Credentials::checked(id, secret, None, None, source).map(Some)
    }

    fn none(&self) -> Error {
        let tried = match (self.location.profile(), self.env.var("AWS_PROFILE")) {
            (Some(profile), _) => format!("profile '{profile}', which has none"),
            (None, profile) => format!(
                "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), \
                 a web identity token, profile '{}', the container's service, the machine's metadata service{}, \
                 git's credential helpers",
                profile.as_deref().unwrap_or("default"),
                if services::metadata_wanted(&*self.env) {
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

/// Says in which place it was found that a role is to be taken on.
fn from(mut found: Found, place: &str) -> Found {
    found.origin = format!("{place}, {}", found.origin);
    found
}
