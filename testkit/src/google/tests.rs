//! The fake against Google's documents, spoken to byte by byte. What is expected here is in the
//! pages that its files name.

use super::*;
use crate::seed::Chance;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer as it came.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let name = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&name))
    }

    fn generation(&self) -> String {
        let found = self.header("x-goog-generation");
        found.expect("a generation").to_owned()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first element of this name.
    fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    }

    fn code(&self) -> (u16, String) {
        (self.status, self.element("Code").unwrap_or_default())
    }
}

fn send(google: &Google, start: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(google.address()).expect("a connection");
    let mut head = format!(
        "{start} HTTP/1.1\r\nhost: storage\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("an answer");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("a head");
    let head = String::from_utf8(all[..end].to_vec()).expect("text");
    Reply {
        status: head[9..12].parse().expect("a status"),
        head: head.replace("\r\n", "\n"),
        body: all.split_off(end + 4),
    }
}

/// A request by somebody who may do everything.
fn ask(google: &Google, start: &str, headers: &[&str], body: &[u8]) -> Reply {
    let token = format!("authorization: Bearer {}", google.token());
    let all: Vec<&str> = headers.iter().copied().chain([token.as_str()]).collect();
    send(google, start, &all, body)
}

fn fresh() -> Google {
    Google::start(Rules::default())
}

#[test]
fn an_object_is_written_read_and_deleted() {
    let google = fresh();
    let put = ask(&google, "PUT /pail-test/a/b%20c", &[], b"hello");
    assert_eq!(put.status, 200);
    // MD5 and CRC32C of "hello".
    assert_eq!(
        put.header("etag"),
        Some("\"5d41402abc4b2a76b9719d911017c592\"")
    );
    assert_eq!(put.header("x-goog-hash"), Some("crc32c=mnG7TA=="));
    let get = ask(&google, "GET /pail-test/a/b%20c", &[], b"");
    assert_eq!((get.status, get.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(get.generation(), put.generation());
    assert_eq!(get.header("x-goog-metageneration"), Some("1"));
    let head = ask(&google, "HEAD /pail-test/a/b%20c", &[], b"");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("5"))
    );
    assert!(head.body.is_empty());
    assert_eq!(
        ask(&google, "DELETE /pail-test/a/b%20c", &[], b"").status,
        204
    );
    let gone = ask(&google, "GET /pail-test/a/b%20c", &[], b"");
    assert_eq!(gone.code(), (404, "NoSuchKey".to_owned()));
    let gone = ask(&google, "DELETE /pail-test/a/b%20c", &[], b"");
    assert_eq!(gone.code(), (404, "NoSuchKey".to_owned()));
    let other = ask(&google, "GET /other/a", &[], b"");
    assert_eq!(other.code(), (404, "NoSuchBucket".to_owned()));
}

#[test]
fn a_generation_grows_with_every_write_even_of_the_same_bytes() {
    let google = fresh();
    let number = |reply: &Reply| reply.generation().parse::<i64>().expect("a number");
    let first = ask(&google, "PUT /pail-test/a", &[], b"x");
    let second = ask(&google, "PUT /pail-test/a", &[], b"x");
    assert!(number(&second) > number(&first));
    assert_eq!(second.header("etag"), first.header("etag"));
}

#[test]
fn a_condition_that_does_not_hold_is_412_and_changes_nothing() {
    let google = fresh();
    let put = |when: &str, body: &[u8]| {
        let when = format!("x-goog-if-generation-match: {when}");
        ask(&google, "PUT /pail-test/a", &[when.as_str()], body)
    };
    assert_eq!(put("17", b"none").status, 412, "there is none to match");
    let first = put("0", b"one");
    assert_eq!(first.status, 200);
    let again = put("0", b"two");
    assert_eq!(again.code(), (412, "PreconditionFailed".to_owned()));
    let second = put(&first.generation(), b"two");
    assert_eq!(second.status, 200);
    assert_eq!(put(&first.generation(), b"three").status, 412);
    assert_eq!(&*google.object("a").expect("it").body, b"two");
    let stale = format!("x-goog-if-generation-match: {}", first.generation());
    let kept = ask(&google, "DELETE /pail-test/a", &[&stale], b"");
    assert_eq!(kept.status, 412);
    assert_eq!(ask(&google, "GET /pail-test/a", &[&stale], b"").status, 412);
    let odd = put("many", b"x");
    assert_eq!(odd.code(), (400, "InvalidArgument".to_owned()));
    let meta = "x-goog-if-metageneration-match: 2";
    assert_eq!(ask(&google, "PUT /pail-test/a", &[meta], b"").status, 412);
}

/// Rivals on as many connections, each of which asks for the same condition.
fn winners(google: &Google, rounds: usize) -> Vec<usize> {
    let round = |round: usize| {
        let path = format!("PUT /pail-test/race-{round}");
        let rival = |rival: u8| {
            let when = ["x-goog-if-generation-match: 0"];
            ask(google, &path, &when, &[rival]).status == 200
        };
        std::thread::scope(|scope| {
            let rivals: Vec<_> = (0..8).map(|n| scope.spawn(move || rival(n))).collect();
            let won = rivals.into_iter().filter_map(|rival| rival.join().ok());
            won.filter(|won| *won).count()
        })
    };
    (0..rounds).map(round).collect()
}

#[test]
fn of_many_rivals_one_wins_each_time() {
    assert_eq!(winners(&fresh(), 20), [1; 20]);
}

#[test]
fn a_check_and_a_write_in_two_steps_are_found_out() {
    let rules = Rules {
        atomicity: Atomicity::TwoSteps,
        ..Rules::default()
    };
    let won = winners(&Google::start(rules), 20);
    assert!(won.iter().any(|won| *won > 1), "{won:?}");
}

#[test]
fn the_second_write_within_the_pause_is_429_and_changes_nothing() {
    let rules = Rules {
        pause: Some(Duration::from_secs(3600)),
        ..Rules::default()
    };
    let google = Google::start(rules);
    assert_eq!(ask(&google, "PUT /pail-test/a", &[], b"one").status, 200);
    let soon = ask(&google, "PUT /pail-test/a", &[], b"two");
    assert_eq!(soon.code(), (429, "SlowDown".to_owned()));
    assert_eq!(ask(&google, "DELETE /pail-test/a", &[], b"").status, 429);
    assert_eq!(&*google.object("a").expect("it").body, b"one");
    let other = ask(&google, "PUT /pail-test/b", &[], b"two");
    assert_eq!(other.status, 200, "the limit is of one object");
}

#[test]
fn ranges_are_those_of_the_standard() {
    let google = fresh();
    google.write("a", "0123456789");
    for (range, status, want, said) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=8-99", 206, "89", Some("bytes 8-9/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("lines=1-2", 200, "0123456789", None),
    ] {
        let header = format!("range: {range}");
        let got = ask(&google, "GET /pail-test/a", &[&header], b"");
        assert_eq!((got.status, got.text().as_str()), (status, want), "{range}");
        assert_eq!(got.header("content-range"), said, "{range}");
    }
    let past = ask(&google, "GET /pail-test/a", &["range: bytes=10-11"], b"");
    assert_eq!(past.code(), (416, "InvalidRange".to_owned()));
}

#[test]
fn a_known_etag_is_not_sent_again() {
    let google = fresh();
    let put = ask(&google, "PUT /pail-test/a", &[], b"one");
    let known = format!("if-none-match: {}", put.header("etag").expect("a tag"));
    let same = ask(&google, "GET /pail-test/a", &[&known], b"");
    assert_eq!((same.status, same.body.len()), (304, 0));
    ask(&google, "PUT /pail-test/a", &[], b"two");
    let other = ask(&google, "GET /pail-test/a", &[&known], b"");
    assert_eq!((other.status, other.text().as_str()), (200, "two"));
}

#[test]
fn a_wrong_checksum_is_refused_on_arrival() {
    let google = fresh();
    for good in [
        "x-goog-hash: crc32c=mnG7TA==",
        "x-goog-hash: md5=XUFAKrxLKna5cZ2REBfFkg==",
        "x-goog-hash: crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==",
        "content-md5: XUFAKrxLKna5cZ2REBfFkg==",
    ] {
        let put = ask(&google, "PUT /pail-test/a", &[good], b"hello");
        assert_eq!(put.status, 200, "{good}");
        let bad = ask(&google, "PUT /pail-test/b", &[good], b"hellO");
        assert_eq!(bad.code(), (400, "BadDigest".to_owned()), "{good}");
    }
    assert!(google.object("b").is_none());
}

#[test]
fn names_come_in_the_order_of_their_bytes_page_by_page() {
    let rules = Rules {
        page: 2,
        ..Rules::default()
    };
    let google = Google::start(rules);
    for name in ["日", "b/a", "a0", "a/b", "é", "a-b", "A"] {
        google.write(name, "x");
    }
    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let path = format!("GET /pail-test?list-type=2&encoding-type=url{from}");
        let page = ask(&google, &path, &[], b"").text();
        let keys = page.split("<Key>").skip(1);
        found.extend(keys.map(|key| key.split('<').next().unwrap_or_default().to_owned()));
        let Some((_, token)) = page.split_once("<NextContinuationToken>") else {
            break;
        };
        let token = token.split('<').next().unwrap_or_default();
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        from = format!("&continuation-token={token}");
    }
    let want = ["A", "a-b", "a%2Fb", "a0", "b%2Fa", "%C3%A9", "%E6%97%A5"];
    assert_eq!(found, want);
    let after = ask(&google, "GET /pail-test?prefix=a&marker=a-b", &[], b"");
    assert_eq!(after.element("Key").as_deref(), Some("a/b"));
    assert_eq!(after.element("IsTruncated").as_deref(), Some("false"));
}

#[test]
fn parts_are_joined_in_order_and_conditions_are_refused() {
    const PART: usize = 5 << 20;
    let google = fresh();
    let condition = ["x-goog-if-generation-match: 0"];
    let refused = ask(&google, "POST /pail-test/a?uploads", &condition, b"");
    assert_eq!(refused.status, 400, "{}", refused.text());
    let begun = ask(
        &google,
        "POST /pail-test/a?uploads",
        &["x-goog-meta-who: me"],
        b"",
    );
    let id = begun.element("UploadId").expect("an id");
    let body = Chance::new(3).bytes(PART + 100);
    let part = |number: u32, bytes: &[u8]| {
        let path = format!("PUT /pail-test/a?partNumber={number}&uploadId={id}");
        let reply = ask(&google, &path, &[], bytes);
        reply.header("etag").expect("a tag").to_owned()
    };
    let (second, first) = (part(2, &body[PART..]), part(1, &body[..PART]));
    let listed = ask(
        &google,
        &format!("GET /pail-test/a?uploadId={id}"),
        &[],
        b"",
    );
    assert_eq!(listed.text().matches("<PartNumber>").count(), 2);
    let done = |parts: &[(u32, &str)], headers: &[&str]| {
        let parts: String = parts
            .iter()
            .map(|(number, etag)| {
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
            })
            .collect();
        let text = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let path = format!("POST /pail-test/a?uploadId={id}");
        ask(&google, &path, headers, text.as_bytes())
    };
    let (one, two) = ((1, first.as_str()), (2, second.as_str()));
    assert_eq!(done(&[one, two], &condition).status, 400);
    assert_eq!(done(&[two, one], &[]).code().1, "InvalidPartOrder");
    assert_eq!(done(&[one, (2, "\"other\"")], &[]).code().1, "InvalidPart");
    assert!(google.object("a").is_none());
    assert_eq!(done(&[one, two], &[]).status, 200);
    let object = google.object("a").expect("it");
    assert!(object.body == body);
    assert_eq!(object.attributes.metadata["who"], "me");
    assert_eq!(done(&[one, two], &[]).code().1, "NoSuchUpload");
    assert_eq!(google.open_uploads(), 0);
}

#[test]
fn a_small_part_may_only_be_the_last_and_an_upload_may_be_aborted() {
    let google = fresh();
    let begun = ask(&google, "POST /pail-test/a?uploads", &[], b"");
    let id = begun.element("UploadId").expect("an id");
    let mut named = String::new();
    for number in [1, 2] {
        let path = format!("PUT /pail-test/a?partNumber={number}&uploadId={id}");
        let etag = ask(&google, &path, &[], b"small");
        let etag = etag.header("etag").expect("a tag").to_owned();
        named.push_str(&format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        ));
    }
    let path = format!("/pail-test/a?uploadId={id}");
    let text = format!("<CompleteMultipartUpload>{named}</CompleteMultipartUpload>");
    let small = ask(&google, &format!("POST {path}"), &[], text.as_bytes());
    assert_eq!(small.code(), (400, "EntityTooSmall".to_owned()));
    assert_eq!(
        ask(&google, &format!("DELETE {path}"), &[], b"").status,
        204
    );
    assert_eq!(
        ask(&google, &format!("DELETE {path}"), &[], b"").status,
        404
    );
    let odd = ask(
        &google,
        "PUT /pail-test/a?partNumber=10001&uploadId=x",
        &[],
        b"",
    );
    assert_eq!(odd.code(), (400, "InvalidArgument".to_owned()));
}

#[test]
fn a_token_says_what_its_bearer_may_do() {
    let google = fresh();
    google.write("a", "x");
    let reader = format!("authorization: Bearer {}", google.reader_token());
    for (start, headers, code) in [
        ("GET /pail-test/a", &[][..], (403, "AccessDenied")),
        ("PUT /pail-test/a", &[], (403, "AccessDenied")),
        (
            "GET /pail-test/a",
            &["authorization: Bearer else"],
            (401, "AuthenticationRequired"),
        ),
        (
            "PUT /pail-test/a",
            &[reader.as_str()],
            (403, "AccessDenied"),
        ),
        ("DELETE /pail-test/a", &[&reader], (403, "AccessDenied")),
        (
            "POST /pail-test/a?uploads",
            &[&reader],
            (403, "AccessDenied"),
        ),
        ("GET /pail-test/a", &[&reader], (200, "")),
        ("GET /pail-test", &[&reader], (200, "")),
    ] {
        let got = send(&google, start, headers, b"").code();
        assert_eq!(got, (code.0, code.1.to_owned()), "{start} {headers:?}");
    }
    let open = Google::start(Rules {
        public: true,
        ..Rules::default()
    });
    open.write("a", "x");
    assert_eq!(send(&open, "GET /pail-test/a", &[], b"").status, 200);
    assert_eq!(send(&open, "PUT /pail-test/a", &[], b"").status, 403);
}

#[test]
fn a_bucket_whose_requester_pays_wants_a_project() {
    let google = Google::start(Rules {
        requester_pays: Some("my-project".to_owned()),
        ..Rules::default()
    });
    let none = ask(&google, "GET /pail-test/a", &[], b"");
    assert_eq!(none.code(), (400, "UserProjectMissing".to_owned()));
    let mine = ["x-goog-user-project: my-project"];
    assert_eq!(ask(&google, "PUT /pail-test/a", &mine, b"x").status, 200);
}

#[test]
fn what_a_writer_says_is_kept_and_odd_values_are_refused() {
    let google = fresh();
    let said = [
        "x-goog-storage-class: NEARLINE",
        "x-goog-acl: public-read",
        "x-goog-meta-team: core",
        "content-type: text/plain",
    ];
    assert_eq!(ask(&google, "PUT /pail-test/a", &said, b"x").status, 200);
    let object = google.object("a").expect("it").attributes;
    assert_eq!(object.class.as_deref(), Some("NEARLINE"));
    assert_eq!(object.acl.as_deref(), Some("public-read"));
    let get = ask(&google, "GET /pail-test/a", &[], b"");
    assert_eq!(get.header("x-goog-meta-team"), Some("core"));
    assert_eq!(get.header("content-type"), Some("text/plain"));
    for odd in ["x-goog-storage-class: GLACIER", "x-goog-acl: everybody"] {
        let got = ask(&google, "PUT /pail-test/a", &[odd], b"x");
        assert_eq!(got.code(), (400, "InvalidArgument".to_owned()), "{odd}");
    }
}

#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let google = fresh();
    let mut stream = TcpStream::connect(google.address()).expect("a connection");
    let token = google.token();
    let head = format!(
        "PUT /pail-test/a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-length: 10\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.shutdown(std::net::Shutdown::Write).expect("closed");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(google.names().is_empty());
}
