//! The services of AWS.

use super::{Answer, Asked, Double};
use std::sync::{Arc, Mutex, PoisonError};

/// The keys that a double gives, by a name: `<name>` signs with `secret-of-<name>` and
/// `token-of-<name>`.
fn keys(name: &str) -> [String; 3] {
    [
        name.to_owned(),
        format!("secret-of-{name}"),
        format!("token-of-{name}"),
    ]
}

/// STS: AssumeRole and AssumeRoleWithWebIdentity, as its API reference has them.
#[derive(Debug, Clone)]
pub struct Sts {
    double: Double,
    /// When what it gives ends, and how often it gave something.
    state: Arc<Mutex<(String, usize)>>,
}

impl Sts {
    /// Takes on any role for a key in `may` or a token in `tokens`; what it gives is named
    /// after the last part of the role and how often it was asked: `deploy-1`.
    pub fn start(may: &[&str], tokens: &[&str], end: &str) -> Self {
        let state = Arc::new(Mutex::new((end.to_owned(), 0)));
        let seen = Arc::clone(&state);
        let may: Vec<_> = may.iter().map(|id| (*id).to_owned()).collect();
        let tokens: Vec<_> = tokens.iter().map(|token| (*token).to_owned()).collect();
        let double = Double::start(move |asked| answer_sts(asked, &may, &tokens, &seen));
        Self { double, state }
    }

    /// What it gives from now on ends then.
    pub fn gives_until(&self, end: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        end.clone_into(&mut state.0);
    }

    /// For `AWS_ENDPOINT_URL_STS`.
    pub fn url(&self) -> String {
        self.double.url()
    }

    /// All that it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.double.asked()
    }
}

fn answer_sts(
    asked: &Asked,
    may: &[String],
    tokens: &[String],
    state: &Mutex<(String, usize)>,
) -> Answer {
    let refuse = |status, code: &str, text: &str| {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        );
        (status, body)
    };
    if asked.method != "POST" || asked.field("Version") != "2011-06-15" {
        return refuse(400, "InvalidAction", "no such action");
    }
    let action = asked.field("Action");
    let signed = asked.header("authorization");
    let signer = signed
        .strip_prefix("AWS4-HMAC-SHA256 Credential=")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, scope)| scope.contains("/sts/aws4_request,") && scope.contains("Signature="))
        .map(|(id, _)| id);
    let allowed = match action {
        "AssumeRole" => signer.is_some_and(|id| {
            let session = asked.header("x-amz-security-token");
            // A session that this service gave signs with its token, too.
            may.iter().any(|may| may == id) || session == format!("token-of-{id}")
        }),
        "AssumeRoleWithWebIdentity" => {
            let token = asked.field("WebIdentityToken");
            signed.is_empty() && tokens.iter().any(|known| known == token)
        }
        _ => return refuse(400, "InvalidAction", "no such action"),
    };
    if !allowed {
        let text = format!("not authorized to take on {}", asked.field("RoleArn"));
        return refuse(403, "AccessDenied", &text);
    }
    let session = asked.field("RoleSessionName");
    let arn = asked.field("RoleArn");
    let duration = asked.field("DurationSeconds");
    let seconds = duration.parse().unwrap_or(3600);
    if session.len() < 2 || arn.len() < 20 || !(900..=43_200).contains(&seconds) {
        return refuse(400, "ValidationError", "a parameter is out of its range");
    }
    let (end, count) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        state.clone()
    };
    let role = arn.rsplit('/').next().unwrap_or_default();
    let [id, secret, token] = keys(&format!("{role}-{count}"));
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA1:{session}</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>\
         </{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    );
    (200, body)
}

/// The portal of single sign-on (GetRoleCredentials), and the service that renews its
/// tokens (CreateToken), at one address.
#[derive(Debug, Clone)]
pub struct Portal(Double);

impl Portal {
    /// Takes these tokens; `refresh-1` buys `fresh-token` once, as the real one does.
    pub fn start(tokens: &[&str], end_millis: i64) -> Self {
        let tokens: Vec<_> = tokens.iter().map(|token| (*token).to_owned()).collect();
        let spent = Mutex::new(false);
        Self(Double::start(move |asked| match asked.path.as_str() {
            "/federation/credentials" => {
                let token = asked.header("x-amz-sso_bearer_token");
                if asked.method != "GET" || !tokens.iter().any(|known| known == token) {
                    return (
                        401,
                        "{\"message\":\"Session token not found or invalid\"}".to_owned(),
                    );
                }
                let name = format!("{}@{}", asked.field("role_name"), asked.field("account_id"));
                let [id, secret, token] = keys(&name);
                (
                    200,
                    format!(
                        "{{\"roleCredentials\":{{\"accessKeyId\":\"{id}\",\"secretAccessKey\":\"{secret}\",\
                         \"sessionToken\":\"{token}\",\"expiration\":{end_millis}}}}}"
                    ),
                )
            }
            "/token" => {
                let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
                let right = [
                    "\"grantType\":\"refresh_token\"",
                    "\"refreshToken\":\"refresh-1\"",
                    "\"clientId\":\"client\"",
                    "\"clientSecret\":\"client-secret\"",
                ];
                let right = right.iter().all(|part| asked.body.contains(part));
                if *spent || !right || asked.method != "POST" {
                    return (400, "{\"error\":\"invalid_grant\"}".to_owned());
                }
                *spent = true;
                (
                    200,
                    "{\"accessToken\":\"fresh-token\",\"expiresIn\":3600,\"tokenType\":\"Bearer\",\
                     \"refreshToken\":\"refresh-2\"}"
                        .to_owned(),
                )
            }
            _ => (404, String::new()),
        }))
    }

    /// For `AWS_ENDPOINT_URL_SSO` and `AWS_ENDPOINT_URL_SSO_OIDC`.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// All that it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.asked()
    }
}

/// What a container and a machine give.
fn document(name: &str, end: &str) -> String {
    let [id, secret, token] = keys(name);
    format!(
        "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"{id}\",\
         \"SecretAccessKey\":\"{secret}\",\"Token\":\"{token}\",\"Expiration\":\"{end}\"}}"
    )
}

/// The credentials service beside a container (ECS, and EKS's pod identity).
#[derive(Debug, Clone)]
pub struct Container(Double);

impl Container {
    /// Gives its credentials to who shows this token.
    pub fn start(token: &str, end: &str) -> Self {
        let (token, end) = (token.to_owned(), end.to_owned());
        Self(Double::start(move |asked| {
            if asked.method == "GET"
                && asked.path == "/creds"
                && asked.header("authorization") == token
            {
                // This service says no Code.
                (
                    200,
                    document("task", &end).replace("\"Code\":\"Success\",", ""),
                )
            } else {
                (
                    401,
                    "{\"code\":\"AccessDenied\",\"message\":\"no\"}".to_owned(),
                )
            }
        }))
    }

    /// For `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> String {
        format!("{}/creds", self.0.url())
    }
}

/// The metadata service of a machine, version 2: a token by PUT, then questions with it.
#[derive(Debug, Clone)]
pub struct Machine(Double);

impl Machine {
    /// A machine with this role, or with none.
    pub fn start(role: Option<&str>, end: &str) -> Self {
        let (role, end) = (role.map(str::to_owned), end.to_owned());
        let roles = "/latest/meta-data/iam/security-credentials/";
        Self(Double::start(move |asked| {
            if asked.path == "/latest/api/token" {
                let ttl = asked.header("x-aws-ec2-metadata-token-ttl-seconds").parse();
                let fine = matches!(ttl, Ok(1..=21_600)) && asked.method == "PUT";
                return if fine {
                    (200, "metadata-token".to_owned())
                } else {
                    (400, String::new())
                };
            }
            if asked.header("x-aws-ec2-metadata-token") != "metadata-token" {
                return (401, String::new());
            }
            match (&role, asked.path.strip_prefix(roles)) {
                (Some(role), Some("")) => (200, role.clone()),
                (Some(role), Some(name)) if name == role => (200, document(role, &end)),
                _ => (404, String::new()),
            }
        }))
    }

    /// For `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// All that it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.asked()
    }
}
