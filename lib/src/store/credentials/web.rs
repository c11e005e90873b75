//! Asks the services that hand out credentials.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::Options;
use crate::store::adapter::http::body::Outgoing;
use crate::store::adapter::http::pool::Limits;
use crate::store::adapter::http::{Client, Network};
use crate::store::env::Env;
use bytes::Bytes;
use http::{Request, Response};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The way to services elsewhere: the proxy and the authorities that the options name.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Way {
    proxy: Option<Secret>,
    ca_file: Option<PathBuf>,
}

impl From<&Options> for Way {
    fn from(options: &Options) -> Self {
        Self {
            proxy: options.proxy.clone(),
            ca_file: options.ca_file.clone(),
        }
    }
}

/// A client for small questions. Nothing is opened before one is asked.
#[derive(Debug)]
pub(in crate::store) struct Web {
    env: Arc<dyn Env>,
    client: Client,
}

impl Web {
    /// A client with these surroundings; no I/O.
    pub(in crate::store) fn new(env: &Arc<dyn Env>, way: &Way) -> Self {
        Self::with_limits(env, way, Duration::from_secs(5), Duration::from_secs(20))
    }

    /// For a service on this machine or beside it: the way is the environment's alone, since
    /// a proxy that leads to a bucket does not lead there.
    pub(in crate::store) fn near(&self) -> Self {
        Self::new(&self.env, &Way::default())
    }

    /// The same, for one that answers at once or is not there.
    pub(in crate::store) fn brief(&self) -> Self {
        let second = Duration::from_secs(1);
        Self::with_limits(&self.env, &Way::default(), second, second)
    }

    fn with_limits(env: &Arc<dyn Env>, way: &Way, connect: Duration, idle: Duration) -> Self {
        let network = Network {
            limits: Limits { connect, idle },
            proxy: way.proxy.clone(),
            ca_file: way.ca_file.clone(),
            ..Network::default()
        };
        Self {
            env: Arc::clone(env),
            client: Client::new(&**env, network),
        }
    }

    /// Asks, and gives the answer whatever its status is. One request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no answer comes, [`ErrorKind::Invalid`] if the service
    /// is not trusted. No error repeats the question or the answer.
    pub(in crate::store) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self.client.send_whole(request.map(Outgoing::new)).await;
        answer.map_err(|failure| {
            use crate::store::adapter::http::pool::Failure;
            let kind = match failure {
                Failure::Untrusted(_) => ErrorKind::Invalid,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, format!("{host}: {failure}"))
        })
    }
}
