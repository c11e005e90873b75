//! Signs requests to services of AWS that are no bucket.

use crate::error::{Error, ErrorKind, Result};
use crate::store::credentials::aws::Credentials;
use bytes::Bytes;
use http::Request;
use object_store::aws::{AwsAuthorizer, AwsCredential};

/// Adds what signature version 4 adds, for a service in a region.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if the address or the session token cannot be signed.
pub(in crate::store) fn sign(
    request: Request<Bytes>,
    keys: &Credentials,
    service: &str,
    region: &str,
) -> Result<Request<Bytes>> {
    let token = keys.token.as_ref().map(|token| token.reveal().to_owned());
    let address = request.uri().to_string();
    // Signing takes both apart again, and does not bear to fail.
    let fit = token
        .as_ref()
        .is_none_or(|token| http::HeaderValue::from_str(token).is_ok());
    if url::Url::parse(&address).is_err() || !fit {
        let what = format!("cannot sign a request to {address}");
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    let credential = AwsCredential {
        key_id: keys.id.clone(),
        secret_key: keys.secret.reveal().to_owned(),
        token,
    };
    let (parts, body) = request.into_parts();
    let mut signed = Request::from_parts(parts, body.clone().into());
    AwsAuthorizer::new(&credential, service, region)
        .try_authorize(&mut signed, None)
        .map_err(|error| {
            let what = format!("cannot sign a request to {address}: {error}");
            Error::new(ErrorKind::Invalid, what)
        })?;
    Ok(signed.map(|_| body))
}
