//! Answers that Azurite does not give, from Azure's documents.

use super::Azure;
use crate::error::ErrorKind;
use crate::key::Key;
use crate::store::{Location, Options, Precondition, Put, Store, Version, Want};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::credentials_fake::{Answer, Double};

fn store(service: &Double) -> Azure {
    let host = service.url().replace("http://", "az+http://");
    let url = format!("{host}/team/files/repo");
    let Ok(Location::Azure(location)) = Location::parse(&url) else {
        panic!("{url}");
    };
    let env = BTreeMap::from([(
        "AZURE_STORAGE_SAS_TOKEN".to_owned(),
        "sv=2023-11-03&sig=hush".to_owned(),
    )]);
    Azure::open(&location, &Options::default(), Arc::new(env))
}

/// A service that refuses everything in one way.
fn refusing(status: u16, code: &'static str) -> Double {
    Double::start(move |_| refusal(status, code))
}

fn refusal(status: u16, code: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code>\
         <Message>In words.\nRequestId:1-2-3\nTime:2026-01-01</Message></Error>"
    );
    (status, body)
}

fn key() -> Key {
    Key::new("a").expect("a key")
}

async fn written(store: &Azure, when: Precondition<'_>) -> Result<Put, ErrorKind> {
    let put = store.put(&key(), Bytes::from_static(b"x"), when).await;
    put.map_err(|error| {
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(
            !shown.contains("hush") && !shown.contains("RequestId"),
            "{shown}"
        );
        error.kind()
    })
}

#[tokio::test]
async fn refusals_have_the_kind_that_their_codes_mean() {
    use ErrorKind::{Denied, Invalid, Missing, Unavailable};
    // "Common REST API error codes" and "Blob Storage error codes".
    for (status, code, kind) in [
        (403, "AuthenticationFailed", Denied),
        (403, "AuthorizationPermissionMismatch", Denied),
        (403, "AuthorizationFailure", Denied),
        (403, "KeyBasedAuthenticationNotPermitted", Denied),
        (409, "PublicAccessNotPermitted", Denied),
        (401, "NoAuthenticationInformation", Denied),
        (404, "ContainerNotFound", Missing),
        (409, "ContainerBeingDeleted", Unavailable),
        (409, "BlobArchived", ErrorKind::Archived),
        (409, "BlobBeingRehydrated", ErrorKind::Archived),
        (412, "LeaseIdMissing", Denied),
        (409, "BlobImmutableDueToPolicy", Denied),
        (409, "InvalidBlobType", Invalid),
        (413, "RequestBodyTooLarge", Invalid),
        (400, "Md5Mismatch", Unavailable),
        (500, "InternalError", Unavailable),
        (500, "OperationTimedOut", Unavailable),
        (503, "ServerBusy", Unavailable),
    ] {
        let service = refusing(status, code);
        let put = written(&store(&service), Precondition::Always).await;
        assert_eq!(put, Err(kind), "{status} {code}");
        assert_eq!(service.asked().len(), 1, "{code}: never repeated here");
    }
}

#[tokio::test]
async fn a_conditional_write_is_lost_denied_or_in_doubt() {
    let old = Version::new("\"0x1\"");
    let unchanged = Precondition::Unchanged(&old);
    for (status, code, when, expected) in [
        (
            409,
            "BlobAlreadyExists",
            Precondition::Absent,
            Ok(Put::Lost),
        ),
        (412, "ConditionNotMet", unchanged, Ok(Put::Lost)),
        (404, "BlobNotFound", unchanged, Ok(Put::Lost)),
        (404, "ContainerNotFound", unchanged, Err(ErrorKind::Missing)),
        (412, "LeaseIdMissing", unchanged, Err(ErrorKind::Denied)),
        (409, "BlobArchived", unchanged, Err(ErrorKind::Archived)),
        // It may have been done.
        (500, "OperationTimedOut", unchanged, Err(ErrorKind::InDoubt)),
        (503, "ServerBusy", unchanged, Err(ErrorKind::InDoubt)),
    ] {
        let service = refusing(status, code);
        let put = written(&store(&service), when).await;
        assert_eq!(put, expected, "{status} {code}");
        assert_eq!(service.asked().len(), 1, "{code}: never repeated here");
    }
    let service = Double::start(|_| (201, String::new()));
    let put = written(&store(&service), unchanged).await;
    assert_eq!(put, Err(ErrorKind::InDoubt), "no version is named");
}

#[tokio::test]
async fn a_busy_service_says_how_long_to_wait() {
    let service = Double::saying("Retry-After: 7\r\n", |_| refusal(503, "ServerBusy"));
    let error = store(&service).get(&key(), Want::all()).await;
    let error = error.expect_err("an error");
    assert_eq!(error.pause().map(|pause| pause.as_secs()), Some(7));
}

#[tokio::test]
async fn a_listing_goes_on_where_the_service_says() {
    let blob = |name: &str, kind: &str| {
        format!(
            "<Blob><Name{name}</Name><Properties>\
             <Last-Modified>Thu, 01 Jan 1970 00:01:00 GMT</Last-Modified>\
             <Content-Length>5</Content-Length>{kind}</Properties></Blob>"
        )
    };
    let service = Double::start(move |asked| {
        let (blobs, next) = match asked.field("marker") {
            "" => {
                let folder = "<ResourceType>directory</ResourceType>";
                (blob(">repo/a", "") + &blob(">repo/d", folder), "mark+1")
            }
            // A name that XML cannot hold.
            "mark+1" => (blob(" Encoded=\"true\">repo/b%01+%2F", ""), ""),
            other => panic!("{other}"),
        };
        let page = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults>\
             <Prefix>repo/</Prefix><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker>\
             </EnumerationResults>"
        );
        (200, page)
    });
    let store = store(&service);
    let files: Vec<_> = store.list("", None).try_collect().await.expect("a list");
    let found: Vec<_> = files
        .iter()
        .map(|file| (file.key.as_str(), file.size, file.modified))
        .collect();
    assert_eq!(found, [("a", 5, 60), ("b\u{1}+/", 5, 60)]);
    let asked = service.asked();
    assert_eq!(asked[0].field("prefix"), "repo/");
    assert_eq!(asked[0].field("comp"), "list");
    let behind: Vec<_> = store
        .list("", Some("a"))
        .try_collect()
        .await
        .expect("a list");
    assert_eq!(behind.len(), 1);
}

#[tokio::test]
async fn a_body_that_changed_on_its_way_is_found_out() {
    // The MD5 of "hello".
    let header = "ETag: \"0x1\"\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n";
    for (body, good) in [("hello", true), ("hellO", false)] {
        let service = Double::saying(header, move |_| (200, body.to_owned()));
        let got = store(&service).get(&key(), Want::all()).await;
        let Ok(crate::store::Got::Found(found)) = got else {
            panic!("{got:?}");
        };
        let read = found.bytes.try_collect::<Vec<_>>().await;
        match read {
            Ok(chunks) => assert!(good && chunks.concat() == body.as_bytes()),
            Err(error) => assert!(!good && error.kind() == ErrorKind::Unavailable, "{error}"),
        }
    }
}
