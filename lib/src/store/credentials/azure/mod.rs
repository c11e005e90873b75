//! Where the secrets of an Azure storage account come from, in order.
//!
//! 1. The URL itself.
//! 2. The credentials that the option `profile` names: the first that is set of
//!    `AZSTORE_<NAME>_CONNECTION_STRING`, `AZSTORE_<NAME>_KEY` and `AZSTORE_<NAME>_SAS`.
//!    Without it:
//! 3. `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_KEY` and `AZURE_STORAGE_SAS_TOKEN`,
//!    unless they or `AZURE_STORAGE_ACCOUNT` name another account.
//! 4. A service principal: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
//! 5. A workload identity: the first two, and `AZURE_FEDERATED_TOKEN_FILE`.
//! 6. A managed identity: of App Service and its like (`IDENTITY_ENDPOINT` and
//!    `IDENTITY_HEADER`), or the machine's.
//! 7. The Azure CLI, `az account get-access-token`.
//! 8. Git's credential helpers.
//!
//! `AZURE_TOKEN_CREDENTIALS` narrows 4 to 7 down, as for Microsoft's own libraries. A source
//! that is set up and fails ends the search: taking the next one would act under another
//! name than the user meant.

mod access;
mod cli;
mod connection;
mod entra;
mod identity;
pub(in crate::store) mod stored;
#[cfg(test)]
mod tests;

pub(in crate::store) use access::Access;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Options;
use crate::store::credentials::git::Helpers;
use crate::store::credentials::web::{Way, Web};
use crate::store::credentials::{self, Kept};
use crate::store::env::Env;
use crate::store::url::AzureLocation;
use std::sync::Arc;

type Found = credentials::Found<Access>;

/// What tokens are asked for: access to storage, in every cloud of Azure.
const SCOPE: &str = "https://storage.azure.com";

/// Sources that Microsoft's own libraries have, too, by the names that those give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entra {
    Environment,
    WorkloadIdentity,
    ManagedIdentity,
    Cli,
}

impl Entra {
    /// Whether `AZURE_TOKEN_CREDENTIALS` allows this one: `prod`, `dev`, or one by its name.
    fn is_allowed(self, env: &dyn Env) -> bool {
        let Some(allowed) = env.var("AZURE_TOKEN_CREDENTIALS") else {
            return true;
        };
        let (name, group) = match self {
            Self::Environment => ("EnvironmentCredential", "prod"),
            Self::WorkloadIdentity => ("WorkloadIdentityCredential", "prod"),
            Self::ManagedIdentity => ("ManagedIdentityCredential", "prod"),
            Self::Cli => ("AzureCliCredential", "dev"),
        };
        let allowed = allowed.trim();
        [name, group]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(allowed))
    }
}

/// Finds credentials when they are first needed, and again before they end.
#[derive(Debug)]
pub(in crate::store) struct Source {
    location: AzureLocation,
    profile: Option<String>,
    anonymous: bool,
    way: Way,
    env: Arc<dyn Env>,
    clock: Arc<dyn Clock>,
    kept: Kept<Access>,
    helpers: Helpers,
}

impl Source {
    /// Remembers where to look; no I/O.
    pub(in crate::store) fn new(
        location: &AzureLocation,
        options: &Options,
        env: Arc<dyn Env>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            location: location.clone(),
            profile: options.profile.clone(),
            anonymous: options.anonymous,
            way: options.into(),
            env,
            kept: Kept::new(Arc::clone(&clock)),
            clock,
            helpers: Helpers::default(),
        }
    }

    /// The credentials for the service at an address, from memory while they last; `None`
    /// if the user wants none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if there are none, with what was tried; [`ErrorKind::Invalid`]
    /// if a source is set up wrongly; [`ErrorKind::Unavailable`] if a service that hands
    /// them out does not answer.
    pub(in crate::store) async fn get(&self, address: &str) -> Result<Option<Arc<Found>>> {
        if self.anonymous {
            return Ok(None);
        }
        let found = self.kept.get(Box::pin(self.find(address))).await?;
        found.map(Some).ok_or_else(|| self.none())
    }

    /// Where the newest ones came from; `None` before a request needed some.
    pub(in crate::store) fn origin(&self) -> Option<String> {
        self.kept.origin()
    }

    /// The service took them.
    pub(in crate::store) async fn accepted(&self) {
        self.helpers.accepted().await;
    }

    /// The service refused these: whether others are there or can be looked for, so that
    /// the request is worth repeating.
    pub(in crate::store) async fn refused(&self, these: &Access) -> bool {
        self.helpers.refused().await;
        let lasts = !matches!(these, Access::Bearer(_));
        !lasts && self.kept.ended(|known| known == these).await
    }

    async fn find(&self, address: &str) -> Result<Option<Found>> {
        let account = self.location.account();
        if let Some(key) = &self.location.key {
            return Access::key(key.reveal(), account, "the URL").map(Some);
        }
        let stored = stored::find(account, self.profile.as_deref(), &*self.env)?;
        if stored.is_some() {
            return Ok(stored);
        }
        if self.profile.is_some() {
            return Ok(None);
        }
        let (env, now) = (&*self.env, self.clock.now());
        let web = Web::new(&self.env, &self.way);
        if Entra::Environment.is_allowed(env)
            && let Some(found) = entra::secret(&web, env, now).await?
        {
            return Ok(Some(found));
        }
        if Entra::WorkloadIdentity.is_allowed(env)
            && let Some(found) = entra::workload(&web, env, now).await?
        {
            return Ok(Some(found));
        }
        if Entra::ManagedIdentity.is_allowed(env)
            && let Some(found) = identity::managed(&web, env, now).await?
        {
            return Ok(Some(found));
        }
        if Entra::Cli.is_allowed(env)
            && let Some(found) = cli::signed_in(env, now).await?
        {
            return Ok(Some(found));
        }
        let Some(login) = self.helpers.fill(address).await? else {
            return Ok(None);
        };
        let (source, word) = ("git's credential helpers", login.password.reveal());
        if word.contains("sig=") {
            Access::sas(word, source).map(Some)
        } else {
            Access::key(word, account, source).map(Some)
        }
    }

    fn none(&self) -> Error {
        let account = self.location.account();
        let what = format!("no credentials found for {}", self.location);
        let error = Error::new(ErrorKind::Denied, what);
        if let Some(name) = &self.profile {
            let name = stored::variable(name, "KEY");
            return error.with_hint(format!(
                "set {name}, or {}_CONNECTION_STRING or {}_SAS in its place",
                name.trim_end_matches("_KEY"),
                name.trim_end_matches("_KEY"),
            ));
        }
        if let Some(other) = stored::other_account(account, &*self.env) {
            return error.with_hint(format!(
                "AZURE_STORAGE_ACCOUNT names the account {other}, so that its key was not used"
            ));
        }
        error.with_hint(
            "set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, \
             or sign in: az login. The option anonymous goes without",
        )
    }
}
