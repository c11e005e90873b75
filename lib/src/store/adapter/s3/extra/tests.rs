use super::*;
use crate::store::Location;

async fn extra(query: &str, is_directory: bool) -> Result<Extra> {
    let location = Location::parse(&format!("s3://team?{query}"))?;
    Extra::new(&Options::gather(&location, [])?, is_directory).await
}

/// The headers that are added to a request, but for those of a condition.
fn added(extra: &Extra, method: Method, query: Option<&str>, condition: bool) -> Vec<String> {
    let mut headers = HeaderMap::new();
    if condition {
        headers.insert(IF_MATCH, HeaderValue::from_static("\"1\""));
    }
    extra.add(&method, query, &mut headers);
    headers.remove(IF_MATCH);
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}", value.to_str().expect("text"))
    };
    let mut out: Vec<_> = headers.iter().map(line).collect();
    out.sort();
    out
}

#[tokio::test]
async fn a_file_gets_what_was_asked_for_when_it_is_made() {
    let query = "storage-class=standard_ia&acl=public-read&tags=team=core,stage=a b\
                 &metadata=Origin=git&sse=kms&sse-kms-key=alias/x&sse-bucket-key=yes";
    let extra = extra(query, false).await.expect("headers");
    // PutObject in the S3 API Reference.
    let rest = [
        "x-amz-acl: public-read",
        "x-amz-meta-origin: git",
        "x-amz-server-side-encryption-aws-kms-key-id: alias/x",
        "x-amz-server-side-encryption-bucket-key-enabled: true",
        "x-amz-server-side-encryption: aws:kms",
        "x-amz-tagging: team=core&stage=a+b",
    ];
    let class = "x-amz-storage-class: STANDARD_IA";
    let mut all = rest.map(str::to_owned).to_vec();
    assert_eq!(added(&extra, Method::PUT, None, true), all);
    all.push(class.to_owned());
    all.sort();
    assert_eq!(added(&extra, Method::PUT, None, false), all);
    assert_eq!(added(&extra, Method::POST, Some("uploads"), false), all);
    for (method, query) in [
        (Method::PUT, Some("partNumber=1&uploadId=x")),
        (Method::POST, Some("uploadId=x")),
        (Method::GET, None),
        (Method::GET, Some("list-type=2&prefix=x")),
        (Method::DELETE, None),
    ] {
        assert!(added(&extra, method, query, false).is_empty(), "{query:?}");
    }
}

#[tokio::test]
async fn who_asks_pays_for_every_request() {
    let extra = extra("requester-pays=true", false).await.expect("headers");
    for (method, query) in [
        (Method::PUT, None),
        (Method::GET, None),
        (Method::GET, Some("list-type=2")),
        (Method::DELETE, None),
        (Method::POST, Some("uploadId=x")),
    ] {
        let want = ["x-amz-request-payer: requester"];
        assert_eq!(added(&extra, method, query, false), want);
    }
}

#[tokio::test]
async fn the_customers_key_goes_with_the_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    // 32 times the letter A, as it is and in base64.
    let file = folder.path().join("key");
    let query = format!("sse=customer&sse-customer-key-file={}", file.display());
    for content in [
        "A".repeat(32),
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n".to_owned(),
    ] {
        std::fs::write(&file, content).expect("a file");
        let extra = extra(&query, false).await.expect("headers");
        // `printf 'A%.0s' {1..32} | openssl dgst -md5 -binary | base64`
        let want = [
            "x-amz-server-side-encryption-customer-algorithm: AES256",
            "x-amz-server-side-encryption-customer-key-md5: UhbdzFjo2t5SVgded/ZC2g==",
            "x-amz-server-side-encryption-customer-key: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
        ];
        for (method, query) in [
            (Method::PUT, None),
            (Method::PUT, Some("partNumber=1&uploadId=x")),
            (Method::POST, Some("uploads=")),
            (Method::GET, None),
            (Method::HEAD, None),
        ] {
            assert_eq!(added(&extra, method, query, true), want);
        }
        assert!(added(&extra, Method::GET, Some("list-type=2"), false).is_empty());
    }
    std::fs::write(&file, "short").expect("a file");
    let error = extra(&query, false).await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    std::fs::remove_file(&file).expect("removed");
    let error = extra(&query, false).await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Local);
}

#[tokio::test]
async fn a_directory_bucket_settles_its_keys_when_a_session_begins() {
    let found = extra("sse=kms&sse-kms-key=k", true).await.expect("headers");
    assert!(added(&found, Method::PUT, None, false).is_empty());
    assert_eq!(found.session.len(), 2);
    for bad in [
        "acl=private",
        "tags=a=b",
        "requester-pays=yes",
        "storage-class=STANDARD",
        "sse=dsse",
    ] {
        let error = extra(bad, true).await.err().expect(bad);
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
