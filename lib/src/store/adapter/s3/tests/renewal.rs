//! Credentials that end while they are used.

use super::*;
use crate::clock::Clock;
use crate::ids::SystemIds;
use crate::store::layer::Retry;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::credentials_fake::Sts;

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What stands around a store.
struct World {
    clock: Arc<Hand>,
    sts: Sts,
    _folder: tempfile::TempDir,
}

/// A store at a scripted service whose credentials are those of a role and last an hour.
async fn with_role(answers: Vec<String>) -> (Retry<S3>, World, Arc<Mutex<Vec<String>>>) {
    let sts = Sts::start(&["AKIDEXAMPLE"], &[], "1970-01-01T01:00:00Z");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    let text = "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/deploy\n\
        credential_source = Environment\n";
    std::fs::write(&config, text).expect("a file");
    let (store, heads) = scripted(vec![answers]).await;
    let address = store
        .shared
        .location
        .host
        .clone()
        .expect("a host")
        .authority;
    let env = env(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url()),
        ("AWS_CONFIG_FILE", &config.to_string_lossy()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hushhush"),
    ]);
    let clock = Arc::new(Hand::default());
    let location = location(&format!("s3+http://{address}/team/repo"));
    let options = Options {
        profile: Some("r".to_owned()),
        ..Options::default()
    };
    let s3 = S3::at_time(
        &location,
        &options,
        Arc::new(env),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    (
        Retry::new(s3, Arc::new(SystemIds)),
        World {
            clock,
            sts,
            _folder: folder,
        },
        heads,
    )
}

/// Which credentials signed each request.
fn signers(heads: &Mutex<Vec<String>>) -> Vec<String> {
    let heads = heads.lock().expect("lock");
    let signer = |head: &String| {
        let (_, rest) = head.split_once("Credential=").expect("a signature");
        let (id, _) = rest.split_once('/').expect("a scope");
        assert!(head.contains(&format!("x-amz-security-token: token-of-{id}")));
        id.to_owned()
    };
    heads.iter().map(signer).collect()
}

fn begun() -> String {
    let body = "<InitiateMultipartUploadResult><Bucket>team</Bucket><Key>k</Key>\
        <UploadId>u1</UploadId></InitiateMultipartUploadResult>";
    answer(200, "", body)
}

fn completed() -> String {
    let body = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>";
    answer(200, "", body)
}

#[tokio::test]
async fn a_long_upload_outlives_its_credentials() {
    let part = || answer(200, "etag: \"p\"\r\n", "");
    let script = vec![begun(), part(), part(), part(), completed()];
    let (store, world, heads) = with_role(script).await;
    let upload = store.begin(&key()).await.expect("an upload");
    for hour in 0..3_u32 {
        world
            .clock
            .0
            .store(i64::from(hour) * 3600, Ordering::Relaxed);
        if hour > 0 {
            let end = format!("1970-01-01T0{}:00:00Z", hour + 1);
            world.sts.gives_until(&end);
        }
        let sent = upload.part(hour, Bytes::from_static(b"part")).await;
        sent.expect("a part");
    }
    upload.complete().await.expect("a file");
    let expected = ["deploy-1", "deploy-1", "deploy-2", "deploy-3", "deploy-3"];
    assert_eq!(signers(&heads), expected);
}

#[tokio::test]
async fn a_session_that_the_service_ends_is_renewed_and_the_request_repeated_once() {
    let ended = || answer(400, "", &error_body("ExpiredToken", ""));
    let fine = answer(200, "etag: \"v\"\r\n", "");
    let (store, _world, heads) = with_role(vec![ended(), fine]).await;
    let body = Bytes::from_static(b"x");
    let put = store.put(&key(), body, Precondition::Always).await;
    assert!(matches!(put, Ok(Put::Written(_))), "{put:?}");
    assert_eq!(signers(&heads), ["deploy-1", "deploy-2"]);
}

#[tokio::test]
async fn a_conditional_write_that_was_refused_for_its_session_did_not_take_place() {
    let ended = answer(400, "", &error_body("ExpiredToken", ""));
    let fine = answer(200, "etag: \"v\"\r\n", "");
    let (store, _world, heads) = with_role(vec![ended, fine]).await;
    let key = key();
    let put = || store.put(&key, Bytes::from_static(b"x"), Precondition::Absent);
    let error = put().await.expect_err("an error");
    // Certain, and worth repeating: the commit does that.
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(matches!(put().await, Ok(Put::Written(_))));
    assert_eq!(signers(&heads), ["deploy-1", "deploy-2"]);
}

#[tokio::test]
async fn keys_that_cannot_be_renewed_are_refused_after_one_repeat() {
    let ended = || answer(400, "", &error_body("ExpiredToken", ""));
    let (store, heads) = scripted(vec![vec![ended(), ended()]]).await;
    let store = Retry::new(store, Arc::new(SystemIds));
    let error = store.get(&key(), Want::all()).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("the session has ended"));
    assert_eq!(heads.lock().expect("lock").len(), 2);
}

#[tokio::test]
async fn a_listing_outlives_its_credentials_too() {
    let ended = answer(400, "", &error_body("ExpiredToken", ""));
    let page = answer(200, "", "<ListBucketResult></ListBucketResult>");
    let (store, _world, heads) = with_role(vec![ended, page]).await;
    let files: Vec<_> = store.list("", None).try_collect().await.expect("a page");
    assert_eq!(files, []);
    assert_eq!(signers(&heads), ["deploy-1", "deploy-2"]);
}
