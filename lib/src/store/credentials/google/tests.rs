//! Each source against a double that speaks its protocol.

use super::*;
use crate::store::adapter::http::pool::Limits;
use crate::store::credentials::kept::MARGIN;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use testkit::credentials_fake::{Double, SECRETS, Tokens};

const NOW: i64 = 1_800_000_000;

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tokens that tell their kind and number.
fn tokens() -> Tokens {
    Tokens::start(NOW, |kind, number| format!("ya29.{kind}-{number}"))
}

/// A home without credentials, and these variables; nobody asks for a machine's metadata.
struct World {
    home: TempDir,
    clock: Arc<Hand>,
    vars: BTreeMap<String, String>,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let text = home.path().to_string_lossy().into_owned();
        let vars = [("HOME", text), ("NO_GCE_CHECK", "true".to_owned())];
        Self {
            home,
            clock: Arc::new(Hand(AtomicI64::new(NOW))),
            vars: vars.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    /// With this file named by the variable.
    fn file(self, content: &Value) -> Self {
        let path = self.home.path().join("key.json");
        fs::write(&path, content.to_string()).expect("a file");
        let path = path.to_string_lossy().into_owned();
        self.var("GOOGLE_APPLICATION_CREDENTIALS", path)
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn source(&self) -> Source {
        let env: Arc<dyn Env> = Arc::new(self.vars.clone());
        let client = Client::new(&*env, Limits::default());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Source::new(false, client, env, clock)
    }

    /// The token, after checking that no secret is shown beside it.
    async fn token(&self) -> String {
        let source = self.source();
        let found = source.get().await.expect("a token").expect("a token");
        let origin = source.origin().expect("an origin");
        assert_eq!(origin, found.origin);
        hides(&format!("{origin} {:?} {found:?}", source.kept));
        found.credential.token.reveal().to_owned()
    }

    async fn error(&self) -> Error {
        let error = self.source().get().await.expect_err("an error");
        hides(&format!("{error} {error:#?} {:?}", error.hint()));
        error
    }
}

fn hides(shown: &str) {
    for secret in SECRETS.iter().copied().chain(["ya29", "assertion"]) {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[tokio::test]
async fn a_token_in_the_environment_comes_first() {
    let service = tokens();
    let world = World::new().file(&service.service_account());
    let world = world.var("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.mine");
    assert_eq!(world.token().await, "ya29.mine");
    assert!(service.asked().is_empty());
    let odd = World::new().var("GOOGLE_OAUTH_ACCESS_TOKEN", "two words");
    assert_eq!(odd.error().await.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_key_of_a_service_account_signs_an_assertion() {
    let service = tokens();
    let world = World::new().file(&service.service_account());
    assert_eq!(world.token().await, "ya29.robot-1");
    let mut other = service.service_account();
    other["client_email"] = "other@my-project.iam.gserviceaccount.com".into();
    let error = World::new().file(&other).error().await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("(invalid_grant)"), "{error}");
    other["private_key"] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".into();
    let error = World::new().file(&other).error().await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn a_sign_on_is_found_where_gcloud_keeps_it() {
    let service = tokens();
    let world = World::new();
    let folder = world.path().join(".config/gcloud");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("application_default_credentials.json");
    fs::write(file, service.authorized_user().to_string()).expect("a file");
    let found = world
        .source()
        .get()
        .await
        .expect("a token")
        .expect("a token");
    assert_eq!(found.credential.token.reveal(), "ya29.user-1");
    assert_eq!(found.credential.project.as_deref(), Some("payer"));
    assert_eq!(found.expires, Some(NOW + 3600));
    assert!(
        found
            .origin
            .ends_with("application_default_credentials.json (sign-on of a user)")
    );
    let moved = world
        .path()
        .join("elsewhere")
        .to_string_lossy()
        .into_owned();
    let error = world.var("CLOUDSDK_CONFIG", moved).error().await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn a_refused_sign_on_is_told_without_its_secrets() {
    let service = tokens();
    let mut file = service.authorized_user();
    file["refresh_token"] = "hush-refresh-old".into();
    let error = World::new().file(&file).error().await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.hint().expect("a hint").contains("sign in again"));
}

#[tokio::test]
async fn another_identity_is_exchanged_from_a_file_a_url_and_a_program() {
    let service = tokens();
    let world = World::new();
    let plain = world.path().join("subject");
    fs::write(&plain, "hush-subject\n").expect("a file");
    let json_file = world.path().join("subject.json");
    fs::write(&json_file, r#"{"id_token": "hush-subject"}"#).expect("a file");
    let field = |name: &str| json!({ "type": "json", "subject_token_field_name": name });
    for (source, kind) in [
        (json!({ "file": plain }), "a file"),
        (
            json!({ "file": json_file, "format": field("id_token") }),
            "a file",
        ),
        (
            json!({
                "url": format!("{}/subject", service.url()),
                "headers": { "Authorization": "hush-header" },
                "format": field("value"),
            }),
            "a URL",
        ),
    ] {
        let world = World::new().file(&service.external_account(source));
        let source = world.source();
        let found = source.get().await.expect("a token").expect("a token");
        assert!(
            found
                .credential
                .token
                .reveal()
                .starts_with("ya29.federated-")
        );
        let want = format!("key.json (identity federation, {kind})");
        assert!(found.origin.ends_with(&want), "{}", found.origin);
    }
}

/// A program that prints the token and counts its runs.
fn program(folder: &Path) -> (String, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let (path, runs) = (folder.join("print"), folder.join("runs"));
    let text = format!(
        "#!/bin/sh\necho run >> {}\n[ \"$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE\" = 0 ] || exit 3\n\
         cat <<END\n{{\"version\": 1, \"success\": true, \"id_token\": \"hush-subject\",\n\
         \"token_type\": \"$GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE\"}}\nEND\n",
        runs.display()
    );
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("rights");
    (path.to_string_lossy().into_owned(), runs)
}

#[tokio::test]
async fn a_program_runs_only_when_that_is_allowed_and_not_while_its_output_lasts() {
    let service = tokens();
    let folder = tempfile::tempdir().expect("a folder");
    let (program, runs) = program(folder.path());
    let left = folder.path().join("left");
    let source = json!({ "executable": {
        "command": program, "timeout_millis": 20_000, "output_file": left,
    }});
    let file = service.external_account(source);
    let error = World::new().file(&file).error().await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!runs.exists(), "nothing ran");
    let allowed = || {
        let world = World::new().file(&file);
        world.var("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    };
    assert_eq!(allowed().token().await, "ya29.federated-1");
    let output = |end: i64, token: &str| {
        let text = json!({
            "version": 1, "success": true, "id_token": token, "expiration_time": end,
            "token_type": "urn:ietf:params:oauth:token-type:jwt",
        });
        fs::write(&left, text.to_string()).expect("a file");
    };
    output(NOW + 60, "hush-subject");
    assert_eq!(allowed().token().await, "ya29.federated-2");
    let count = || fs::read_to_string(&runs).expect("runs").lines().count();
    assert_eq!(count(), 1, "what was left is taken");
    output(NOW, "hush-subject-old");
    assert_eq!(allowed().token().await, "ya29.federated-3");
    assert_eq!(count(), 2, "what has ended is not");
}

#[tokio::test]
async fn a_program_that_fails_or_prints_something_else_is_told() {
    let service = tokens();
    for (command, words) in [
        ("false", "it ended with exit status: 1"),
        ("echo hush-subject", "did not print what it must"),
        ("/none/such", "it does not run"),
    ] {
        let source = json!({ "executable": { "command": command } });
        let world = World::new().file(&service.external_account(source));
        let world = world.var("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
        let error = world.error().await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_service_account_is_acted_as_by_a_federated_identity_and_by_a_user() {
    let service = tokens();
    let world = World::new();
    let subject = world.path().join("subject");
    fs::write(&subject, "hush-subject").expect("a file");
    let mut federated = service.external_account(json!({ "file": subject }));
    federated["service_account_impersonation_url"] = service.impersonation_url().into();
    let token = World::new().file(&federated).token().await;
    assert_eq!(token, "ya29.as-robot-2");
    // The token that is exchanged must be good for more than buckets.
    assert!(
        service.asked()[0]
            .field("scope")
            .ends_with("/auth/cloud-platform")
    );
    let impersonated = json!({
        "type": "impersonated_service_account",
        "source_credentials": service.authorized_user(),
        "service_account_impersonation_url": service.impersonation_url(),
        "delegates": [],
    });
    let world = World::new().file(&impersonated);
    let source = world.source();
    let found = source.get().await.expect("a token").expect("a token");
    assert_eq!(found.credential.token.reveal(), "ya29.as-robot-4");
    assert_eq!(found.expires, Some(NOW + 3600));
    assert!(
        found
            .origin
            .ends_with(", as robot@my-project.iam.gserviceaccount.com")
    );
}

#[tokio::test]
async fn the_metadata_service_is_asked_last_and_only_where_it_is_wanted() {
    let service = tokens();
    let on = |world: World| {
        let world = world.var("GCE_METADATA_HOST", service.host());
        world.var("NO_GCE_CHECK", "")
    };
    assert_eq!(on(World::new()).token().await, "ya29.machine-1");
    let with_key = on(World::new()).file(&service.service_account());
    assert_eq!(with_key.token().await, "ya29.robot-2");
    let off = on(World::new()).var("NO_GCE_CHECK", "true");
    let error = off.error().await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn a_machine_without_a_metadata_service_is_asked_once() {
    // Something else listens there, as in many networks.
    let other = Double::start(|_| (200, r#"{"access_token": "x"}"#.to_owned()));
    let host = other.url().trim_start_matches("http://").to_owned();
    let world = World::new()
        .var("GCE_METADATA_HOST", host)
        .var("NO_GCE_CHECK", "");
    let source = world.source();
    for _ in 0..3 {
        let error = source.get().await.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.hint().expect("a hint").contains("gcloud auth"));
    }
    assert_eq!(other.asked().len(), 1);
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let service = tokens();
    let world = World::new().file(&service.service_account());
    let source = world.source();
    assert!(source.origin().is_none() && service.asked().is_empty());
    let token = async || {
        let found = source.get().await.expect("a token").expect("a token");
        found.credential.clone()
    };
    let first = token().await;
    world.clock.0.store(NOW + 3599 - MARGIN, Ordering::Relaxed);
    assert_eq!(token().await, first);
    assert_eq!(service.asked().len(), 1);
    // The double takes assertions of one second only; what lasts stays in use.
    world.clock.0.store(NOW, Ordering::Relaxed);
    assert!(source.ended(&first).await, "worth asking again");
    let second = token().await;
    assert_eq!(second.token.reveal(), "ya29.robot-2");
    assert!(source.ended(&first).await, "another is known by now");
    assert_eq!(token().await, second);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_without_their_content() {
    let missing = World::new().var("GOOGLE_APPLICATION_CREDENTIALS", "/none/key.json");
    let error = missing.error().await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    for (content, kind) in [
        (
            json!({ "type": "service_account", "private_key": "hush-refresh" }),
            ErrorKind::Invalid,
        ),
        (json!({ "private_key": "hush-refresh" }), ErrorKind::Invalid),
        (
            json!({ "type": "gdch_service_account", "x": "hush-refresh" }),
            ErrorKind::Unsupported,
        ),
        (json!("hush-refresh"), ErrorKind::Invalid),
        (
            json!({ "type": "external_account", "audience": "a", "subject_token_type": "t",
                "token_url": "https://sts.example/", "credential_source": { "environment_id": "aws1" } }),
            ErrorKind::Unsupported,
        ),
    ] {
        let error = World::new().file(&content).error().await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("key.json"), "{error}");
    }
}

#[tokio::test]
async fn a_secret_goes_to_no_other_machine_in_the_clear() {
    let mut file = tokens().authorized_user();
    file["token_uri"] = "http://oauth2.example/token".into();
    let error = World::new().file(&file).error().await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}

#[tokio::test]
async fn a_service_that_is_weak_or_not_there_is_worth_asking_again() {
    let weak = Double::start(|_| (503, "busy hush-client".to_owned()));
    let mut file = tokens().authorized_user();
    for url in [weak.url(), "http://127.0.0.1:1".to_owned()] {
        file["token_uri"] = url.into();
        let error = World::new().file(&file).error().await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}

#[tokio::test]
async fn who_goes_without_a_token_is_not_looked_up() {
    let service = tokens();
    let world = World::new().file(&service.service_account());
    let env: Arc<dyn Env> = Arc::new(world.vars.clone());
    let client = Client::new(&*env, Limits::default());
    let source = Source::new(
        true,
        client,
        env,
        Arc::clone(&world.clock) as Arc<dyn Clock>,
    );
    assert_eq!(source.get().await.expect("no error"), None);
    assert!(service.asked().is_empty());
}
