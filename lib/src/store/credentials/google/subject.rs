//! Where the token of another identity comes from: a file, a URL, a program.

use super::Around;
use super::executable::Executable;
use super::external::ExternalAccount;
use super::oauth;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::secret::Secret;
use http::{HeaderName, Method};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One of the three, by the field that is there.
#[derive(Deserialize)]
pub(super) struct Subject {
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
    executable: Option<Executable>,
}

/// How a file or an answer holds the token.
#[derive(Deserialize, Default)]
struct Format {
    #[serde(default, rename = "type")]
    kind: String,
    subject_token_field_name: Option<String>,
}

impl Subject {
    /// The token, and in a word where it is from.
    pub(super) async fn token(
        &self,
        around: &Around,
        account: &ExternalAccount,
        path: &str,
    ) -> Result<(&'static str, Secret)> {
        let (kind, content) = if let Some(file) = &self.file {
            let content = tokio::fs::read(file).await;
            let content = content.during(|| format!("read the token in {file}"))?;
            ("a file", content)
        } else if let Some(url) = &self.url {
            ("a URL", self.fetch(around, url, path).await?)
        } else if let Some(executable) = &self.executable {
            let token = executable.token(around, account, path).await?;
            return Ok(("a program", token));
        } else {
            let what = format!("cannot use {path}: its credential_source is of another cloud");
            return Err(Error::new(ErrorKind::Unsupported, what)
                .with_hint("this program takes tokens from a file, a URL or a program"));
        };
        let token = self.format.read(&content).ok_or_else(|| {
            let what = format!("cannot use {path}: {kind} that it names holds no token");
            Error::new(ErrorKind::Invalid, what)
        })?;
        Ok((kind, token))
    }

    async fn fetch(&self, around: &Around, url: &str, path: &str) -> Result<Vec<u8>> {
        let mut request = oauth::request(Method::GET, url, "")?;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|_| {
                let what = format!("cannot use {path}: a header in it has no usable name");
                Error::new(ErrorKind::Invalid, what)
            })?;
            oauth::hidden(&mut request, name, value)?;
        }
        let answer = oauth::send(around, request, path).await?;
        Ok(answer.into_body().to_vec())
    }
}

impl Format {
    fn read(&self, content: &[u8]) -> Option<Secret> {
        let text = std::str::from_utf8(content).ok()?;
        let token = if self.kind == "json" {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            let field = self.subject_token_field_name.as_deref()?;
            value.get(field)?.as_str()?.trim().to_owned()
        } else {
            text.trim().to_owned()
        };
        (!token.is_empty()).then(|| Secret::new(token))
    }
}
