//! Pure: what a profile means, and the profiles that it leans on.

use super::profile::{Profiles, Section};
use crate::error::{Error, ErrorKind, Result};

/// Roles taken on one after another, on the strength of a first credential.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Where the first credential comes from.
    pub(super) base: Base,
    /// The profile that says so.
    pub(super) profile: String,
    /// The roles, in the order in which they are taken on.
    pub(super) roles: Vec<Role>,
}

/// Where a chain begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The keys in the profile.
    Keys,
    /// A role for a token in a file.
    WebIdentity(Role, String),
    /// Single sign-on.
    SignOn,
    /// What a command prints.
    Process(String),
    /// The keys in the environment.
    Environment,
    /// The container's service.
    Container,
    /// The machine's metadata service.
    Machine,
    /// The profile has no credentials.
    Nothing,
}

/// A role and how to ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session: String,
    pub(super) external_id: Option<String>,
    /// Seconds for which it shall last; the service decides if not set.
    pub(super) duration: Option<u32>,
}

impl Chain {
    /// Follows a profile to the credential with which it begins. A profile that takes on a
    /// role does that; one that another leans on gives its own keys if it has some.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a profile that is not there, a circle, or a value that
    /// cannot be meant; [`ErrorKind::Unsupported`] for what only the AWS tools can do.
    pub(super) fn of(profiles: &Profiles, name: &str) -> Result<Self> {
        let mut roles = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut name = name.to_owned();
        loop {
            let section = profiles.get(&name).ok_or_else(|| profiles.missing(&name))?;
            let own_keys = section.value("aws_access_key_id").is_some();
            let leaned_on = !seen.is_empty();
            if leaned_on && own_keys {
                return Ok(Self::end(Base::Keys, name, roles));
            }
            if seen.contains(&name) {
                seen.push(name);
                let why = format!("the profiles lean on each other: {}", seen.join(" → "));
                return Err(wrong(&seen[0], &why));
            }
            let takes_role = section.value("role_arn").is_some()
                && section.value("web_identity_token_file").is_none();
            if !takes_role {
                let base = base(section, &name)?;
                return Ok(Self::end(base, name, roles));
            }
            if section.value("mfa_serial").is_some() {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("cannot use profile '{name}': its role asks for a code of a device (mfa_serial)"),
                )
                .with_hint(export(&name)));
            }
            roles.insert(0, role(section, &name)?);
            seen.push(name.clone());
            match (
                section.value("source_profile"),
                section.value("credential_source"),
            ) {
                (Some(_), Some(_)) => {
                    return Err(wrong(
                        &name,
                        "it has both source_profile and credential_source",
                    ));
                }
                // A profile may lean on its own keys.
                (Some(source), None) => name = source.to_owned(),
                (None, Some(source)) => {
                    let base = match source {
                        "Environment" => Base::Environment,
                        "EcsContainer" => Base::Container,
                        "Ec2InstanceMetadata" => Base::Machine,
                        other => {
                            let why = format!(
                                "credential_source '{}' is none of Environment, EcsContainer, Ec2InstanceMetadata",
                                other.escape_debug()
                            );
                            return Err(wrong(&name, &why));
                        }
                    };
                    return Ok(Self::end(base, name, roles));
                }
                (None, None) => {
                    let why = "it has a role_arn, and neither source_profile nor credential_source";
                    return Err(wrong(&name, why));
                }
            }
        }
    }

    fn end(base: Base, profile: String, roles: Vec<Role>) -> Self {
        Self {
            base,
            profile,
            roles,
        }
    }
}

/// What a profile that takes on no role of another begins with.
fn base(section: &Section, name: &str) -> Result<Base> {
    if let Some(file) = section.value("web_identity_token_file") {
        if section.value("role_arn").is_none() {
            return Err(wrong(
                name,
                "it has a web_identity_token_file and no role_arn",
            ));
        }
        return Ok(Base::WebIdentity(role(section, name)?, file.to_owned()));
    }
    if section.value("sso_session").is_some() || section.value("sso_account_id").is_some() {
        return Ok(Base::SignOn);
    }
    if section.value("aws_access_key_id").is_some() {
        return Ok(Base::Keys);
    }
    if let Some(command) = section.value("credential_process") {
        return Ok(Base::Process(command.to_owned()));
    }
    if section.value("login_session").is_some() {
        let what = format!("cannot use profile '{name}': only the AWS tools can use its login");
        return Err(Error::new(ErrorKind::Unsupported, what).with_hint(export(name)));
    }
    Ok(Base::Nothing)
}

fn role(section: &Section, name: &str) -> Result<Role> {
    let text = |what: &str| section.value(what).map(str::to_owned);
    let duration = match section.value("duration_seconds") {
        None => None,
        Some(text) => match text.parse() {
            Ok(seconds) => Some(seconds),
            Err(_) => return Err(wrong(name, "duration_seconds is no number of seconds")),
        },
    };
    Ok(Role {
        arn: text("role_arn").unwrap_or_default(),
        session: text("role_session_name").unwrap_or_else(|| "git-pail".to_owned()),
        external_id: text("external_id"),
        duration,
    })
}

fn wrong(name: &str, why: &str) -> Error {
    let name = name.escape_debug();
    Error::new(
        ErrorKind::Invalid,
        format!("cannot use profile '{name}': {why}"),
    )
}

/// The way around for what only the AWS tools can do.
fn export(name: &str) -> String {
    format!(
        "add a profile with: credential_process = aws configure export-credentials --profile {name}"
    )
}
