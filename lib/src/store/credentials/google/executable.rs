//! A program that prints the token of another identity: <https://google.aip.dev/auth/4117>,
//! "executable-sourced credentials".

use super::Around;
use super::external::ExternalAccount;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use serde::Deserialize;
use std::process::Stdio;
use std::time::Duration;

/// How long a program may take, in milliseconds, unless the file says otherwise.
const PATIENCE: u64 = 30_000;

#[derive(Deserialize)]
pub(super) struct Executable {
    command: String,
    timeout_millis: Option<u64>,
    output_file: Option<String>,
}

/// What a program prints, and leaves in its output file.
#[derive(Deserialize)]
struct Printed {
    version: u32,
    success: bool,
    token_type: Option<String>,
    id_token: Option<String>,
    saml_response: Option<String>,
    expiration_time: Option<i64>,
    code: Option<String>,
}

impl Executable {
    /// Takes what the last run left, while it lasts, and runs the program otherwise.
    pub(super) async fn token(
        &self,
        around: &Around,
        account: &ExternalAccount,
        path: &str,
    ) -> Result<Secret> {
        let allowed = around.env.var("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
        if allowed.as_deref() != Some("1") {
            let what =
                format!("cannot use {path}: it names a program, which is not allowed to run");
            return Err(Error::new(ErrorKind::Denied, what)
                .with_hint("set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 to allow it"));
        }
        let now = around.clock.now();
        if let Some(file) = &self.output_file
            && let Ok(content) = tokio::fs::read(file).await
            && let Ok(printed) = serde_json::from_slice::<Printed>(&content)
            && printed.expiration_time.is_some_and(|end| end > now)
            && let Ok(token) = printed.read(now)
        {
            return Ok(token);
        }
        let fails = |why: &str| {
            let what = format!("cannot get a token with the program in {path}: {why}");
            Error::new(ErrorKind::Denied, what)
        };
        let output = self.run(account).await.map_err(|why| fails(&why))?;
        let printed: Printed = serde_json::from_slice(&output)
            .map_err(|_| fails("it did not print what it must print"))?;
        printed.read(now).map_err(|why| fails(&why))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "runs what the user's file of credentials names, and the user allowed"
    )]
    async fn run(&self, account: &ExternalAccount) -> Result<Vec<u8>, String> {
        let mut words = self.command.split_whitespace();
        let program = words.next().ok_or("it has no name")?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(words)
            .env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", &account.audience)
            .env(
                "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE",
                &account.subject_token_type,
            )
            .env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(impersonation) = account.impersonation() {
            command.env(
                "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL",
                impersonation.email(),
            );
        }
        if let Some(file) = &self.output_file {
            command.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file);
        }
        let patience = Duration::from_millis(self.timeout_millis.unwrap_or(PATIENCE));
        let output = tokio::time::timeout(patience, command.output()).await;
        let output =
            output.map_err(|_| format!("it took more than {} s", patience.as_secs_f32()))?;
        let output = output.map_err(|error| format!("it does not run: {error}"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(format!("it ended with {}", output.status))
    }
}

impl Printed {
    /// The token, if it is one that still lasts.
    fn read(self, now: i64) -> Result<Secret, String> {
        if self.version > 1 {
            return Err("it speaks a newer version".to_owned());
        }
        if !self.success {
            let plain = |code: &String| code.chars().all(|c| c.is_ascii_alphanumeric());
            let code = self.code.filter(plain).unwrap_or_default();
            return Err(format!("it failed ({code})"));
        }
        if self.expiration_time.is_some_and(|end| end <= now) {
            return Err("the token has ended".to_owned());
        }
        let token = match self.token_type.as_deref() {
            Some("urn:ietf:params:oauth:token-type:saml2") => self.saml_response,
            Some(_) => self.id_token,
            None => None,
        };
        let token = token.filter(|token| !token.is_empty());
        token
            .map(Secret::new)
            .ok_or("it printed no token".to_owned())
    }
}
