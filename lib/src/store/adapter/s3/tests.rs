//! Answers that a good service seldom gives, from a script on loopback.

mod copies;
mod dialects;
mod renewal;

use super::*;
use crate::store::url::Location;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What the service does with one connection, request by request; then it closes it.
type Script = Vec<Vec<String>>;

/// A store at a service that follows a script, and the heads of the requests it gets.
async fn scripted(script: Script) -> (S3, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        for answers in script {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for answer in answers {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.expect("a request"));
                }
                let head = String::from_utf8(head).expect("text");
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.parse().expect("a number"));
                stream
                    .read_exact(&mut vec![0; length])
                    .await
                    .expect("a body");
                seen.lock().expect("lock").push(head);
                stream
                    .write_all(answer.as_bytes())
                    .await
                    .expect("an answer");
            }
        }
    });
    let store = at(&format!(
        "s3+http://AKIDEXAMPLE:hushhush@127.0.0.1:{port}/team/repo"
    ));
    (store, heads)
}

fn location(url: &str) -> S3Location {
    match Location::parse(url) {
        Ok(Location::S3(location)) => location,
        other => panic!("{url}: {other:?}"),
    }
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let off = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/none"),
    ];
    let all = off
        .iter()
        .chain(&[("AWS_SHARED_CREDENTIALS_FILE", "/none")])
        .chain(pairs);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn at(url: &str) -> S3 {
    S3::open(&location(url), &Options::default(), Arc::new(env(&[])))
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn error_body(code: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>It &lt;said&gt; so.</Message>{more}<RequestId>4442587FB7D0A2F9</RequestId></Error>"
    )
}

fn key() -> Key {
    Key::new("pail/manifest.json").expect("a key")
}

/// The errors of a read, a write and a conditional write that get this answer.
async fn refused(status: u16, headers: &str, body: &str) -> [Error; 3] {
    let answer = answer(status, headers, body);
    // A redirection is followed once.
    let (store, _) = scripted(vec![vec![answer; 6]]).await;
    let read = store.get(&key(), Want::all()).await.expect_err("an error");
    let write = store
        .put(&key(), Bytes::from_static(b"x"), Precondition::Always)
        .await;
    let create = store
        .put(&key(), Bytes::from_static(b"x"), Precondition::Absent)
        .await;
    let errors = [
        read,
        write.expect_err("an error"),
        create.expect_err("an error"),
    ];
    for error in &errors {
        let shown = format!("{error} {error:?} {:?}", error.hint());
        for hidden in [
            "hushhush",
            "Signature=",
            "SignatureProvided",
            "AWS4",
            "Canonical",
            "\n",
        ] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
    }
    errors
}

async fn meaning(status: u16, headers: &str, body: &str) -> ([ErrorKind; 3], String) {
    let errors = refused(status, headers, body).await;
    let [read, ..] = &errors;
    let text = format!("{read} / {}", read.hint().unwrap_or_default());
    (errors.map(|error| error.kind()), text)
}

#[tokio::test]
async fn each_code_of_s3_has_its_kind_and_its_words() {
    use ErrorKind::{Archived, Denied, InDoubt, Invalid, Missing, Unavailable, Unsupported};
    let certain = |kind| [kind; 3];
    let weak = [Unavailable, Unavailable, InDoubt];
    let skew =
        "<RequestTime>20261121T000000Z</RequestTime><ServerTime>2026-11-21T01:00:00Z</ServerTime>";
    let signed = "<StringToSign>AWS4-HMAC-SHA256</StringToSign><CanonicalRequest>PUT\n/Canonical</CanonicalRequest>\
        <SignatureProvided>Signature</SignatureProvided>";
    for (status, code, more, kinds, words) in [
        (404, "NoSuchBucket", "", certain(Missing), "no such bucket"),
        (
            403,
            "InvalidAccessKeyId",
            "",
            certain(Denied),
            "does not know the access key",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            signed,
            certain(Denied),
            "secret key is wrong",
        ),
        (
            403,
            "AccessDenied",
            "",
            certain(Denied),
            "must allow s3:GetObject on team/repo/*",
        ),
        (
            403,
            "RequestTimeTooSkewed",
            skew,
            certain(Denied),
            "it is 2026-11-21T01:00:00Z there, and the request said 20261121T000000Z",
        ),
        (
            301,
            "PermanentRedirect",
            "<Endpoint>team.s3-eu-west-1.amazonaws.com</Endpoint>",
            certain(Invalid),
            "to use team.s3-eu-west-1.amazonaws.com",
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            "<Region>eu-west-1</Region>",
            certain(Invalid),
            "?region=eu-west-1",
        ),
        (
            400,
            "IllegalLocationConstraintException",
            "",
            certain(Invalid),
            "?region=",
        ),
        (503, "SlowDown", "", weak, "cannot do it now"),
        (503, "ServiceUnavailable", "", weak, "cannot do it now"),
        (500, "InternalError", "", weak, "cannot do it now"),
        (400, "RequestTimeout", "", weak, "cannot do it now"),
        (429, "TooManyRequests", "", weak, "cannot do it now"),
        (
            409,
            "ConditionalRequestConflict",
            "",
            certain(Unavailable),
            "cannot do it now",
        ),
        (
            409,
            "OperationAborted",
            "",
            certain(Unavailable),
            "cannot do it now",
        ),
        (
            501,
            "NotImplemented",
            "",
            certain(Unsupported),
            "cannot do this",
        ),
        (
            405,
            "MethodNotAllowed",
            "",
            certain(Unsupported),
            "cannot do this",
        ),
        (400, "EntityTooLarge", "", certain(Invalid), "too large"),
        (403, "QuotaExceeded", "", certain(Denied), "is full"),
        (507, "Whatever", "", certain(Denied), "is full"),
        (403, "InvalidObjectState", "", certain(Archived), "archive"),
        (
            400,
            "AccessControlListNotSupported",
            "",
            certain(Unsupported),
            "a bucket policy says who may read",
        ),
        (
            400,
            "KMS.DisabledException",
            "",
            certain(Denied),
            "kms:GenerateDataKey",
        ),
        (
            400,
            "InvalidStorageClass",
            "",
            certain(Invalid),
            "storage-class",
        ),
        (400, "InvalidArgument", "", certain(Invalid), "refuses it"),
    ] {
        let (got, text) = meaning(status, "", &error_body(code, more)).await;
        assert_eq!(got, kinds, "{code}: {text}");
        let start = "cannot read pail/manifest.json in s3+http://***@127.0.0.1:";
        assert!(text.starts_with(start), "{text}");
        assert!(
            text.contains(words) && text.contains(&format!("({code}: It <said> so)")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_told_when_no_other_is_found() {
    for code in ["ExpiredToken", "TokenRefreshRequired"] {
        let [read, write, create] = refused(400, "", &error_body(code, "")).await;
        // The first time it is worth looking for other keys, for whoever repeats it.
        assert_eq!(read.kind(), ErrorKind::Unavailable, "{read}");
        for error in [write, create] {
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            assert!(
                error
                    .hint()
                    .is_some_and(|hint| hint.contains("sign in again"))
            );
        }
    }
}

#[tokio::test]
async fn an_answer_without_reasons_is_understood_by_its_status() {
    use ErrorKind::{Denied, InDoubt, Invalid, Unavailable};
    let region = "x-amz-bucket-region: eu-west-1\r\n";
    for (status, headers, kinds, words) in [
        (301, region, [Invalid; 3], "?region=eu-west-1"),
        (400, region, [Invalid; 3], "?region=eu-west-1"),
        (
            307,
            "location: http://127.0.0.1:1/x\r\n",
            [Invalid; 3],
            "?region=",
        ),
        (401, "", [Denied; 3], "access denied"),
        (403, "", [Denied; 3], "access denied"),
        (502, "", [Unavailable, Unavailable, InDoubt], "status 502"),
    ] {
        let (got, text) = meaning(status, headers, "").await;
        assert_eq!(got, kinds, "{status}: {text}");
        assert!(text.contains(words), "{text}");
    }
    let (kinds, text) = meaning(500, "", "<html>\n<Code>x</Code> a gateway's page</html>").await;
    assert_eq!(kinds[2], InDoubt);
    assert!(text.contains("(status 500)"), "{text}");
}

#[tokio::test]
async fn losing_is_an_answer() {
    let version = Version::new("\"1\"");
    let changed = Precondition::Unchanged(&version);
    for (status, code, when) in [
        (412, "PreconditionFailed", Precondition::Absent),
        (412, "PreconditionFailed", changed),
        (404, "NoSuchKey", changed),
    ] {
        let body = error_body(code, "");
        let (store, heads) = scripted(vec![vec![answer(status, "", &body)]]).await;
        let put = store.put(&key(), Bytes::from_static(b"x"), when).await;
        assert_eq!(put.expect("an answer"), Put::Lost);
        let heads = heads.lock().expect("lock");
        let want = if when == Precondition::Absent {
            "if-none-match: *"
        } else {
            "if-match: \"1\""
        };
        assert!(
            heads[0].contains(want) && !heads[0].contains("100-continue"),
            "{heads:?}"
        );
        assert!(
            heads[0].starts_with("PUT /team/repo/pail/manifest.json HTTP/1.1"),
            "{heads:?}"
        );
    }
}

#[tokio::test]
async fn no_answer_leaves_a_conditional_write_in_doubt() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-le".to_owned();
    let half = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
    let nameless = answer(200, "", "");
    for reply in [String::new(), cut, half, nameless] {
        let (store, heads) = scripted(vec![vec![reply]]).await;
        let put = store
            .put(&key(), Bytes::from_static(b"x"), Precondition::Absent)
            .await;
        let error = put.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::InDoubt, "{error}");
        assert_eq!(heads.lock().expect("lock").len(), 1, "sent once");
    }
    let (store, _) = scripted(vec![vec![String::new()]]).await;
    let put = store
        .put(&key(), Bytes::from_static(b"x"), Precondition::Always)
        .await;
    assert_eq!(put.expect_err("an error").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_replaced() {
    let found = answer(200, "etag: \"1\"\r\n", "");
    let script = vec![vec![found.clone()], vec![found]];
    let (store, heads) = scripted(script).await;
    for _ in 0..2 {
        let put = store
            .put(&key(), Bytes::from_static(b"x"), Precondition::Absent)
            .await;
        assert!(matches!(put, Ok(Put::Written(_))), "{put:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(heads.lock().expect("lock").len(), 2);
}

#[tokio::test]
async fn a_range_that_was_not_kept_is_never_taken_for_the_bytes() {
    let whole = answer(200, "etag: \"1\"\r\n", "0123456789");
    let other = answer(206, "etag: \"1\"\r\ncontent-range: bytes 3-5/10\r\n", "345");
    let nothing = answer(206, "etag: \"1\"\r\n", "234");
    for wrong in [whole, other, nothing] {
        let (store, _) = scripted(vec![vec![wrong]]).await;
        let error = store
            .get(&key(), Want::range(2..5))
            .await
            .expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error() {
    let short = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
    let wrong = "HTTP/1.1 206 OK\r\netag: \"1\"\r\ncontent-length: 3\r\ncontent-range: bytes 0-8/20\r\n\r\nabc";
    let chunked =
        "HTTP/1.1 200 OK\r\netag: \"1\"\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
            .to_owned();
    for (answer, want) in [
        (short, Want::all()),
        (wrong.to_owned(), Want::range(0..9)),
        (chunked, Want::all()),
    ] {
        let (store, _) = scripted(vec![vec![answer]]).await;
        let error = match store.get(&key(), want).await {
            Ok(Got::Found(body)) => body
                .bytes
                .try_collect::<Vec<_>>()
                .await
                .expect_err("an error"),
            Ok(other) => panic!("{other:?}"),
            Err(error) => error,
        };
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Unsupported
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn joining_parts_may_fail_after_a_good_status() {
    let begun = answer(
        200,
        "",
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
    );
    let part = answer(200, "etag: \"1\"\r\n", "");
    let failed = answer(
        200,
        "",
        &format!("\n \n{}", error_body("InternalError", "")),
    );
    let gone = answer(404, "", &error_body("NoSuchUpload", ""));
    let (store, heads) = scripted(vec![vec![begun, part, failed, gone]]).await;
    let upload = store.begin(&key()).await.expect("an upload");
    upload
        .part(0, Bytes::from_static(b"x"))
        .await
        .expect("a part");
    let error = upload.complete().await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = upload.complete().await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    assert_eq!(heads.lock().expect("lock").len(), 4);
}

#[tokio::test]
async fn a_part_that_is_missing_is_found_before_the_file_is_joined() {
    let begun = answer(
        200,
        "",
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
    );
    let part = answer(200, "etag: \"1\"\r\n", "");
    let (store, _) = scripted(vec![vec![begun, part]]).await;
    let upload = store.begin(&key()).await.expect("an upload");
    upload
        .part(1, Bytes::from_static(b"x"))
        .await
        .expect("a part");
    assert_eq!(
        upload.complete().await.expect_err("an error").kind(),
        ErrorKind::Invalid
    );
}

fn page(entries: &str, next: &str) -> String {
    let body = format!(
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>team</Name>\
         <EncodingType>url</EncodingType>{entries}{next}</ListBucketResult>"
    );
    answer(200, "", &body)
}

fn entry(key: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified>\
         <ETag>&quot;1&quot;</ETag><Size>7</Size></Contents>"
    )
}

#[tokio::test]
async fn a_listing_follows_its_marks_and_decodes_its_keys() {
    let more =
        "<IsTruncated>true</IsTruncated><NextContinuationToken>a/b+c=</NextContinuationToken>";
    let first = page(&(entry("repo/a//b") + &entry("repo/a+%2B%01%26=")), more);
    let last = page(&entry("repo/b%25"), "<IsTruncated>false</IsTruncated>");
    let (store, heads) = scripted(vec![vec![first.clone(), last]]).await;
    let listed: Vec<_> = store
        .list("", Some("a"))
        .try_collect()
        .await
        .expect("a list");
    let keys: Vec<_> = listed.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(keys, ["a//b", "a +\u{1}&=", "b%"]);
    assert_eq!((listed[0].size, listed[0].modified), (7, 1_795_255_200));
    let heads = heads.lock().expect("lock").clone();
    assert!(
        heads[0].starts_with(
            "GET /team?encoding-type=url&list-type=2&prefix=repo%2F&start-after=repo%2Fa "
        ),
        "{heads:?}"
    );
    assert!(
        heads[1].contains("?continuation-token=a%2Fb%2Bc%3D&encoding-type=url"),
        "{heads:?}"
    );

    for second in [
        first.clone(),
        page("", "<IsTruncated>true</IsTruncated>"),
        answer(200, "", "<html>"),
    ] {
        let (store, _) = scripted(vec![vec![first.clone(), second]]).await;
        let error = store
            .list("", None)
            .try_collect::<Vec<_>>()
            .await
            .expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

#[tokio::test]
async fn a_version_of_odd_characters_does_no_harm() {
    let store = at("s3+http://id:hush@127.0.0.1:1/team");
    let version = Version::new("a\nb");
    let put = store
        .put(&key(), Bytes::new(), Precondition::Unchanged(&version))
        .await;
    assert_eq!(put.expect_err("an error").kind(), ErrorKind::Invalid);
    let nothing = Key::new("").expect("a key");
    assert_eq!(
        store.head(&nothing).await.expect_err("an error").kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let store = at("s3://team/x");
    for when in [Precondition::Always, Precondition::Absent] {
        let error = store
            .put(&key(), Bytes::new(), when)
            .await
            .expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("AWS_ACCESS_KEY_ID")),
            "{error:?}"
        );
    }
}
