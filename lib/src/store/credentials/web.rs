//! Asks the services that hand out credentials.

use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::http::Client;
use crate::store::adapter::http::body::Outgoing;
use crate::store::adapter::http::pool::Limits;
use crate::store::env::Env;
use bytes::Bytes;
use http::{Request, Response};
use std::sync::Arc;
use std::time::Duration;

/// A client for small questions. Nothing is opened before one is asked.
#[derive(Debug)]
pub(in crate::store) struct Web {
    env: Arc<dyn Env>,
    client: Client,
}

impl Web {
    /// A client with these surroundings; no I/O.
    pub(in crate::store) fn new(env: &Arc<dyn Env>) -> Self {
        Self::with_limits(env, Duration::from_secs(5), Duration::from_secs(20))
    }

    /// For a service that answers at once or is not there.
    pub(in crate::store) fn brief(&self) -> Self {
        Self::with_limits(&self.env, Duration::from_secs(1), Duration::from_secs(1))
    }

    fn with_limits(env: &Arc<dyn Env>, connect: Duration, idle: Duration) -> Self {
        Self {
            env: Arc::clone(env),
            client: Client::new(&**env, Limits { connect, idle }),
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
