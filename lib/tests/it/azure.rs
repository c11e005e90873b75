//! The Azure adapter against a real service.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use pail::ids::{Ids, SystemIds};
use pail::store::adapter::azure::Azure;
use pail::store::{Env, Got, Location, Options, Precondition, Put, Store, Want};
use pail::{Error, ErrorKind, Key};
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::conformance::conformance;
use testkit::git::Git;
use testkit::services::{AzureService, azure};

fn fresh() -> String {
    SystemIds.hex().expect("chance")
}

/// A prefix of a container, with variables of an environment that has nothing else.
fn store_in(service: &AzureService, options: &Options, vars: &[(&str, &str)]) -> Azure {
    let url = format!(
        "{}/{}/{}/it/{}",
        service.endpoint.replace("http://", "az+http://"),
        service.account,
        service.container,
        fresh()
    );
    let Ok(Location::Azure(location)) = Location::parse(&url) else {
        panic!("{url} is no URL of a container");
    };
    let vars = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env: BTreeMap<String, String> = vars.collect();
    // Nothing may ask the machine or the developer's own account.
    env.insert(
        "AZURE_TOKEN_CREDENTIALS".to_owned(),
        "EnvironmentCredential".to_owned(),
    );
    let env: Arc<dyn Env> = Arc::new(env);
    Azure::open(&location, options, env)
}

/// A fresh prefix of the test container.
fn store() -> Azure {
    let service = azure();
    let key = service.key.clone();
    store_in(
        &service,
        &Options::default(),
        &[("AZURE_STORAGE_KEY", &key)],
    )
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

async fn read(store: &Azure, name: &str, want: Want) -> Vec<u8> {
    match store.get(&key(name), want).await.expect("an answer") {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.expect("a body");
            chunks.concat()
        }
        other => panic!("{name}: {other:?}"),
    }
}

async fn put(store: &Azure, name: &str, body: &'static str) {
    let (key, body) = (key(name), Bytes::from_static(body.as_bytes()));
    let put = store.put(&key, body, Precondition::Always).await;
    assert!(matches!(put, Ok(Put::Written(_))), "{name}: {put:?}");
}

/// No error may show a secret, however it is printed.
fn hides(error: &Error, secret: &str) {
    let shown = format!("{error} {error:?} {error:#?} {:?}", error.hint());
    for hidden in [secret, "sig=", "SharedKey", "authorization", "Bearer"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
}

#[tokio::test]
async fn azure_keeps_the_whole_contract() {
    conformance(|| Arc::new(store())).await;
}

#[tokio::test]
async fn what_shall_stay_gets_what_the_options_say() {
    let service = azure();
    let options = Options {
        storage_class: Some("Cool".to_owned()),
        metadata: vec![("team-name".to_owned(), "red".to_owned())],
        tags: vec![("kind".to_owned(), "pack file".to_owned())],
        ..Options::default()
    };
    let key_of = service.key.clone();
    let store = store_in(&service, &options, &[("AZURE_STORAGE_KEY", &key_of)]);
    put(&store, "small", "x").await;
    let upload = store.begin(&key("large")).await.expect("an upload");
    upload
        .part(0, Bytes::from_static(b"x"))
        .await
        .expect("a part");
    upload.complete().await.expect("complete");
    for name in ["small", "large"] {
        let head = curl(&["-I", &signed(&service, &store, name)]).to_ascii_lowercase();
        for line in [
            "x-ms-access-tier: cool",
            "x-ms-meta-team_name: red",
            "x-ms-tag-count: 1",
        ] {
            assert!(head.contains(line), "{name}: {line} in {head}");
        }
    }
}

/// What another client is answered.
fn curl(args: &[&str]) -> String {
    let git = Git::new();
    let mut command = git.program("curl");
    command.args(["-sS", "--fail"]).args(args);
    let out = testkit::git::run(command, b"");
    assert!(out.ok(), "{}", out.stderr);
    out.stdout
}

/// The address of a file with a signature that may read: as anybody else would look at it.
fn signed(service: &AzureService, store: &Azure, name: &str) -> String {
    let place = store.describe().replace("az+http://", "http://");
    format!("{place}/{name}?{}", service.readonly_sas)
}

#[tokio::test]
async fn a_missing_container_is_named() {
    let mut service = azure();
    service.container = format!("none-{}", &fresh()[..8]);
    let secret = service.key.clone();
    let store = store_in(
        &service,
        &Options::default(),
        &[("AZURE_STORAGE_KEY", &secret)],
    );
    let read = store
        .get(&key("a"), Want::all())
        .await
        .expect_err("an error");
    let looked = store.head(&key("a")).await.expect_err("an error");
    let listed = store.list("", None).next().await.expect("an item");
    let listed = listed.expect_err("an error");
    for error in [read, looked, listed] {
        assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
        assert!(error.to_string().contains("no such container"), "{error}");
        hides(&error, &secret);
    }
}

#[tokio::test]
async fn wrong_keys_are_denied_and_never_shown() {
    let service = azure();
    let wrong = "bm90IHRoZSBrZXk=";
    let store = store_in(
        &service,
        &Options::default(),
        &[("AZURE_STORAGE_KEY", wrong)],
    );
    let error = store
        .get(&key("a"), Want::all())
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(
        error.to_string().contains("credentials are wrong"),
        "{error}"
    );
    hides(&error, wrong);
    let error = store.head(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    hides(&error, wrong);
    assert_eq!(
        store.credentials_used().as_deref(),
        Some("AZURE_STORAGE_KEY (key of the account pailtests)")
    );
}

#[tokio::test]
async fn without_credentials_none_are_sent() {
    let options = Options {
        anonymous: true,
        ..Options::default()
    };
    let store = store_in(&azure(), &options, &[]);
    let error = store
        .get(&key("a"), Want::all())
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(store.credentials_used(), None);
}

#[tokio::test]
async fn a_reader_may_read_and_not_write() {
    let service = azure();
    let sas = service.readonly_sas.clone();
    let vars = [("AZURE_STORAGE_SAS_TOKEN", sas.as_str())];
    let store = store_in(&service, &Options::default(), &vars);
    assert!(matches!(
        store.get(&key("a"), Want::all()).await,
        Ok(Got::Missing)
    ));
    assert_eq!(store.list("", None).count().await, 0);
    for when in [Precondition::Always, Precondition::Absent] {
        let body = Bytes::from_static(b"x");
        let error = store
            .put(&key("a"), body, when)
            .await
            .expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("Storage Blob Data Contributor"), "{error:?}");
        hides(&error, &sas);
    }
    let error = store.begin(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let error = store.delete(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    hides(&error, &sas);
}

#[tokio::test]
async fn a_connection_string_says_the_address_too() {
    let service = azure();
    let text = format!(
        "BlobEndpoint={}/{};AccountName={};AccountKey={}",
        service.endpoint, service.account, service.account, service.key
    );
    let url = format!(
        "az://{}/{}/it/{}",
        service.account,
        service.container,
        fresh()
    );
    let Ok(Location::Azure(location)) = Location::parse(&url) else {
        panic!("{url} is no URL of a container");
    };
    let env = BTreeMap::from([("AZSTORE_WORK_CONNECTION_STRING".to_owned(), text)]);
    let options = Options {
        profile: Some("work".to_owned()),
        ..Options::default()
    };
    let store = Azure::open(&location, &options, Arc::new(env));
    put(&store, "a", "hello").await;
    assert_eq!(read(&store, "a", Want::all()).await, b"hello");
    let used = store.credentials_used().unwrap_or_default();
    assert!(used.starts_with("AZSTORE_WORK_CONNECTION_STRING"), "{used}");
}

#[tokio::test]
async fn a_file_with_a_lease_is_denied_and_no_lost_race() {
    let service = azure();
    let store = store();
    put(&store, "a", "one").await;
    let Ok(Got::Found(body)) = store.get(&key("a"), Want::all()).await else {
        panic!("no file");
    };
    // As somebody else would, with the right to do all.
    let place = signed(&service, &store, "a").replace(&service.readonly_sas, &service.sas);
    curl(&[
        "-X",
        "PUT",
        "-d",
        "",
        "-H",
        "x-ms-lease-action: acquire",
        "-H",
        "x-ms-lease-duration: -1",
        "-H",
        "x-ms-version: 2023-11-03",
        &format!("{place}&comp=lease"),
    ]);
    let when = Precondition::Unchanged(&body.info.version);
    let error = store
        .put(&key("a"), Bytes::new(), when)
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("lease"), "{error}");
}

#[tokio::test]
async fn of_twenty_writers_nobody_loses_an_update() {
    const EACH: usize = 1;
    let store = store();
    put(&store, "count", "0").await;
    let writers = (0..20).map(|_| async {
        let mut done = 0;
        while done < EACH {
            let Ok(Got::Found(body)) = store.get(&key("count"), Want::all()).await else {
                panic!("no count");
            };
            let version = body.info.version;
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.expect("a body");
            let text = String::from_utf8(chunks.concat()).expect("text");
            let count: usize = text.parse().expect("a number");
            let next = Bytes::from((count + 1).to_string());
            let when = Precondition::Unchanged(&version);
            let put = store.put(&key("count"), next, when).await;
            if let Put::Written(_) = put.expect("an answer") {
                done += 1;
            }
        }
    });
    future::join_all(writers).await;
    let count = (20 * EACH).to_string().into_bytes();
    assert_eq!(read(&store, "count", Want::all()).await, count);
}
