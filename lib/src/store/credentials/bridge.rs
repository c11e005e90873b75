//! What the credential providers of reqsign need of their surroundings.

use crate::store::adapter::http::Client;
use crate::store::adapter::http::body::Outgoing;
use crate::store::adapter::http::pool::Limits;
use crate::store::env::Env;
use bytes::Bytes;
use reqsign_core::{
    CommandExecute, CommandOutput, Context, Env as Surroundings, Error, FileRead, HttpSend, Result,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// Variables that a provider looks up in a map of all variables.
const LISTED: [&str; 13] = [
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
];

/// Surroundings for the providers. Nothing is opened before one asks.
#[derive(Debug)]
pub(super) struct Bridge {
    env: Arc<dyn Env>,
    context: Context,
}

impl Bridge {
    pub(super) fn new(env: &Arc<dyn Env>) -> Self {
        Self::with_limits(env, Duration::from_secs(5), Duration::from_secs(20))
    }

    /// For a service that answers at once or is not there.
    pub(super) fn brief(&self) -> Self {
        Self::with_limits(&self.env, Duration::from_secs(1), Duration::from_secs(1))
    }

    fn with_limits(env: &Arc<dyn Env>, connect: Duration, idle: Duration) -> Self {
        let client = Client::new(&**env, Limits { connect, idle });
        let context = Context::new()
            .with_env(Variables(Arc::clone(env)))
            .with_file_read(Files)
            .with_http_send(Web(client))
            .with_command_execute(Programs);
        Self {
            env: Arc::clone(env),
            context,
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }
}

#[derive(Debug)]
struct Variables(Arc<dyn Env>);

impl Surroundings for Variables {
    fn var(&self, key: &str) -> Option<String> {
        self.0.var(key)
    }

    fn vars(&self) -> HashMap<String, String> {
        let named = |name: &&str| Some(((*name).to_owned(), self.0.var(name)?));
        LISTED.iter().filter_map(named).collect()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        self.0.home()
    }
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(tokio::fs::read(path).await?)
    }
}

#[derive(Debug)]
struct Web(Client);

impl HttpSend for Web {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let answer = self.0.send_whole(request.map(Outgoing::new)).await;
        answer.map_err(|failure| Error::unexpected(failure.to_string()).set_retryable(true))
    }
}

#[derive(Debug)]
struct Programs;

impl CommandExecute for Programs {
    #[expect(
        clippy::disallowed_methods,
        reason = "runs what `credential_process` names"
    )]
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        args: &'a [&'a str],
    ) -> Result<CommandOutput> {
        let output = tokio::process::Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| Error::config_invalid(format!("cannot run {program}: {error}")))?;
        Ok(CommandOutput {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}
