//! The metadata service of a machine at Google:
//! <https://cloud.google.com/compute/docs/access/authenticate-workloads#applications>.

use super::oauth::{self, Granted};
use super::{Around, Found, SCOPE, found};
use crate::error::Result;
use crate::secret::Secret;
use crate::store::adapter::http::body::Outgoing;
use crate::store::adapter::http::pool::Limits;
use crate::store::adapter::http::{Client, Network};
use http::{HeaderValue, Method, Request};
use std::time::Duration;

/// The name resolves only on machines at Google.
const HOST: &str = "metadata.google.internal";

/// It is near: no answer within this is the answer of a machine that has none.
const PATIENCE: Duration = Duration::from_secs(1);

/// A client that asks without a proxy: nobody else may answer for this machine.
fn near(around: &Around) -> Client {
    let network = Network {
        limits: Limits {
            connect: PATIENCE,
            idle: PATIENCE,
        },
        proxy: Some(Secret::new("")),
        ..Network::default()
    };
    Client::new(&*around.env, network)
}

/// The token of the machine's own account; nothing where nobody answers.
pub(super) async fn token(around: &Around) -> Result<Option<Found>> {
    let named = around.env.var("GCE_METADATA_HOST");
    let host = named.as_deref().unwrap_or(HOST);
    let url = format!(
        "http://{host}/computeMetadata/v1/instance/service-accounts/default/token?scopes={SCOPE}"
    );
    let Ok(uri) = url.parse() else {
        return Ok(None);
    };
    let mut request = Request::new(Outgoing::default());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    let flavor = HeaderValue::from_static("Google");
    request
        .headers_mut()
        .insert("metadata-flavor", flavor.clone());
    let answer = tokio::time::timeout(PATIENCE, near(around).send_whole(request)).await;
    let Ok(Ok(answer)) = answer else {
        return Ok(None);
    };
    // Whatever else listens there does not say whose it is; an account without a token is
    // no account.
    let theirs = answer.headers().get("metadata-flavor") == Some(&flavor);
    if !theirs || !answer.status().is_success() {
        return Ok(None);
    }
    let origin = format!("the machine's metadata service ({host})");
    let granted: Granted = oauth::read(answer.body(), &origin)?;
    found(&granted.access_token, granted.expires(around), origin).map(Some)
}
