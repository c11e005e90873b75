//! What services do that differ: a region that was wrong, ETags without quotes, sessions.

use super::*;
use crate::ids::SystemIds;
use crate::transaction::{Writes, probe};

/// A request: method, path with query, headers in lower case, body.
struct Request {
    method: String,
    path: String,
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The scope of its signature: `<date>/<region>/<service>`.
    fn scope(&self) -> Option<String> {
        let (_, credential) = self.header("authorization")?.split_once("Credential=")?;
        let scope = credential.split_once("/aws4_request")?.0;
        scope.split_once('/').map(|(_, scope)| scope.to_owned())
    }
}

/// A service that answers as `answer` says; the port, and the requests so far.
async fn service(
    answer: impl FnMut(&Request) -> String + Send + 'static,
) -> (u16, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let answer = Arc::new(Mutex::new(answer));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            tokio::spawn(async move {
                loop {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => break,
                        }
                    }
                    let head = String::from_utf8(head).expect("text");
                    let mut words = head.split(' ');
                    let (Some(method), Some(path)) = (words.next(), words.next()) else {
                        break;
                    };
                    let mut request = Request {
                        method: method.to_owned(),
                        path: path.to_owned(),
                        head: head.clone(),
                        body: Vec::new(),
                    };
                    let length = request.header("content-length").unwrap_or("0");
                    request.body = vec![0; length.parse().expect("a number")];
                    stream.read_exact(&mut request.body).await.expect("a body");
                    let mut reply = (answer.lock().expect("lock"))(&request);
                    if request.method == "HEAD" {
                        let end = reply.find("\r\n\r\n").expect("a head") + 4;
                        reply.truncate(end);
                    }
                    log.lock().expect("lock").push(request);
                    stream.write_all(reply.as_bytes()).await.expect("an answer");
                }
            });
        }
    });
    (port, seen)
}

fn store(port: u16, bucket: &str) -> S3 {
    at(&format!(
        "s3+http://AKIDEXAMPLE:hushhush@127.0.0.1:{port}/{bucket}/repo"
    ))
}

fn x() -> Bytes {
    Bytes::from_static(b"x")
}

/// How a service reads `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reads {
    /// By the rule: with quotes, and nothing else matches.
    Quoted,
    /// As Ceph's gateway does.
    Bare,
    /// With quotes; a condition without them is passed over.
    QuotedOrVoid,
    /// Refuses whatever has quotes, and passes over what has none.
    Broken,
}

/// A bucket with conditional writes, read like this.
async fn bucket(reads: Reads) -> (S3, Arc<Mutex<Vec<Request>>>) {
    let mut files: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    let mut count = 0;
    let (port, seen) = service(move |request| {
        let now = files.get(&request.path).map(|(etag, _)| etag.clone());
        let lost = answer(412, "", &error_body("PreconditionFailed", ""));
        match request.method.as_str() {
            "PUT" => {
                let meets = match (request.header("if-match"), reads) {
                    (None, _) => true,
                    (Some(tag), Reads::Quoted) => now == Some(tag.to_owned()),
                    (Some(tag), Reads::Bare) => now == Some(format!("\"{tag}\"")),
                    (Some(tag), Reads::QuotedOrVoid) => {
                        !tag.starts_with('"') || now == Some(tag.to_owned())
                    }
                    (Some(tag), Reads::Broken) => !tag.starts_with('"'),
                };
                if !meets || (request.header("if-none-match").is_some() && now.is_some()) {
                    return lost;
                }
                count += 1;
                let etag = format!("\"{count:032x}\"");
                let file = (etag.clone(), request.body.clone());
                files.insert(request.path.clone(), file);
                answer(200, &format!("etag: {etag}\r\n"), "")
            }
            "DELETE" => {
                files.remove(&request.path);
                answer(204, "", "")
            }
            "GET" if request.path.contains("list-type=2") => {
                let entry = |path: &String| {
                    let key = path.trim_start_matches("/team/");
                    format!(
                        "<Contents><Key>{key}</Key><Size>1</Size>\
                         <LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>"
                    )
                };
                let files: String = files.keys().map(entry).collect();
                answer(
                    200,
                    "",
                    &format!("<ListBucketResult>{files}</ListBucketResult>"),
                )
            }
            _ => match files.get(&request.path) {
                Some((etag, body)) => {
                    let head =
                        format!("etag: {etag}\r\nlast-modified: Sat, 21 Nov 2026 00:00:00 GMT\r\n");
                    answer(200, &head, std::str::from_utf8(body).expect("text"))
                }
                None => answer(404, "", &error_body("NoSuchKey", "")),
            },
        }
    })
    .await;
    (store(port, "team"), seen)
}

#[tokio::test]
async fn a_service_that_compares_without_quotes_is_understood() {
    let (store, seen) = bucket(Reads::Bare).await;
    let writes = probe(&store, &SystemIds, false).await;
    assert_eq!(writes.expect("it keeps its promise"), Writes::Swap);
    let Put::Written(first) = store
        .put(&key(), x(), Precondition::Absent)
        .await
        .expect("put")
    else {
        panic!("lost");
    };
    seen.lock().expect("lock").clear();
    let changed = Precondition::Unchanged(&first);
    let put = store.put(&key(), x(), changed).await.expect("put");
    assert!(matches!(put, Put::Written(_)), "{put:?}");
    // What was learned is remembered, and a version that is old stays a loss.
    let put = store.put(&key(), x(), changed).await.expect("put");
    assert_eq!(put, Put::Lost);
    let seen = seen.lock().expect("lock");
    let sent: Vec<_> = seen
        .iter()
        .map(|request| request.header("if-match"))
        .collect();
    let bare = first.as_str().trim_matches('"');
    assert_eq!(sent, [Some(bare), Some(bare)]);
}

#[tokio::test]
async fn a_real_loss_never_becomes_a_win() {
    for reads in [
        Reads::Quoted,
        Reads::Bare,
        Reads::QuotedOrVoid,
        Reads::Broken,
    ] {
        let (store, seen) = bucket(reads).await;
        let Put::Written(first) = store
            .put(&key(), x(), Precondition::Always)
            .await
            .expect("put")
        else {
            panic!("lost");
        };
        let other = store
            .put(&key(), Bytes::from_static(b"other"), Precondition::Always)
            .await;
        assert!(matches!(other, Ok(Put::Written(_))));
        for _ in 0..2 {
            let put = store
                .put(&key(), x(), Precondition::Unchanged(&first))
                .await;
            assert_eq!(put.expect("put"), Put::Lost, "{reads:?}");
        }
        let Got::Found(body) = store.get(&key(), Want::all()).await.expect("a file") else {
            panic!("missing");
        };
        let bytes: Vec<_> = body.bytes.try_collect().await.expect("bytes");
        assert_eq!(bytes.concat(), b"other", "{reads:?}");
        assert!(seen.lock().expect("lock").iter().all(|request| {
            request
                .header("if-match")
                .is_none_or(|tag| tag.starts_with('"'))
        }));
    }
}

#[tokio::test]
async fn a_service_that_passes_over_a_condition_without_quotes_is_refused() {
    let (store, seen) = bucket(Reads::Broken).await;
    let error = probe(&store, &SystemIds, false)
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let seen = seen.lock().expect("lock");
    let bare = |request: &&Request| {
        request
            .header("if-match")
            .is_some_and(|tag| !tag.starts_with('"'))
    };
    // Tried on a name that nobody uses, which was taken away again.
    let tried: Vec<_> = seen
        .iter()
        .filter(bare)
        .map(|request| &request.path)
        .collect();
    assert!(!tried.is_empty() && tried.iter().all(|path| path.ends_with(".if-match")));
    assert!(
        seen.iter()
            .any(|request| request.method == "DELETE" && &request.path == tried[0])
    );
}

#[tokio::test]
async fn another_region_is_asked_once_and_remembered() {
    for (status, headers, body) in [
        (301, "x-amz-bucket-region: eu-west-1\r\n", String::new()),
        (
            307,
            "x-amz-bucket-region: eu-west-1\r\n",
            error_body("TemporaryRedirect", ""),
        ),
        (400, "x-amz-bucket-region: eu-west-1\r\n", String::new()),
        (
            400,
            "",
            error_body("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
        ),
    ] {
        let elsewhere = answer(status, headers, &body);
        let (port, seen) = service(move |request| {
            let scope = request.scope().expect("a signature");
            if scope.ends_with("/us-east-1/s3") {
                return elsewhere.clone();
            }
            answer(200, "etag: \"1\"\r\n", "")
        })
        .await;
        let store = store(port, "team");
        for when in [Precondition::Absent, Precondition::Always] {
            let put = store.put(&key(), x(), when).await.expect("put");
            assert!(matches!(put, Put::Written(_)), "{put:?}");
        }
        let seen = seen.lock().expect("lock");
        let regions: Vec<_> = seen
            .iter()
            .map(|request| {
                request
                    .scope()
                    .expect("a scope")
                    .split('/')
                    .nth(1)
                    .map(str::to_owned)
            })
            .collect();
        let want = ["us-east-1", "eu-west-1", "eu-west-1"];
        assert_eq!(
            regions,
            want.map(|region| Some(region.to_owned())),
            "{status}"
        );
        assert!(seen.iter().all(|request| request.body == b"x"));
    }
}

#[tokio::test]
async fn regions_that_send_us_round_end_after_one_turn() {
    let (port, seen) = service(|request| {
        let scope = request.scope().expect("a signature");
        let other = if scope.contains("us-east-1") {
            "eu-west-1"
        } else {
            "us-east-1"
        };
        answer(301, &format!("x-amz-bucket-region: {other}\r\n"), "")
    })
    .await;
    let error = store(port, "team")
        .get(&key(), Want::all())
        .await
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(seen.lock().expect("lock").len(), 2);
}

#[tokio::test]
async fn a_missing_bucket_is_told_from_a_missing_file() {
    for (code, missing) in [("NoSuchBucket", true), ("NoSuchKey", false)] {
        let body = error_body(code, "");
        let (port, seen) = service(move |_| answer(404, "", &body)).await;
        let store = store(port, "team");
        for _ in 0..2 {
            match store.head(&key()).await {
                Err(error) if missing => assert_eq!(error.kind(), ErrorKind::Missing),
                Ok(None) if !missing => {}
                other => panic!("{code}: {other:?}"),
            }
        }
        // It is asked for once more, the first time only.
        let requests = seen.lock().expect("lock").len();
        assert_eq!(requests, if missing { 4 } else { 3 });
    }
}

#[tokio::test]
async fn a_directory_bucket_is_asked_in_a_session() {
    let begun = "<?xml version=\"1.0\"?><CreateSessionResult><Credentials>\
        <SessionToken>tokentoken</SessionToken><SecretAccessKey>hushhush</SecretAccessKey>\
        <AccessKeyId>ASIASESSION</AccessKeyId><Expiration>2100-01-01T00:00:00Z</Expiration>\
        </Credentials></CreateSessionResult>";
    let listed = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <Contents><Key>repo/lfs/ab</Key><Size>1</Size><LastModified>2026-11-21T00:00:00Z</LastModified></Contents>\
        <Contents><Key>repo/lfs/b</Key><Size>1</Size><LastModified>2026-11-21T00:00:00Z</LastModified></Contents>\
        </ListBucketResult>";
    let (port, seen) = service(move |request| {
        if request.path.ends_with("?session") {
            return answer(200, "", begun);
        }
        if request.method == "GET" {
            return answer(200, "", listed);
        }
        answer(200, "etag: \"1\"\r\n", "")
    })
    .await;
    let store = store(port, "team--usw2-az1--x-s3");
    for _ in 0..2 {
        let put = store
            .put(&key(), x(), Precondition::Always)
            .await
            .expect("put");
        assert!(matches!(put, Put::Written(_)));
    }
    let files: Vec<_> = store
        .list("lfs/a", None)
        .try_collect()
        .await
        .expect("a listing");
    assert_eq!(
        files.iter().map(|file| &file.key).collect::<Vec<_>>(),
        ["lfs/ab"]
    );
    let seen = seen.lock().expect("lock");
    // CreateSession in the S3 API Reference: signed for s3express with the usual keys.
    let [begin, rest @ ..] = seen.as_slice() else {
        panic!("no request");
    };
    assert_eq!(begin.path, "/team--usw2-az1--x-s3?session");
    assert_eq!(begin.header("x-amz-create-session-mode"), Some("ReadWrite"));
    assert!(
        begin
            .header("authorization")
            .expect("signed")
            .contains("Credential=AKIDEXAMPLE/")
    );
    assert_eq!(rest.len(), 3);
    for request in rest {
        assert_eq!(request.header("x-amz-s3session-token"), Some("tokentoken"));
        assert_eq!(request.header("x-amz-security-token"), None);
        let authorization = request.header("authorization").expect("signed");
        assert!(
            authorization.contains("Credential=ASIASESSION/"),
            "{authorization}"
        );
        assert!(
            authorization.contains("x-amz-s3session-token"),
            "{authorization}"
        );
        assert!(
            request
                .scope()
                .expect("a scope")
                .ends_with("/us-east-1/s3express")
        );
    }
    // Only whole folders can be listed there.
    assert!(
        rest[2].path.contains("prefix=repo%2Flfs%2F"),
        "{}",
        rest[2].path
    );
    assert!(!rest[2].path.contains("lfs%2Fa"), "{}", rest[2].path);
}

#[tokio::test]
async fn nobody_is_asked_for_credentials_of_an_anonymous_request() {
    let (port, seen) = service(|_| answer(404, "", &error_body("NoSuchKey", ""))).await;
    let url = format!("s3+http://127.0.0.1:{port}/team/repo?anonymous=true");
    let location = Location::parse(&url).expect("a URL");
    let options = Options::gather(&location, []).expect("options");
    let Location::S3(location) = location else {
        panic!("{location}");
    };
    let store = S3::open(&location, &options, Arc::new(env(&[])));
    let got = store.get(&key(), Want::all()).await.expect("an answer");
    assert!(matches!(got, Got::Missing), "{got:?}");
    let seen = seen.lock().expect("lock");
    assert_eq!(seen[0].header("authorization"), None);
}
