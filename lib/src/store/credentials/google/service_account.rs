//! A key of a service account: <https://google.aip.dev/auth/4112> and
//! <https://developers.google.com/identity/protocols/oauth2/service-account>.

use super::oauth;
use super::{Around, Found, found};
use crate::error::{Error, ErrorKind, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;

const TOKEN: &str = "https://oauth2.googleapis.com/token";

/// Longest life of an assertion, in seconds.
const LIFE: i64 = 3600;

#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Signs an assertion and exchanges it for a token.
    pub(super) async fn token(&self, around: &Around, path: &str, scope: &str) -> Result<Found> {
        let origin = format!("{path} (service account {})", self.client_email);
        let url = self.token_uri.as_deref().unwrap_or(TOKEN);
        let assertion = self
            .assertion(url, scope, around.clock.now())
            .ok_or_else(|| {
                let what = format!("cannot use {origin}: its private key is no RSA key");
                Error::new(ErrorKind::Invalid, what)
                    .with_hint("make a new key for the service account")
            })?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.as_str()),
        ];
        let granted = oauth::grant(around, url, &form, None, &origin).await?;
        found(&granted.access_token, granted.expires(around), origin)
    }

    /// A signed statement that we are this account (RFC 7523).
    fn assertion(&self, audience: &str, scope: &str, now: i64) -> Option<String> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.private_key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": scope,
            "aud": audience,
            "iat": now,
            "exp": now + LIFE,
        });
        let coded = |part: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", coded(&header), coded(&claims));
        let key = PrivateKeyDer::from_pem_slice(self.private_key.as_bytes()).ok()?;
        let key = any_supported_type(&key).ok()?;
        let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
        let signature = signer.sign(signed.as_bytes()).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Some(format!("{signed}.{signature}"))
    }
}
