//! The query of a URL: options.

use super::syntax::{decode, escape, invalid};
use crate::error::Result;
use crate::store::Options;
use crate::store::options::{Given, Origin, Service, Spec, apply};
use std::fmt;

/// What to try when an option has no such value.
const OPTIONS: &str = "see the option in docs/reference/options.md, or leave it out";

/// The options that a URL gives, in its order.
#[derive(Clone, PartialEq, Eq, Default)]
pub(in crate::store) struct Query(Vec<(&'static str, String)>);

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({self})")
    }
}

impl Query {
    /// Reads a query, and what it comes to.
    pub(super) fn parse(query: Option<&str>, service: Service) -> Result<(Self, Options)> {
        let mut options = Options::default();
        let mut out = Self::default();
        let pairs = query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let given = Given {
                origin: Origin::Url,
                name: name.to_owned(),
                value: decode(value)?,
            };
            let names: Vec<_> = out.0.iter().map(|(name, _)| *name).collect();
            let Some(Spec { name, .. }) = apply(&mut options, service, &given, &names)
                .map_err(|error| error.with_hint(OPTIONS))?
            else {
                let why = format!("the option '{name}' stands there twice");
                return Err(invalid(why).with_hint("say it once"));
            };
            out.0.push((name, given.value));
        }
        Ok((out, options))
    }

    /// The profile: of the user before the host, or of the query, where it is taken out.
    pub(super) fn profile(
        &mut self,
        user: Option<&str>,
        options: &Options,
    ) -> Result<Option<String>> {
        let Some(user) = user else {
            self.0.retain(|(name, _)| *name != "profile");
            return Ok(options.profile.clone());
        };
        let user = decode(user)?;
        if options.profile.as_ref().is_some_and(|other| *other != user) {
            return Err(invalid("two different profiles are named").with_hint("name one of them"));
        }
        self.0.retain(|(name, _)| *name != "profile");
        // Checked like one of the query.
        let escaped = format!("profile={}", escape(&user));
        Ok(Self::parse(Some(&escaped), Service::S3)?.1.profile)
    }

    /// Adds what the URL says in another place than its query.
    pub(super) fn add(&mut self, name: &'static str, value: &str) {
        self.0.push((name, value.to_owned()));
    }

    /// What it says, as the first of the places where options are said.
    pub(super) fn given(&self) -> Vec<Given> {
        let given = |(name, value): &(&'static str, String)| Given {
            origin: Origin::Url,
            name: (*name).to_owned(),
            value: value.clone(),
        };
        self.0.iter().map(given).collect()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sign = '?';
        for (name, value) in &self.0 {
            let secret = crate::store::options::find(name).is_none_or(|spec| spec.secret);
            let value = if secret {
                "***".to_owned()
            } else {
                escape(value)
            };
            write!(f, "{sign}{name}={value}")?;
            sign = '&';
        }
        Ok(())
    }
}
