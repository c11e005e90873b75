//! Copies by the service, and many files deleted by one request, as Amazon's reference has
//! them: CopyObject, UploadPartCopy and DeleteObjects.

use super::*;
use crate::store::Copied;

const COPIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyObjectResult>\
    <LastModified>2026-11-21T12:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag></CopyObjectResult>";

fn sized(bytes: u64) -> String {
    format!(
        "HTTP/1.1 200 X\r\ncontent-length: {bytes}\r\netag: \"1\"\r\n\
         last-modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\n"
    )
}

/// What becomes of a copy of nine bytes, and the requests that it made.
async fn copied(answers: Vec<String>, part: Option<u64>) -> (Result<Copied>, Vec<String>) {
    let (mut store, heads) = scripted(vec![answers]).await;
    let shared = Arc::get_mut(&mut store.shared).expect("it is the only one");
    shared.options.part_size = part;
    let from = Key::new("lfs/a b").expect("a key");
    let from = store.whereabouts(&from).await.expect("a place");
    let from = from.expect("a place");
    let copied = store.copy(&from, 9, &key()).await;
    let heads = heads.lock().expect("lock").clone();
    (copied, heads)
}

#[tokio::test]
async fn a_copy_names_the_other_file_and_takes_nothing_else_from_it() {
    let answers = vec![answer(200, "", COPIED), sized(9)];
    let (done, heads) = copied(answers, None).await;
    assert_eq!(done.expect("an answer"), Copied::Done);
    assert!(heads[0].starts_with("PUT /team/repo/pail/manifest.json HTTP"));
    for header in [
        "x-amz-copy-source: team/repo/lfs/a%20b\r\n",
        "x-amz-metadata-directive: REPLACE\r\n",
        "x-amz-tagging-directive: REPLACE\r\n",
    ] {
        assert!(heads[0].contains(header), "{header}: {}", heads[0]);
    }
    assert!(heads[1].starts_with("HEAD "), "{heads:?}");
    assert_eq!(heads.len(), 2);
}

#[tokio::test]
async fn a_copy_that_has_another_size_is_none() {
    let answers = vec![answer(200, "", COPIED), sized(8)];
    let (done, _) = copied(answers, None).await;
    assert_eq!(done.expect("an answer"), Copied::NotHere);
}

#[tokio::test]
async fn a_refusal_leaves_the_copy_to_others_and_weakness_is_told() {
    for (status, code) in [
        (403, "AccessDenied"),
        (404, "NoSuchKey"),
        (400, "InvalidRequest"),
        (501, "NotImplemented"),
        // Amazon says so when it has begun already.
        (200, "AccessDenied"),
    ] {
        let answers = vec![answer(status, "", &error_body(code, ""))];
        let (done, heads) = copied(answers, None).await;
        assert_eq!(done.expect("an answer"), Copied::NotHere, "{status} {code}");
        assert_eq!(heads.len(), 1);
    }
    for (status, code) in [(503, "SlowDown"), (200, "InternalError")] {
        let answers = vec![answer(status, "", &error_body(code, ""))];
        let (done, _) = copied(answers, None).await;
        let error = done.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}

fn keys(names: &[&str]) -> Vec<Key> {
    let key = |name: &&str| Key::new(*name).expect("a key");
    names.iter().map(key).collect()
}

#[tokio::test]
async fn each_file_has_its_own_end() {
    let told = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteResult>\
        <Deleted><Key>repo/a&amp;b</Key></Deleted>\
        <Error><Key>repo/locked</Key><Code>AccessDenied</Code><Message>No.</Message></Error>\
        <Error><Key>repo/gone</Key><Code>NoSuchKey</Code><Message>No.</Message></Error>\
        <Error><Key>repo/busy</Key><Code>InternalError</Code></Error></DeleteResult>";
    // Of one the service says nothing.
    let script = vec![vec![answer(200, "", told), answer(204, "", "")]];
    let (store, heads) = scripted(script).await;
    let names = ["a&b", "locked", "gone", "busy", "untold"];
    let failed = store.delete_many(&keys(&names)).await.expect("an answer");
    let failed: Vec<_> = failed
        .iter()
        .map(|(key, error)| (key.as_str(), error.kind()))
        .collect();
    assert_eq!(
        failed,
        [
            ("locked", ErrorKind::Denied),
            ("busy", ErrorKind::Unavailable)
        ]
    );
    let heads = heads.lock().expect("lock");
    assert!(heads[0].starts_with("POST /team?delete= HTTP"), "{heads:?}");
    assert!(heads[0].contains("content-md5: "), "{heads:?}");
    assert!(heads[1].starts_with("DELETE /team/repo/untold HTTP"));
    assert_eq!(heads.len(), 2);
}

#[tokio::test]
async fn who_does_not_know_the_request_is_asked_for_each_file_from_then_on() {
    for (status, code, singly) in [
        (501, "NotImplemented", true),
        (405, "MethodNotAllowed", true),
        (400, "InvalidRequest", true),
        // Who may delete nothing at once may delete one another time.
        (403, "AccessDenied", false),
    ] {
        let refused = answer(status, "", &error_body(code, ""));
        let fine = answer(204, "", "");
        let script = vec![vec![refused, fine.clone()], vec![fine]];
        let (store, heads) = scripted(script).await;
        let failed = store.delete_many(&keys(&["a", "b"])).await;
        assert!(failed.expect("an answer").is_empty());
        assert_eq!(heads.lock().expect("lock").len(), 3, "{code}");
        let known = store.shared.deletes_singly.load(Ordering::Relaxed);
        assert_eq!(known, singly, "{code}");
    }
    let weak = answer(503, "", &error_body("SlowDown", ""));
    let (store, _) = scripted(vec![vec![weak]]).await;
    let error = store.delete_many(&keys(&["a", "b"])).await;
    let error = error.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
