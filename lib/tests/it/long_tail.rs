//! Services of the long tail, against real servers: `cargo xtask test --long-tail`.

use bytes::Bytes;
use futures_util::TryStreamExt;
use pail::ids::{Ids, SystemIds};
use pail::store::{Env, Got, Location, Options, Precondition, Put, Store, SystemEnv, Want, open};
use pail::{ErrorKind, Key};
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::conformance::plain;

fn server(variable: &str) -> String {
    SystemEnv
        .var(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: run `cargo xtask test --long-tail`"))
}

/// A folder that is not there yet, each time.
fn folders(url: &str) -> impl Fn() -> Arc<dyn Store> {
    let url = url.to_owned();
    move || at(&format!("{url}/{}", SystemIds.hex().unwrap()))
}

fn at(url: &str) -> Arc<dyn Store> {
    let location = Location::parse(url).unwrap();
    let env: Arc<dyn Env> = Arc::new(BTreeMap::<String, String>::new());
    open(&location, &Options::default(), env).unwrap()
}

#[tokio::test]
async fn webdav_keeps_the_contract_but_for_conditions() {
    plain(folders(&server("PAIL_TEST_WEBDAV_URL"))).await;
}

#[tokio::test]
async fn a_web_server_is_read_and_never_written() {
    let folder = SystemIds.hex().unwrap();
    let writer = at(&format!("{}/{folder}", server("PAIL_TEST_WEBDAV_URL")));
    let reader = at(&format!("{}/{folder}", server("PAIL_TEST_WEB_URL")));
    let key = Key::new("d/a file").unwrap();
    let body = Bytes::from_static(b"0123456789");
    let put = writer
        .put(&key, body.clone(), Precondition::Always)
        .await
        .unwrap();
    assert!(matches!(put, Put::Written(_)));
    assert_eq!(reader.head(&key).await.unwrap().unwrap().size, 10);
    for (want, expected) in [
        (Want::all(), &b"0123456789"[..]),
        (Want::range(3..5), b"34"),
    ] {
        let Got::Found(found) = reader.get(&key, want).await.unwrap() else {
            panic!("it is there");
        };
        let bytes: Vec<Bytes> = found.bytes.try_collect().await.unwrap();
        assert_eq!(bytes.concat(), expected);
    }
    let absent = Key::new("d/none").unwrap();
    assert!(matches!(
        reader.get(&absent, Want::all()).await.unwrap(),
        Got::Missing
    ));
    let refused = reader
        .put(&key, body, Precondition::Always)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(
        refused.to_string().contains("can only be read"),
        "{refused}"
    );
    assert!(!refused.to_string().contains("password"), "{refused}");
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_shown() {
    let url = server("PAIL_TEST_WEBDAV_URL");
    let (_, host) = url.split_once('@').unwrap();
    let store = at(&format!("webdav+http://pail:wrong-secret@{host}"));
    let error = store.head(&Key::new("f").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!format!("{error} {error:?} {store:?}").contains("wrong-secret"));
}
