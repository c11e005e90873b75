use super::*;
use crate::secret::Secret;
use crate::store::Location;
use crate::store::credentials::kept::MARGIN;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::credentials_fake::Double;
use testkit::credentials_fake::azure::{
    ASSERTION, CLIENT_SECRET, IDENTITY_HEADER, app_service, directory, machine,
};
use testkit::forward_proxy::ForwardProxy;

const URL: &str = "az://team/files/repo";
const KEY: &str = "aHVzaC1rZXk=";
const SAS: &str = "sv=2023-11-03&sig=hush";

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Surroundings of these variables alone. The machine's own metadata service is out of
/// reach: only a test that names a double of it lets it be asked.
fn source_with(url: &str, options: &Options, vars: &[(&str, &str)]) -> (Source, Arc<Hand>) {
    let vars = vars.iter();
    let mut env: BTreeMap<_, _> = vars
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    if !env.contains_key("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
        env.entry("AZURE_TOKEN_CREDENTIALS".to_owned())
            .or_insert_with(|| "EnvironmentCredential".to_owned());
    }
    let Ok(Location::Azure(location)) = Location::parse(url) else {
        panic!("{url}");
    };
    let clock = Arc::new(Hand::default());
    let dyn_clock = Arc::clone(&clock) as Arc<dyn Clock>;
    (
        Source::new(&location, options, Arc::new(env), dyn_clock),
        clock,
    )
}

fn source(vars: &[(&str, &str)]) -> (Source, Arc<Hand>) {
    source_with(URL, &Options::default(), vars)
}

/// No helper of git's knows this address.
const NOWHERE: &str = "";

async fn found(source: &Source) -> Found {
    let found = source.get(NOWHERE).await.expect("credentials");
    let found = found.expect("some");
    assert_eq!(source.origin().as_ref(), Some(&found.origin));
    assert!(!found.origin.contains("hush"), "{}", found.origin);
    Found::clone(&found)
}

/// The first source that is set up.
async fn first(vars: &[(&str, &str)]) -> (Access, String) {
    let found = found(&source(vars).0).await;
    (found.credential, found.origin)
}

fn bearer(token: &str) -> Access {
    Access::Bearer(Secret::new(token))
}

fn key() -> Access {
    Access::Key(Secret::new(KEY))
}

fn sas() -> Access {
    Access::Sas(Secret::new(SAS))
}

/// What is said of a failure, in which no secret may stand.
async fn failure(source: &Source) -> (ErrorKind, String) {
    let error = source.get(NOWHERE).await.expect_err("an error");
    let shown = format!("{error} {error:?} {error:#?}");
    for secret in ["hush", KEY] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let hint = error.hint().unwrap_or_default();
    (error.kind(), format!("{error} / {hint}"))
}

#[tokio::test]
async fn secrets_of_the_environment_have_an_order() {
    let connection = format!("AccountName=team;AccountKey={KEY}");
    let all = [
        ("AZURE_STORAGE_CONNECTION_STRING", connection.as_str()),
        ("AZURE_STORAGE_KEY", KEY),
        ("AZURE_STORAGE_SAS_TOKEN", SAS),
    ];
    let origin = "AZURE_STORAGE_CONNECTION_STRING (key of the account team)";
    assert_eq!(first(&all).await, (key(), origin.to_owned()));
    let origin = "AZURE_STORAGE_KEY (key of the account team)";
    assert_eq!(first(&all[1..]).await, (key(), origin.to_owned()));
    let origin = "AZURE_STORAGE_SAS_TOKEN (shared access signature)";
    assert_eq!(first(&all[2..]).await, (sas(), origin.to_owned()));
    let marked = format!("?{SAS}");
    assert_eq!(
        first(&[("AZURE_STORAGE_SAS_TOKEN", &marked)]).await.0,
        sas()
    );
    let url = format!(
        "az+http://team:{}@127.0.0.1:1/team/files/repo",
        KEY.replace('=', "%3D")
    );
    let (in_url, _) = source_with(&url, &Options::default(), &all);
    assert_eq!(
        found(&in_url).await.origin,
        "the URL (key of the account team)"
    );
}

#[tokio::test]
async fn secrets_of_another_account_are_not_used() {
    let connection = format!("AccountName=other;AccountKey={KEY}");
    let vars = [
        ("AZURE_STORAGE_CONNECTION_STRING", connection.as_str()),
        ("AZURE_STORAGE_ACCOUNT", "other"),
        ("AZURE_STORAGE_KEY", KEY),
        ("AZURE_STORAGE_SAS_TOKEN", SAS),
    ];
    let (kind, text) = failure(&source(&vars).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(
        text.contains("AZURE_STORAGE_ACCOUNT names the account other"),
        "{text}"
    );
    let vars = [
        ("AZURE_STORAGE_ACCOUNT", "team"),
        ("AZURE_STORAGE_KEY", KEY),
    ];
    assert_eq!(first(&vars).await.0, key());
}

#[tokio::test]
async fn named_credentials_stand_apart() {
    let options = Options {
        profile: Some("work-2".to_owned()),
        ..Options::default()
    };
    let named = |vars: &[(&str, &str)]| source_with(URL, &options, vars).0;
    let vars = [("AZSTORE_WORK_2_SAS", SAS), ("AZURE_STORAGE_KEY", KEY)];
    assert_eq!(found(&named(&vars)).await.credential, sas());
    let vars = [("AZSTORE_WORK_2_KEY", KEY), ("AZSTORE_WORK_2_SAS", SAS)];
    assert_eq!(found(&named(&vars)).await.credential, key());
    let (kind, text) = failure(&named(&[("AZURE_STORAGE_KEY", KEY)])).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("AZSTORE_WORK_2_KEY"), "{text}");
    let other = format!("AccountName=other;AccountKey={KEY}");
    let (kind, text) = failure(&named(&[("AZSTORE_WORK_2_CONNECTION_STRING", &other)])).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(
        text.contains("it is for the account other, not team"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_secret_is_a_mistake() {
    for (name, value) in [
        ("AZURE_STORAGE_KEY", "hush hush"),
        ("AZURE_STORAGE_SAS_TOKEN", "hush"),
        ("AZURE_STORAGE_CONNECTION_STRING", "hush"),
    ] {
        let (kind, text) = failure(&source(&[(name, value)]).0).await;
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn nothing_found_says_what_to_set() {
    let (kind, text) = failure(&source(&[]).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(
        text.starts_with("no credentials found for az://team/files/repo"),
        "{text}"
    );
    assert!(
        text.contains("AZURE_STORAGE_KEY") && text.contains("az login"),
        "{text}"
    );
    let anonymous = Options {
        anonymous: true,
        ..Options::default()
    };
    let (source, _) = source_with(URL, &anonymous, &[("AZURE_STORAGE_KEY", KEY)]);
    assert!(matches!(source.get(NOWHERE).await, Ok(None)));
}

/// Asks at the beginning, shortly before the time of renewal, and at it.
async fn renewed(source: &Source, clock: &Hand, end: i64) -> [Found; 3] {
    let at_first = found(source).await;
    assert_eq!(at_first.expires, Some(end));
    clock.0.store(end - MARGIN - 1, Ordering::Relaxed);
    let before = found(source).await;
    clock.0.store(end - MARGIN, Ordering::Relaxed);
    [at_first, before, found(source).await]
}

#[tokio::test]
async fn a_service_principal_gets_a_token_and_another_before_it_ends() {
    let directory = directory();
    let url = directory.url();
    let vars = [
        ("AZURE_AUTHORITY_HOST", url.as_str()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let (source, clock) = source(&vars);
    let tokens = renewed(&source, &clock, 3599).await;
    let [one, same, next] = tokens.map(|found| found.credential);
    assert_eq!(
        [one, same, next.clone()],
        ["1", "1", "2"].map(|n| bearer(&format!("hush-token-{n}")))
    );
    assert_eq!(
        source.origin().as_deref(),
        Some("the service principal app")
    );
    // What the storage service refuses is looked for again, once.
    assert!(source.refused(&next).await);
    assert_eq!(found(&source).await.credential, bearer("hush-token-3"));
}

#[tokio::test]
async fn a_wrong_client_secret_is_told_in_the_words_of_the_directory() {
    let directory = directory();
    let url = directory.url();
    let vars = [
        ("AZURE_AUTHORITY_HOST", url.as_str()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", "hush-wrong"),
    ];
    let (kind, text) = failure(&source(&vars).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(
        text.contains("AADSTS7000215") && !text.contains("Trace ID"),
        "{text}"
    );
}

#[tokio::test]
async fn a_token_is_asked_for_through_the_proxy_of_the_options() {
    let (directory, proxy) = (directory(), ForwardProxy::start(None));
    let url = directory.url();
    let options = Options {
        proxy: Some(Secret::new(format!("http://{}", proxy.address()))),
        ..Options::default()
    };
    let vars = [
        ("AZURE_AUTHORITY_HOST", url.as_str()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let (source, _) = source_with(URL, &options, &vars);
    assert_eq!(found(&source).await.credential, bearer("hush-token-1"));
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with(&format!("POST {url}")), "{asked:?}");
}

#[tokio::test]
async fn a_workload_identity_shows_the_token_of_its_file() {
    let directory = directory();
    let url = directory.url();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{ASSERTION}\n")).expect("a file");
    let file = file.to_string_lossy();
    let vars = [
        ("AZURE_AUTHORITY_HOST", url.as_str()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_FEDERATED_TOKEN_FILE", &file),
        ("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential"),
    ];
    let (source, clock) = source(&vars);
    let tokens = renewed(&source, &clock, 3599).await;
    assert_eq!(tokens[0].credential, bearer("hush-token-1"));
    assert_eq!(tokens[2].credential, bearer("hush-token-2"));
    assert_eq!(
        source.origin().as_deref(),
        Some("the workload identity app")
    );
}

#[tokio::test]
async fn a_machine_gives_the_token_of_its_identity() {
    let machine = machine(true);
    let url = machine.url();
    let vars = [
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.as_str()),
        ("AZURE_CLIENT_ID", "mine"),
    ];
    let (source, clock) = source(&vars);
    let tokens = renewed(&source, &clock, 3600).await;
    assert_eq!(tokens[0].credential, bearer("hush-token-1"));
    assert_eq!(tokens[2].credential, bearer("hush-token-2"));
    assert_eq!(machine.asked()[0].field("client_id"), "mine");
    let origin = "the managed identity of the machine";
    assert_eq!(source.origin().as_deref(), Some(origin));
}

#[tokio::test]
async fn a_machine_without_an_identity_has_none() {
    let machine = machine(false);
    let url = machine.url();
    let vars = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.as_str())];
    let (kind, _) = failure(&source(&vars).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert_eq!(machine.asked().len(), 1);
}

#[tokio::test]
async fn the_metadata_service_of_another_cloud_ends_no_search() {
    for status in [401, 403, 404, 405] {
        let machine = Double::start(move |_| (status, String::new()));
        let url = machine.url();
        let vars = [
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.as_str()),
            ("AZURE_STORAGE_ACCOUNT", "other"),
        ];
        let (kind, said) = failure(&source(&vars).0).await;
        assert_eq!(kind, ErrorKind::Denied);
        assert_eq!(machine.asked().len(), 1);
        assert!(said.contains("names the account other"), "{status}: {said}");
    }
}

#[tokio::test]
async fn an_app_service_gives_the_token_of_its_identity() {
    let service = app_service();
    let url = format!("{}/msi/token", service.url());
    let vars = [
        ("IDENTITY_ENDPOINT", url.as_str()),
        ("IDENTITY_HEADER", IDENTITY_HEADER),
        ("AZURE_TOKEN_CREDENTIALS", "prod"),
    ];
    assert_eq!(first(&vars).await.0, bearer("hush-token-1"));
    let vars = [vars[0], ("IDENTITY_HEADER", "hush-wrong"), vars[2]];
    let (kind, text) = failure(&source(&vars).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("403"), "{text}");
}

/// A program that stands in for the Azure CLI; the folder that `PATH` names.
fn az(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("az");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a program");
    folder
}

#[tokio::test]
async fn who_is_signed_in_with_the_cli_gets_a_token() {
    let folder = az(
        "[ \"$*\" = 'account get-access-token --output json --resource \
         https://storage.azure.com' ] || exit 1\n\
         echo '{\"accessToken\": \"hush-token\", \"expiresOn\": \"1970-01-01 01:00:00\", \
         \"expires_on\": 3600, \"tokenType\": \"Bearer\"}'",
    );
    let path = folder.path().to_string_lossy();
    let vars = [("PATH", &*path), ("AZURE_TOKEN_CREDENTIALS", "dev")];
    let found = found(&source(&vars).0).await;
    assert_eq!(found.credential, bearer("hush-token"));
    assert_eq!(found.expires, Some(3600));
    assert_eq!(found.origin, "the Azure CLI");
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_to() {
    let folder = az("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    let path = folder.path().to_string_lossy();
    let vars = [
        ("PATH", &*path),
        ("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential"),
    ];
    let (kind, text) = failure(&source(&vars).0).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("Please run 'az login'"), "{text}");
}
