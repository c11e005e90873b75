//! Secrets that stand in the environment.

use super::connection::Connection;
use super::{Access, Found};
use crate::error::{Error, ErrorKind, Result};
use crate::store::env::Env;

/// The variable of a named credential: `AZSTORE_<NAME>_<KIND>`.
pub(super) fn variable(name: &str, kind: &str) -> String {
    let name = name.to_ascii_uppercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!(
        "AZSTORE_{}_{kind}",
        name.chars().map(plain).collect::<String>()
    )
}

/// The account that `AZURE_STORAGE_ACCOUNT` names, if it is another one.
pub(super) fn other_account(account: &str, env: &dyn Env) -> Option<String> {
    env.var("AZURE_STORAGE_ACCOUNT")
        .filter(|other| other != account)
}

/// What the environment holds for an account: under a name, or in the variables of the
/// Azure CLI.
pub(super) fn find(account: &str, name: Option<&str>, env: &dyn Env) -> Result<Option<Found>> {
    if let Some((connection, source)) = connection_in(account, name, env)? {
        return match (&connection.key, &connection.sas) {
            (Some(key), _) => Access::key(key.reveal(), account, &source).map(Some),
            (None, Some(sas)) => Access::sas(sas.reveal(), &source).map(Some),
            // One without either is no connection string.
            (None, None) => Ok(None),
        };
    }
    let (key, sas) = match name {
        Some(name) => (variable(name, "KEY"), variable(name, "SAS")),
        None if other_account(account, env).is_some() => return Ok(None),
        None => (
            "AZURE_STORAGE_KEY".to_owned(),
            "AZURE_STORAGE_SAS_TOKEN".to_owned(),
        ),
    };
    if let Some(value) = env.var(&key) {
        return Access::key(&value, account, &key).map(Some);
    }
    let found = env.var(&sas).map(|value| Access::sas(&value, &sas));
    found.transpose()
}

/// The connection string for an account, if there is one.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if it is none, or if the named one is for another account.
pub(in crate::store) fn connection(
    account: &str,
    name: Option<&str>,
    env: &dyn Env,
) -> Result<Option<Connection>> {
    connection_in(account, name, env).map(|found| found.map(|(connection, _)| connection))
}

fn connection_in(
    account: &str,
    name: Option<&str>,
    env: &dyn Env,
) -> Result<Option<(Connection, String)>> {
    let source = match name {
        Some(name) => variable(name, "CONNECTION_STRING"),
        None => "AZURE_STORAGE_CONNECTION_STRING".to_owned(),
    };
    let Some(text) = env.var(&source) else {
        return Ok(None);
    };
    let connection = Connection::parse(&text, &source)?;
    match &connection.account {
        Some(other) if other != account && name.is_some() => Err(Error::new(
            ErrorKind::Invalid,
            format!("cannot use {source}: it is for the account {other}, not {account}"),
        )),
        Some(other) if other != account => Ok(None),
        _ => Ok(Some((connection, source))),
    }
}
