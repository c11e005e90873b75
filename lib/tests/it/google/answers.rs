//! Answers that a good service seldom gives, one to each connection: what kind each has, and what
//! was asked before it.

use pail::ErrorKind;
use pail::store::{Precondition, Put, Store, Version, Want};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{TOKEN, at, bytes, hides, key, put, read};

/// A service that gives one answer to each connection, and then closes it. What it heard.
async fn scripted(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = tokio::spawn(async move {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            stream.read_exact(&mut vec![0; length]).await.unwrap();
            heads.push(head);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        heads
    });
    (address, heard)
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn refusal(status: u16, code: &str) -> String {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>\
         <Message>It &lt;said&gt; so.</Message></Error>"
    );
    answer(status, "", &body)
}

/// The kinds of a read, a write and a conditional write that get this answer.
async fn kinds(answer: String) -> [ErrorKind; 3] {
    let (address, _) = scripted(vec![answer.clone(), answer.clone(), answer]).await;
    let store = at(&address, "pail-test/repo", "", TOKEN);
    let errors = [
        read(&store, "f").await.unwrap_err(),
        store
            .put(&key("f"), bytes("x"), Precondition::Always)
            .await
            .unwrap_err(),
        store
            .put(&key("f"), bytes("x"), Precondition::Absent)
            .await
            .unwrap_err(),
    ];
    errors.iter().for_each(hides);
    errors.map(|error| error.kind())
}

#[tokio::test]
async fn each_refusal_has_its_kind() {
    use ErrorKind::{Denied, InDoubt, Invalid, Missing, Unavailable, Unsupported};
    let weak = [Unavailable, Unavailable, InDoubt];
    for (status, code, want) in [
        (400, "InvalidArgument", [Invalid; 3]),
        (400, "UserProjectMissing", [Invalid; 3]),
        (400, "BadDigest", weak),
        (401, "AuthenticationRequired", [Unavailable, Denied, Denied]),
        (403, "AccessDenied", [Denied; 3]),
        (403, "UserProjectAccountProblem", [Denied; 3]),
        (403, "CloudKmsDisabledKey", [Denied; 3]),
        (403, "RetentionPolicyNotMet", [Denied; 3]),
        (404, "NoSuchBucket", [Missing; 3]),
        (405, "MethodNotAllowed", [Unsupported; 3]),
        (408, "RequestTimeout", weak),
        (429, "SlowDown", [Unavailable; 3]),
        (500, "InternalError", weak),
        (503, "ServiceUnavailable", weak),
        (418, "Teapot", [Invalid; 3]),
    ] {
        assert_eq!(kinds(refusal(status, code)).await, want, "{status} {code}");
    }
    let plain = answer(502, "", "<html>bad gateway</html>");
    assert_eq!(kinds(plain).await, weak);
}

#[tokio::test]
async fn a_lost_answer_leaves_only_a_conditional_write_in_doubt() {
    let kinds = kinds("HTTP/1.1 200 OK\r\ncontent-le".to_owned()).await;
    let weak = ErrorKind::Unavailable;
    assert_eq!(kinds, [weak, weak, ErrorKind::InDoubt]);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let store = at(&address, "pail-test", "", TOKEN);
    let unsent = store.put(&key("f"), bytes("x"), Precondition::Absent).await;
    assert_eq!(unsent.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_body_that_changed_or_broke_off_is_never_taken_for_whole() {
    let about = "etag: \"x\"\r\nx-goog-generation: 7\r\nx-goog-stored-content-length: 5\r\n";
    // The checksum is that of "hello".
    let summed = format!("{about}x-goog-hash: crc32c=mnG7TA==\r\n");
    let short = answer(200, about, "hell");
    let lie = "HTTP/1.1 206 X\r\ncontent-length: 2\r\ncontent-range: bytes 3-4/5\r\n";
    let other = format!("{lie}{about}\r\nlo");
    let whole = answer(200, about, "hello");
    let good = answer(200, &summed, "hello");
    let bad = answer(200, &summed, "hellO");
    let (address, _) = scripted(vec![good, bad, short, other, whole]).await;
    let store = at(&address, "pail-test", "", TOKEN);
    assert_eq!(read(&store, "f").await.unwrap(), b"hello");
    let error = read(&store, "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("checksum"), "{error}");
    let error = read(&store, "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    for _ in 0..2 {
        let wrong = store.get(&key("f"), Want::range(0..2)).await.unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Unsupported, "{wrong}");
    }
}

#[tokio::test]
async fn each_body_goes_up_with_its_checksum_and_each_write_with_its_condition() {
    let written = answer(200, "etag: \"x\"\r\nx-goog-generation: 7\r\n", "");
    let (address, heard) = scripted(vec![written.clone(), written.clone(), written]).await;
    let store = at(&address, "pail-test/repo", "project=payer", TOKEN);
    let version = put(&store, "a b", "hello").await;
    assert_eq!(version, Version::new("7 \"x\""));
    for when in [Precondition::Absent, Precondition::Unchanged(&version)] {
        let put = store.put(&key("f"), bytes("hello"), when).await.unwrap();
        assert_eq!(put, Put::Written(version.clone()));
    }
    let heads = heard.await.unwrap();
    for head in &heads {
        assert!(head.contains("x-goog-hash: crc32c=mnG7TA==\r\n"), "{head}");
        assert!(head.contains("x-goog-user-project: payer\r\n"), "{head}");
        assert!(head.contains(&format!("authorization: Bearer {TOKEN}\r\n")));
    }
    assert!(heads[0].starts_with("PUT /pail-test/repo/a%20b HTTP/1.1\r\n"));
    assert!(!heads[0].contains("x-goog-if-generation-match"));
    assert!(heads[1].contains("x-goog-if-generation-match: 0\r\n"));
    assert!(heads[2].contains("x-goog-if-generation-match: 7\r\n"));
}
