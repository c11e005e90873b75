//! The S3 adapter against a real service.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use pail::ids::{Ids, SystemIds};
use pail::store::adapter::s3::S3;
use pail::store::layer::Retry;
use pail::store::{
    Copied, Env, Got, Location, Options, Precondition, Put, Store, SystemEnv, Version, Want,
};
use pail::{Error, ErrorKind, Key};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::conformance::conformance;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

fn var(name: &str) -> String {
    SystemEnv.var(name).unwrap_or_else(|| {
        panic!("{name} is not set: these tests need an S3 service, its address and its keys")
    })
}

/// The bucket of the tests, which is there already.
fn bucket() -> String {
    let named = SystemEnv.var("PAIL_TEST_S3_BUCKET");
    named.unwrap_or_else(|| "pail-test".to_owned())
}

/// `host:port` of the service.
fn endpoint() -> String {
    let endpoint = var("PAIL_TEST_S3_ENDPOINT");
    endpoint
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned()
}

fn fresh() -> String {
    SystemIds.hex().expect("chance")
}

fn store_at(endpoint: &str, bucket: &str, keys: (&str, &str)) -> S3 {
    let url = format!(
        "s3+http://{}:{}@{endpoint}/{bucket}/it/{}",
        keys.0,
        keys.1,
        fresh()
    );
    let Ok(Location::S3(location)) = Location::parse(&url) else {
        panic!("{endpoint}/{bucket} makes no URL");
    };
    let env: Arc<dyn Env> = Arc::new(BTreeMap::from([(
        "AWS_EC2_METADATA_DISABLED".to_owned(),
        "true".to_owned(),
    )]));
    S3::open(&location, &Options::default(), env)
}

fn keys() -> (String, String) {
    (var("PAIL_TEST_S3_KEY"), var("PAIL_TEST_S3_SECRET"))
}

/// A fresh prefix of the test bucket.
fn store() -> S3 {
    let (key, secret) = keys();
    store_at(&endpoint(), &bucket(), (&key, &secret))
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

async fn put(store: &S3, name: &str, body: &'static str) -> Version {
    let (key, body) = (key(name), Bytes::from_static(body.as_bytes()));
    written(
        store
            .put(&key, body, Precondition::Always)
            .await
            .expect("a write"),
    )
}

fn written(put: Put) -> Version {
    match put {
        Put::Written(version) => version,
        Put::Lost => panic!("lost"),
    }
}

async fn read(store: &S3, name: &str, want: Want) -> Vec<u8> {
    match store.get(&key(name), want).await.expect("an answer") {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await.expect("a body");
            chunks.concat()
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn s3_keeps_the_whole_contract() {
    conformance(|| Arc::new(store())).await;
    conformance(|| Arc::new(Retry::new(store(), Arc::new(SystemIds)))).await;
}

#[tokio::test]
async fn copies_come_from_other_prefixes_and_large_ones_in_parts() {
    let (name, secret) = keys();
    let there = store();
    let url = format!(
        "s3+http://{name}:{secret}@{}/{}/it/{}?part-size=5M",
        endpoint(),
        bucket(),
        fresh()
    );
    let location = Location::parse(&url).expect("a URL");
    let options = Options::gather(&location, []).expect("options");
    let Location::S3(location) = location else {
        panic!("{location}");
    };
    let env: Arc<dyn Env> = Arc::new(BTreeMap::new());
    let here = S3::open(&location, &options, env);
    let whole = testkit::seed::Chance::new(11).bytes(11 << 20);
    let written = there
        .put(&key("large"), whole.clone().into(), Precondition::Always)
        .await;
    assert!(matches!(written, Ok(Put::Written(_))), "{written:?}");
    let from = there.whereabouts(&key("large")).await.expect("an answer");
    let from = from.expect("a place");
    let copied = here.copy(&from, whole.len() as u64, &key("d/copy")).await;
    assert_eq!(copied.expect("an answer"), Copied::Done);
    assert!(read(&here, "d/copy", Want::all()).await == whole);
    // An ETag of three parts.
    let info = here.head(&key("d/copy")).await.expect("an answer");
    let version = info.expect("it is there").version;
    assert!(version.as_str().ends_with("-3\""), "{version:?}");
    let left: Vec<_> = here.unfinished("").try_collect().await.expect("a list");
    assert_eq!(left, []);
}

#[tokio::test]
async fn what_was_written_is_read_and_deleted() {
    let store = store();
    assert!(matches!(
        store.get(&key("a"), Want::all()).await,
        Ok(Got::Missing)
    ));
    assert_eq!(store.head(&key("a")).await.expect("an answer"), None);
    let version = put(&store, "a", "hello").await;
    let info = store
        .head(&key("a"))
        .await
        .expect("an answer")
        .expect("a file");
    assert_eq!((info.size, info.version), (5, version));
    assert_eq!(read(&store, "a", Want::all()).await, b"hello");
    put(&store, "empty", "").await;
    assert_eq!(read(&store, "empty", Want::all()).await, b"");
    store.delete(&key("a")).await.expect("deleted");
    store.delete(&key("a")).await.expect("deleted again");
    assert_eq!(store.head(&key("a")).await.expect("an answer"), None);
}

#[tokio::test]
async fn ranges_are_exact_and_cut_at_the_end() {
    let store = store();
    let version = put(&store, "a", "0123456789").await;
    assert_eq!(read(&store, "a", Want::range(2..5)).await, b"234");
    assert_eq!(read(&store, "a", Want::range(0..1)).await, b"0");
    assert_eq!(read(&store, "a", Want::range(8..99)).await, b"89");
    assert_eq!(read(&store, "a", Want::range(4..4)).await, b"");
    let Ok(Got::Found(body)) = store.get(&key("a"), Want::range(2..5)).await else {
        panic!("no body");
    };
    assert_eq!((body.info.size, body.info.version), (10, version));
    let behind = store
        .get(&key("a"), Want::range(10..12))
        .await
        .expect_err("an error");
    assert_eq!(behind.kind(), ErrorKind::Invalid, "{behind}");
    assert!(matches!(
        store.get(&key("b"), Want::range(0..2)).await,
        Ok(Got::Missing)
    ));
}

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_again() {
    let store = store();
    let first = put(&store, "a", "one").await;
    let unless = |version: &Version| Want {
        range: None,
        unless: Some(version.clone()),
    };
    let again = store.get(&key("a"), unless(&first)).await;
    assert!(matches!(again, Ok(Got::NotModified)), "{again:?}");
    put(&store, "a", "two").await;
    assert_eq!(read(&store, "a", unless(&first)).await, b"two");
}

#[tokio::test]
async fn an_update_of_what_has_gone_is_lost() {
    let store = store();
    let version = put(&store, "a", "one").await;
    let when = Precondition::Unchanged(&version);
    store.delete(&key("a")).await.expect("deleted");
    assert_eq!(
        store
            .put(&key("a"), Bytes::from_static(b"two"), when)
            .await
            .expect("an answer"),
        Put::Lost
    );
}

#[tokio::test]
async fn parts_may_come_at_once_and_in_any_order() {
    let store = store();
    let size = 5 << 20;
    let body: Vec<u8> = (0..2 * size + 77)
        .map(|n: usize| (n / 7 % 251) as u8)
        .collect();
    let body = Bytes::from(body);
    let upload = store.begin(&key("big")).await.expect("an upload");
    let parts = [2, 0, 1].map(|n: usize| {
        let part = body.slice(n * size..body.len().min((n + 1) * size));
        upload.part(n as u32, part)
    });
    future::try_join_all(parts).await.expect("parts");
    assert_eq!(store.head(&key("big")).await.expect("an answer"), None);
    upload.complete().await.expect("complete");
    assert_eq!(read(&store, "big", Want::all()).await, body);
    let middle = size as u64 - 10..size as u64 + 10;
    assert_eq!(
        read(&store, "big", Want::range(middle)).await,
        body[size - 10..size + 10]
    );
}

#[tokio::test]
async fn an_aborted_upload_leaves_no_file() {
    let store = store();
    let upload = store.begin(&key("big")).await.expect("an upload");
    upload
        .part(0, Bytes::from_static(b"x"))
        .await
        .expect("a part");
    upload.abort().await.expect("aborted");
    upload.abort().await.expect("aborted again");
    let error = upload.complete().await.expect_err("an error");
    // Ceph does not tell an upload that has ended from one that is being completed.
    let ceph = error.to_string().contains("already in progress");
    let expected = if ceph {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Missing
    };
    assert_eq!(error.kind(), expected, "{error}");
    assert_eq!(store.head(&key("big")).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_listing_is_in_order_over_pages_and_goes_on_where_told() {
    let store = store();
    let names: Vec<String> = (0..1100).map(|n| format!("many/{n:04}")).collect();
    futures_util::stream::iter(&names)
        .for_each_concurrent(16, |name| async {
            put(&store, name, "x").await;
        })
        .await;
    put(&store, "manyx", "xyz").await;
    put(&store, "other", "x").await;
    let all = |prefix, after| {
        store
            .list(prefix, after)
            .map_ok(|file| file.key)
            .try_collect::<Vec<_>>()
    };
    let mut want = names.clone();
    want.push("manyx".to_owned());
    assert_eq!(all("many", None).await.expect("a list"), want);
    assert_eq!(
        all("many/", Some("many/1097")).await.expect("a list"),
        names[1098..]
    );
    assert_eq!(
        all("", Some("many/1099")).await.expect("a list"),
        ["manyx", "other"]
    );
    assert!(all("none", None).await.expect("a list").is_empty());
    let file = store
        .list("manyx", None)
        .next()
        .await
        .expect("a file")
        .expect("a file");
    assert_eq!(file.size, 3);
    assert!(file.modified > 1_600_000_000, "{}", file.modified);
}

#[tokio::test]
async fn odd_names_come_back_as_they_went() {
    let store = store();
    let names = [
        "a b/c+d",
        "a%20b",
        "a%2Fb",
        "é/ü#?&=",
        "日本/~'()*!",
        "x<y>&amp;\"z",
    ];
    for name in names {
        put(&store, name, "odd").await;
        assert_eq!(read(&store, name, Want::all()).await, b"odd", "{name}");
    }
    let mut want = names.map(str::to_owned);
    want.sort();
    let listed: Vec<_> = store
        .list("", None)
        .map_ok(|file| file.key)
        .try_collect()
        .await
        .expect("a list");
    assert_eq!(listed, want);
    let after: Vec<_> = store
        .list("", Some("a%20b"))
        .map_ok(|file| file.key)
        .try_collect()
        .await
        .expect("a list");
    assert_eq!(after, want[2..]);
    for name in names {
        store.delete(&key(name)).await.expect("deleted");
    }
    assert_eq!(store.list("", None).count().await, 0);
}

/// No error may show the secret, however it is printed.
fn hides(error: &Error, secret: &str) {
    let shown = format!("{error} {error:?} {error:#?} {:?}", error.hint());
    for hidden in [secret, "Signature=", "AWS4-HMAC", "authorization"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let (id, secret) = keys();
    let store = store_at(&endpoint(), &format!("none-{}", fresh()), (&id, &secret));
    let error = store
        .get(&key("a"), Want::all())
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    assert!(error.to_string().contains("no such bucket"), "{error}");
    let listed = store
        .list("", None)
        .next()
        .await
        .expect("an item")
        .expect_err("an error");
    assert_eq!(listed.kind(), ErrorKind::Missing, "{listed}");
    hides(&error, &secret);
}

#[tokio::test]
async fn wrong_keys_are_denied_and_never_shown() {
    let (id, _) = keys();
    let store = store_at(&endpoint(), &bucket(), (&id, "not-the-secret"));
    let error = store
        .get(&key("a"), Want::all())
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("secret key is wrong"), "{error}");
    hides(&error, "not-the-secret");
    let error = store.head(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let store = store_at(&endpoint(), &bucket(), ("nobody", "not-the-secret"));
    let error = store
        .list("", None)
        .next()
        .await
        .expect("an item")
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(
        error.to_string().contains("does not know the access key"),
        "{error}"
    );
    assert!(!format!("{store:?} {}", store.describe()).contains("secret"));
}

#[tokio::test]
async fn a_reader_may_read_and_not_write() {
    let id = var("PAIL_TEST_S3_READONLY_KEY");
    let secret = var("PAIL_TEST_S3_READONLY_SECRET");
    let store = store_at(&endpoint(), &bucket(), (&id, &secret));
    assert!(matches!(
        store.get(&key("a"), Want::all()).await,
        Ok(Got::Missing)
    ));
    for when in [Precondition::Always, Precondition::Absent] {
        let error = store
            .put(&key("a"), Bytes::from_static(b"x"), when)
            .await
            .expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("s3:PutObject")),
            "{error:?}"
        );
        hides(&error, &secret);
    }
    let error = store.begin(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let error = store.delete(&key("a")).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

/// A relay on loopback that counts connections.
async fn relay(to: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let to = to.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.expect("the service");
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, accepted)
}

#[tokio::test]
async fn requests_that_follow_one_another_use_one_connection() {
    let (address, accepted) = relay(endpoint()).await;
    let (id, secret) = keys();
    let store = store_at(&address, &bucket(), (&id, &secret));
    assert_eq!(accepted.load(Ordering::SeqCst), 0, "opening costs nothing");
    for round in 0..5 {
        assert!(matches!(
            store.get(&key("none"), Want::all()).await,
            Ok(Got::Missing)
        ));
        let name = format!("file-{round}");
        let version = put(&store, &name, "some bytes").await;
        assert_eq!(read(&store, &name, Want::all()).await, b"some bytes");
        assert_eq!(read(&store, &name, Want::range(1..4)).await, b"ome");
        assert!(store.head(&key(&name)).await.expect("an answer").is_some());
        assert!(store.head(&key("none")).await.expect("an answer").is_none());
        let want = Want {
            range: None,
            unless: Some(version.clone()),
        };
        assert!(matches!(
            store.get(&key(&name), want).await,
            Ok(Got::NotModified)
        ));
        let lost = store
            .put(&key(&name), Bytes::from_static(b"x"), Precondition::Absent)
            .await;
        assert_eq!(lost.expect("an answer"), Put::Lost);
        let unchanged = Precondition::Unchanged(&version);
        written(
            store
                .put(&key(&name), Bytes::from_static(b"y"), unchanged)
                .await
                .expect("an answer"),
        );
        assert_eq!(store.list("", None).count().await, 1);
        let upload = store.begin(&key("big")).await.expect("an upload");
        upload
            .part(0, Bytes::from(vec![7; 300_000]))
            .await
            .expect("a part");
        upload.complete().await.expect("complete");
        assert_eq!(read(&store, "big", Want::all()).await.len(), 300_000);
        store.delete(&key("big")).await.expect("deleted");
        store.delete(&key(&name)).await.expect("deleted");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable_even_to_a_conditional_write() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = gone.local_addr().expect("an address").to_string();
    drop(gone);
    let store = store_at(&address, "pail-test", ("id", "hush"));
    let error = store
        .put(&key("a"), Bytes::new(), Precondition::Absent)
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    hides(&error, "hush");
}
