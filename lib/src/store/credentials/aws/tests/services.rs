//! Each source against a double that speaks its protocol.

use super::*;
use crate::store::Options;
use testkit::credentials_fake::{Container, Machine, Portal, Sts};
use testkit::forward_proxy::ForwardProxy;

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const END: &str = "1970-01-01T01:00:00Z";

/// Finds credentials; the id and the origin, after checking that secret and token are those
/// of the id.
async fn found(url: &str, files: &[(&str, &str)], vars: &[(&str, &str)]) -> (String, String) {
    let (source, _, _home) = source(url, files, vars);
    let found = source.get().await.expect("credentials");
    let id = found.credential.id.clone();
    let token = found.credential.token.as_ref().expect("a token");
    assert_eq!(found.credential.secret.reveal(), format!("secret-of-{id}"));
    assert_eq!(token.reveal(), format!("token-of-{id}"));
    assert_eq!(found.expires, Some(3600));
    assert_eq!(source.origin().as_ref(), Some(&found.origin));
    (id, found.origin.clone())
}

#[tokio::test]
async fn a_role_is_taken_on_with_the_keys_of_another_profile() {
    let sts = Sts::start(&["baseid"], &[], END);
    let config = format!(
        "[profile work]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = e/1 2\n\
         role_session_name = me\nduration_seconds = 900\nregion = eu-west-1\n"
    );
    let keys = "[base]\naws_access_key_id = baseid\naws_secret_access_key = hush\n";
    let files = [("config", config.as_str()), ("credentials", keys)];
    let vars = [("AWS_ENDPOINT_URL_STS", sts.url())];
    let vars = [(vars[0].0, vars[0].1.as_str())];
    let (id, origin) = found("s3://work@team", &files, &vars).await;
    assert_eq!(id, "deploy-1");
    assert_eq!(
        origin,
        format!("profile 'work', the role {ROLE} (key deploy-1)")
    );
    let asked = sts.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].field("ExternalId"), "e/1 2");
    assert_eq!(asked[0].field("RoleSessionName"), "me");
    assert_eq!(asked[0].field("DurationSeconds"), "900");
    assert!(asked[0].header("authorization").contains("/eu-west-1/sts/"));
}

#[tokio::test]
async fn a_proxy_of_the_options_leads_to_roles_and_not_to_the_container() {
    let (sts, proxy) = (Sts::start(&["task"], &[], END), ForwardProxy::start(None));
    let container = Container::start("Bearer abc", END);
    let (sts_url, container_url) = (sts.url(), container.url());
    let options = Options {
        proxy: Some(Secret::new(format!("http://{}", proxy.address()))),
        ..Options::default()
    };
    let config = format!("[profile r]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n");
    let vars = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*container_url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer abc"),
        ("AWS_ENDPOINT_URL_STS", &*sts_url),
    ];
    let files = [("config", &*config)];
    let (source, _, _home) = source_by((&options).into(), "s3://r@team", &files, &vars);
    let found = source.get().await.expect("credentials");
    assert_eq!(found.credential.id, "deploy-1");
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].starts_with(&format!("POST {sts_url}")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn roles_are_taken_on_one_after_another() {
    let sts = Sts::start(&["baseid"], &[], END);
    let config = format!(
        "[profile last]\nrole_arn = {ROLE}\nsource_profile = middle\n\
         [profile middle]\nrole_arn = arn:aws:iam::123456789012:role/path/jump\nsource_profile = own\n\
         [profile own]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = own\n\
         aws_access_key_id = baseid\naws_secret_access_key = hush\n"
    );
    let url = sts.url();
    let vars = [("AWS_ENDPOINT_URL_STS", url.as_str())];
    let files = [("config", config.as_str())];
    // A profile that is leaned on gives its keys, though it has a role of its own.
    let (id, _) = found("s3://last@team", &files, &vars).await;
    assert_eq!(id, "deploy-2");
    let arns: Vec<_> = sts
        .asked()
        .iter()
        .map(|asked| asked.field("RoleArn").rsplit('/').next().map(str::to_owned))
        .collect();
    assert_eq!(arns, [Some("jump".to_owned()), Some("deploy".to_owned())]);
    // The same profile by itself takes on its own role with its own keys.
    let (id, _) = found("s3://own@team", &files, &vars).await;
    assert_eq!(id, "first-3");
}

#[tokio::test]
async fn a_role_is_taken_on_from_each_place_that_can_be_named() {
    let sts = Sts::start(&["envid", "task", "machine-role"], &[], END);
    let container = Container::start("Bearer abc", END);
    let machine = Machine::start(Some("machine-role"), END);
    let (sts_url, container_url, machine_url) = (sts.url(), container.url(), machine.url());
    for (place, vars) in [
        ("Environment", KEYS.to_vec()),
        (
            "EcsContainer",
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container_url.as_str()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer abc"),
            ],
        ),
        (
            "Ec2InstanceMetadata",
            vec![
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine_url.as_str()),
                ("AWS_EC2_METADATA_DISABLED", "false"),
            ],
        ),
    ] {
        let config = format!("[profile r]\nrole_arn = {ROLE}\ncredential_source = {place}\n");
        let vars = [&vars[..], &[("AWS_ENDPOINT_URL_STS", &sts_url)]].concat();
        let (id, _) = found("s3://r@team", &[("config", &config)], &vars).await;
        assert!(id.starts_with("deploy-"), "{place}: {id}");
    }
}

#[tokio::test]
async fn a_role_that_is_refused_says_so() {
    let sts = Sts::start(&["another"], &[], END);
    let url = sts.url();
    let config = format!("[profile r]\nrole_arn = {ROLE}\ncredential_source = Environment\n");
    let vars = [&KEYS[..], &[("AWS_ENDPOINT_URL_STS", &url)]].concat();
    let (kind, text) = failure("s3://r@team", &[("config", &config)], &vars).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("AccessDenied not authorized"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_token_of_a_provider_of_identities_buys_a_role() {
    let sts = Sts::start(&[], &["id.token"], END);
    let url = sts.url();
    let config = format!(
        "[profile w]\nrole_arn = {ROLE}\nweb_identity_token_file = ~/.aws/token\n\
         role_session_name = from-profile\n"
    );
    let files = [("config", config.as_str()), ("token", "id.token\n")];
    let (id, origin) = found("s3://w@team", &files, &[("AWS_ENDPOINT_URL_STS", &url)]).await;
    assert_eq!(id, "deploy-1");
    assert!(origin.starts_with("profile 'w', web identity"), "{origin}");
    let vars = [
        ("AWS_ENDPOINT_URL_STS", url.as_str()),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "~/.aws/token"),
        ("AWS_ROLE_SESSION_NAME", "from-env"),
    ];
    let (id, origin) = found("s3://team", &files, &vars).await;
    assert_eq!(id, "deploy-2");
    assert!(
        origin.starts_with("the environment, web identity"),
        "{origin}"
    );
    let sessions: Vec<_> = sts
        .asked()
        .iter()
        .map(|asked| asked.field("RoleSessionName").to_owned())
        .collect();
    assert_eq!(sessions, ["from-profile", "from-env"]);
    let wrong = [("config", config.as_str()), ("token", "wrong.token")];
    let (kind, text) = failure("s3://w@team", &wrong, &vars[..1]).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(!text.contains("wrong.token"), "{text}");
}

const SESSION: &str = "[profile s]\nsso_session = corp\nsso_account_id = 123456789012\n\
    sso_role_name = dev\n[sso-session corp]\nsso_region = eu-west-1\n\
    sso_start_url = https://corp.example/start\n";

/// SHA-1 of `corp`, and of `https://corp.example/start`: what the AWS tools name the files
/// after (`printf corp | sha1sum`).
const CORP: &str = "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const START: &str = "sso/cache/f7c9b39d0b4c7a7d82c79307585f77e1c5e74378.json";

#[tokio::test]
async fn single_sign_on_uses_the_token_of_the_session() {
    let portal = Portal::start(&["sso-token"], 3_600_000);
    let url = portal.url();
    let vars = [("AWS_ENDPOINT_URL_SSO", url.as_str())];
    let token = "{\"accessToken\":\"sso-token\",\"expiresAt\":\"1970-01-01T08:00:00Z\"}";
    let files = [("config", SESSION), (CORP, token)];
    let (id, origin) = found("s3://s@team", &files, &vars).await;
    assert_eq!(id, "dev@123456789012");
    assert_eq!(origin, "profile 's', single sign-on (key dev@1234…)");
    // Older profiles have no session, and the file is named after the portal.
    let old = "[profile s]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
        sso_account_id = 1\nsso_role_name = dev\n";
    let token = token.replace("00Z", "00UTC");
    let files = [("config", old), (START, token.as_str())];
    let (id, _) = found("s3://s@team", &files, &vars).await;
    assert_eq!(id, "dev@1");
    // A token that the portal does not know.
    let wrong = token.replace("sso-token", "stale-token");
    let files = [("config", old), (START, wrong.as_str())];
    let (kind, text) = failure("s3://s@team", &files, &vars).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("aws sso login --profile s"), "{text}");
    assert!(!text.contains("stale-token"), "{text}");
}

#[tokio::test]
async fn the_token_of_a_session_is_renewed_and_kept() {
    let portal = Portal::start(&["fresh-token"], 3_600_000);
    let url = portal.url();
    let vars = [
        ("AWS_ENDPOINT_URL_SSO", url.as_str()),
        ("AWS_ENDPOINT_URL_SSO_OIDC", url.as_str()),
    ];
    let token = "{\"accessToken\":\"old\",\"expiresAt\":\"1970-01-01T00:00:00Z\",\
        \"refreshToken\":\"refresh-1\",\"clientId\":\"client\",\"clientSecret\":\"client-secret\",\
        \"registrationExpiresAt\":\"1970-03-01T00:00:00Z\",\"startUrl\":\"kept\"}";
    let files = [("config", SESSION), (CORP, token)];
    let (source, _, home) = source("s3://s@team", &files, &vars);
    let id = source
        .get()
        .await
        .expect("credentials")
        .credential
        .id
        .clone();
    assert_eq!(id, "dev@123456789012");
    let left = fs::read_to_string(home.path().join(".aws").join(CORP)).expect("the file");
    for part in ["fresh-token", "refresh-2", "1970-01-01T01:00:00Z", "kept"] {
        assert!(left.contains(part), "{part}: {left}");
    }
    // The token to renew with serves once: what is in the file now is the new one.
    let again = portal.asked().len();
    source.get().await.expect("credentials");
    assert_eq!(portal.asked().len(), again);
}

#[tokio::test]
async fn a_container_gives_its_credentials_for_its_token() {
    let container = Container::start("Bearer abc", END);
    let url = container.url();
    let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str());
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer abc");
    let (id, origin) = found("s3://team", &[], &[uri, token]).await;
    assert_eq!(
        (id.as_str(), origin.as_str()),
        ("task", "the container's service (key task)")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    fs::write(&file, "Bearer abc\n").expect("a file");
    let file = file.to_string_lossy();
    let vars = [
        uri,
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer stale"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &*file),
    ];
    assert_eq!(found("s3://team", &[], &vars).await.0, "task");
    let wrong = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer wrong");
    let (kind, text) = failure("s3://team", &[], &[uri, wrong]).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("401") && !text.contains("wrong"), "{text}");
    // A token is told to nobody else in plain text.
    let far = (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://192.0.2.1/creds",
    );
    let (kind, _) = failure("s3://team", &[], &[far, token]).await;
    assert_eq!(kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_machine_gives_the_credentials_of_its_role() {
    let machine = Machine::start(Some("machine-role"), END);
    let url = machine.url();
    let vars = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "false"),
    ];
    let (id, origin) = found("s3://team", &[], &vars).await;
    assert_eq!(id, "machine-role");
    assert!(
        origin.starts_with("the machine's metadata service, role machine-role"),
        "{origin}"
    );
    assert_eq!(machine.asked().len(), 3);
}

#[tokio::test]
async fn a_machine_without_a_role_is_not_asked_again_at_once() {
    let machine = Machine::start(None, END);
    let url = machine.url();
    let vars = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "false"),
    ];
    let (source, clock, _home) = source("s3://team", &[], &vars);
    for (now, asked) in [(0, 2), (29, 2), (31, 4)] {
        clock.0.store(now, Ordering::Relaxed);
        let error = source.get().await.expect_err("no credentials");
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(machine.asked().len(), asked, "at {now}");
    }
}

#[tokio::test]
async fn nobody_is_asked_before_or_beside_what_is_needed() {
    let machine = Machine::start(Some("machine-role"), END);
    let url = machine.url();
    let vars = [
        &KEYS[..],
        &[
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
            ("AWS_EC2_METADATA_DISABLED", "false"),
        ],
    ]
    .concat();
    let (source, _, _home) = source("s3://team", &[], &vars);
    assert_eq!(source.origin(), None);
    source.get().await.expect("credentials");
    assert_eq!(
        source.origin().as_deref(),
        Some("the environment (key envid)")
    );
    assert_eq!(machine.asked().len(), 0);
}

#[tokio::test]
async fn what_shall_be_renewed_and_cannot_serves_until_its_end() {
    let sts = Sts::start(&["envid"], &[], END);
    let url = sts.url();
    let config = format!("[profile r]\nrole_arn = {ROLE}\ncredential_source = Environment\n");
    let vars = [&KEYS[..], &[("AWS_ENDPOINT_URL_STS", &url)]].concat();
    let (source, clock, _home) = source("s3://r@team", &[("config", &config)], &vars);
    let id = async || source.get().await.map(|found| found.credential.id.clone());
    assert_eq!(id().await.expect("credentials"), "deploy-1");
    clock.0.store(3600 - MARGIN, Ordering::Relaxed);
    sts.gives_until("no time");
    assert_eq!(id().await.expect("the old ones"), "deploy-1");
    clock.0.store(3600, Ordering::Relaxed);
    assert_eq!(
        id().await.expect_err("ended").kind(),
        ErrorKind::Unavailable
    );
    sts.gives_until("1970-01-01T02:00:00Z");
    assert_eq!(id().await.expect("new ones"), "deploy-4");
}

#[tokio::test]
async fn credentials_that_a_service_calls_ended_are_looked_for_once() {
    let sts = Sts::start(&["envid"], &[], END);
    let url = sts.url();
    let config = format!("[profile r]\nrole_arn = {ROLE}\ncredential_source = Environment\n");
    let vars = [&KEYS[..], &[("AWS_ENDPOINT_URL_STS", &url)]].concat();
    let (roles, _, _home) = source("s3://r@team", &[("config", &config)], &vars);
    assert_eq!(
        roles.get().await.expect("credentials").credential.id,
        "deploy-1"
    );
    // Two requests were under way with the same key.
    assert!(roles.ended("deploy-1").await);
    assert!(roles.ended("deploy-1").await);
    assert_eq!(
        roles.get().await.expect("credentials").credential.id,
        "deploy-2"
    );
    assert!(roles.ended("deploy-1").await, "that one is known to be old");
    assert_eq!(
        roles.get().await.expect("credentials").credential.id,
        "deploy-2"
    );
    // The same keys again end the matter.
    let (fixed, _, _home) = source("s3://team", &[], &KEYS);
    fixed.get().await.expect("credentials");
    assert!(fixed.ended("envid").await);
    fixed.get().await.expect("credentials");
    assert!(!fixed.ended("envid").await);
}
