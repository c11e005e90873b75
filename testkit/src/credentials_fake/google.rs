//! The services of Google that hand out tokens, all at one address.

use super::{Answer, Asked, Double};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A key that opens nothing: made for these tests.
const PRIVATE_KEY: &str = include_str!("google-key.pem");

/// The other half of it, as PKCS #1 has it.
const PUBLIC_KEY: &str = "MIIBCgKCAQEAmgIqL+k4P0AcFibDiXa20hTc3C0qB24B4jz95LQibHHiIzknXy7vgr+Z7BALx7dD1FpN0rxw28LWQPzpmnyTNPS1c0AYFR4tLhVjOjx1oHnDWvn+OBAGTglwA2ti+7YDhYaYIlDWoNxgqS6mc924cGRme/Ax9Ih0w4z5wAqwmXlcSiWwmWrsZXvrISO8tvRNNDnEutrQLKpjz8EhCFJZv0wYNxEUd/E0NsHV9i+TSAGwL2JOa1/zz/9uYyfVuj40iZgEm09h+/wQagVoDMwxTzsjSCe15haAFIjjgQQ5zlyxrkAaK/Zvj3mzElkrkLkk7ba8Sw8NaRWeMGHz5GQGywIDAQAB";

const EMAIL: &str = "robot@my-project.iam.gserviceaccount.com";

/// What the clients send that must be seen nowhere.
pub const SECRETS: [&str; 5] = [
    "hush-refresh",
    "hush-client",
    "hush-subject",
    "hush-header",
    "PRIVATE KEY",
];

/// Token endpoint, exchange, impersonation, metadata service, and a URL with the token of
/// another identity. Each token lasts an hour, and the next one is another.
#[derive(Debug)]
pub struct Tokens {
    double: Double,
}

impl Tokens {
    /// Hands out the tokens that `make` makes: by their kind and number.
    ///
    /// An assertion must be of the account of the key file and signed with its key at `now`,
    /// in seconds since 1970.
    pub fn start(now: i64, make: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Self {
        let made = AtomicUsize::new(0);
        let next = move |kind: &str| make(kind, made.fetch_add(1, Ordering::Relaxed) + 1);
        let next: Arc<dyn Fn(&str) -> String + Send + Sync> = Arc::new(next);
        let answer = move |asked: &Asked| answer(asked, now, &*next);
        Self {
            double: Double::saying("Metadata-Flavor: Google\r\n", answer),
        }
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        self.double.url()
    }

    /// `127.0.0.1:port`
    pub fn host(&self) -> String {
        self.url().trim_start_matches("http://").to_owned()
    }

    /// All that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.double.asked()
    }

    /// The file of a service account.
    pub fn service_account(&self) -> Value {
        json!({
            "type": "service_account",
            "project_id": "my-project",
            "private_key_id": "key-1",
            "private_key": PRIVATE_KEY,
            "client_email": EMAIL,
            "token_uri": format!("{}/token", self.url()),
        })
    }

    /// The file of a person's sign-on.
    pub fn authorized_user(&self) -> Value {
        json!({
            "type": "authorized_user",
            "client_id": "client",
            "client_secret": "hush-client",
            "refresh_token": "hush-refresh",
            "quota_project_id": "payer",
            "token_uri": format!("{}/token", self.url()),
        })
    }

    /// The file of another identity, whose token comes from `source`.
    pub fn external_account(&self, source: Value) -> Value {
        json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": format!("{}/v1/token", self.url()),
            "credential_source": source,
        })
    }

    /// The address where the robot's tokens are made.
    pub fn impersonation_url(&self) -> String {
        format!(
            "{}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken",
            self.url()
        )
    }
}

/// A refusal that repeats all that it got, as no service should.
fn refuse(asked: &Asked) -> Answer {
    let said = format!("{:?} {:?}", asked.fields, asked.headers);
    let body = json!({ "error": "invalid_grant", "error_description": said });
    (400, body.to_string())
}

fn answer(asked: &Asked, now: i64, next: &dyn Fn(&str) -> String) -> Answer {
    let granted = |kind: &str| {
        let body =
            json!({ "access_token": next(kind), "expires_in": 3600, "token_type": "Bearer" });
        (200, body.to_string())
    };
    let right = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .all(|(name, value)| asked.field(name) == *value)
    };
    match asked.path.as_str() {
        "/token" if assertion(asked, now).is_some() => granted("robot"),
        "/token"
            if right(&[
                ("grant_type", "refresh_token"),
                ("client_id", "client"),
                ("client_secret", "hush-client"),
                ("refresh_token", "hush-refresh"),
            ]) =>
        {
            granted("user")
        }
        "/v1/token"
            if right(&[
                (
                    "grant_type",
                    "urn:ietf:params:oauth:grant-type:token-exchange",
                ),
                (
                    "requested_token_type",
                    "urn:ietf:params:oauth:token-type:access_token",
                ),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ("subject_token", "hush-subject"),
            ]) && asked.field("audience").starts_with("//iam.googleapis.com/") =>
        {
            granted("federated")
        }
        "/subject" if asked.header("authorization") == "hush-header" => {
            (200, json!({ "value": "hush-subject" }).to_string())
        }
        "/computeMetadata/v1/instance/service-accounts/default/token"
            if asked.header("metadata-flavor") == "Google" =>
        {
            granted("machine")
        }
        path if path.ends_with(":generateAccessToken") => {
            let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
            let bearer = asked.header("authorization").strip_prefix("Bearer ya29.");
            let scoped = body["scope"][0]
                .as_str()
                .is_some_and(|scope| scope.ends_with("devstorage.full_control"));
            if bearer.is_none() || !scoped || body["lifetime"] != "3600s" {
                return refuse(asked);
            }
            let end = jiff::Timestamp::from_second(now + 3600).expect("a time");
            let body = json!({ "accessToken": next("as-robot"), "expireTime": end.to_string() });
            (200, body.to_string())
        }
        _ => refuse(asked),
    }
}

/// The claims of an assertion, if it is right in all that
/// <https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests> asks.
fn assertion(asked: &Asked, now: i64) -> Option<Value> {
    if asked.field("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return None;
    }
    let (signed, signature) = asked.field("assertion").rsplit_once('.')?;
    let key = BASE64_STANDARD.decode(PUBLIC_KEY).expect("a key");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature).ok()?;
    let (header, claims) = signed.split_once('.')?;
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (header, claims) = (read(header)?, read(claims)?);
    let audience = format!("http://{}/token", asked.header("host"));
    let holds = header == json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" })
        && claims["iss"] == EMAIL
        && claims["aud"] == audience.as_str()
        && claims["scope"].is_string()
        && claims["iat"] == now
        && claims["exp"] == now + 3600;
    holds.then_some(claims)
}
