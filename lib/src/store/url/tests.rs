use super::*;
use crate::error::ErrorKind;
use crate::secret::Secret;

fn s3(text: &str) -> S3Location {
    match Location::parse(text) {
        Ok(Location::S3(location)) => location,
        other => panic!("{text}: {other:?}"),
    }
}

fn options(text: &str) -> Options {
    let location = Location::parse(text).expect(text);
    let options = Options::gather(&location, []).expect(text);
    location.check(&options).expect(text);
    options
}

/// The error of a URL that is refused, at the latest when it is opened.
fn refused(text: &str) -> String {
    let opened = Location::parse(text).and_then(|location| {
        let options = Options::gather(&location, [])?;
        location.check(&options)
    });
    let error = opened.expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
    format!("{error} / {}", error.hint().expect("a hint"))
}

#[test]
fn a_bucket_with_and_without_a_prefix() {
    let location = s3("s3://team-bucket/some/repo/");
    assert_eq!(
        (location.bucket(), location.prefix()),
        ("team-bucket", "some/repo")
    );
    let root = s3("s3://team-bucket");
    assert_eq!((root.bucket(), root.prefix()), ("team-bucket", ""));
    assert_eq!(s3("s3://team-bucket/"), root);
    assert_eq!(s3("pail::s3://team-bucket"), root);
}

#[test]
fn a_profile_may_stand_before_the_bucket_or_in_the_query() {
    assert_eq!(s3("s3://work@team/x").profile(), Some("work"));
    assert_eq!(s3("s3://team/x?profile=work").profile(), Some("work"));
    assert_eq!(s3("s3://work@team/x?profile=work").profile(), Some("work"));
    assert_eq!(
        s3("s3+https://work@host.example/team").profile(),
        Some("work")
    );
    refused("s3://work@team/x?profile=home");
    refused("s3://@team/x");
}

#[test]
fn a_host_of_its_own_has_the_bucket_in_its_path_unless_told_otherwise() {
    let location = s3("s3+https://S3.example.org:9000/team/a%20b/c?region=eu-1");
    assert_eq!((location.bucket(), location.prefix()), ("team", "a b/c"));
    let region = options("s3+https://h/team?region=eu-1").region;
    assert_eq!(region.as_deref(), Some("eu-1"));
    assert_eq!(
        location.host.expect("host").authority,
        "s3.example.org:9000"
    );
    let location = s3("s3+https://team.s3.example.org/a/b?addressing=virtual");
    assert_eq!((location.bucket(), location.prefix()), ("team", "a/b"));
    refused("s3+https://192.0.2.1/team/a?addressing=virtual");
    refused("s3+https://localhost/team/a?addressing=virtual");
}

#[test]
fn keys_in_a_url_are_taken_and_never_shown() {
    let location = s3("s3+http://ke%79:s%2Fe@c:ret@127.0.0.1:9000/team/x");
    let keys = location.keys.clone().expect("keys");
    assert_eq!(
        (keys.id.reveal(), keys.secret.reveal()),
        ("key", "s/e@c:ret")
    );
    assert_eq!(location.to_string(), "s3+http://***@127.0.0.1:9000/team/x");
    assert!(!format!("{location:?}").contains("c:ret"));
    for bad in [
        "s3+http://key:hush@192.0.2.7/team/x",
        "s3+http://key:hush@127.0.0.1:99999/team",
        "s3+https://key:hush@host/",
        "s3://key:hush@team/x",
        "s3+https://key:hush@host/team?profile=work",
        "s3+https://host/team?secret=hush",
        "s4://key:hush@host/team",
        "s3+https://key:hush/hush@host/team",
        "s3+https://key:hush?hush@host/team",
    ] {
        assert!(!refused(bad).contains("hush"), "{bad}");
    }
    refused("s3+https://key:@host/team");
}

#[test]
fn plain_http_is_for_this_machine_unless_the_url_says_so() {
    for fine in [
        "localhost",
        "127.0.0.1:9000",
        "[::1]:9000",
        "127.8.0.1",
        "LOCALHOST:80",
    ] {
        options(&format!("s3+http://{fine}/team/x"));
    }
    for far in [
        "192.0.2.1",
        "minio.lan:9000",
        "[2001:db8::1]",
        "localhost.example.org",
    ] {
        assert!(refused(&format!("s3+http://{far}/team/x")).contains("allow-http=true"));
    }
    for spelling in ["allow_http=true", "allow-http=yes", "allowHttp=1"] {
        options(&format!("s3+http://minio.lan:9000/team/x?{spelling}"));
    }
    refused("s3+http://minio.lan:9000/team/x?allow_http=false");
    refused("s3+http://minio.lan:9000/team/x?allow_http=maybe");
}

#[test]
fn folders() {
    let folder = |text: &str| match Location::parse(text) {
        Ok(Location::Folder(path)) => path,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(folder("/srv/a b%20c?d"), PathBuf::from("/srv/a b%20c?d"));
    assert_eq!(folder("../x"), PathBuf::from("../x"));
    assert_eq!(folder("pail::/srv/x"), PathBuf::from("/srv/x"));
    assert_eq!(folder("file:///srv/a%20b"), PathBuf::from("/srv/a b"));
    assert_eq!(folder("pail:///srv/x"), PathBuf::from("/srv/x"));
    assert_eq!(folder("pail::file:///srv/x"), PathBuf::from("/srv/x"));
    refused("file://server/x");
    refused("pail://srv/x");
    refused("file:///x?region=y");
    refused("pail::");
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_accepted_forms() {
    assert!(refused("gopher://x/y").contains("s3+https://host"));
    if !cfg!(feature = "long-tail") {
        assert!(refused("https://host/team").contains("s3+https://"));
    }
    for bad in [
        "",
        "s3://",
        "s3:///x",
        "s3://ab",
        "s3://a_b_",
        "s3://te..am",
        "s3://te am",
        "s3://te%2fam",
        "s3://team/a//b",
        "s3://team/../b",
        "s3://team/a/./b",
        "s3://team//",
        "s3://team/a%00b",
        "s3://team/a%zz",
        "s3://team/%ff",
        "s3://team/a\\b",
        "s3+https:///team",
        "s3+https://host",
        "s3+https://ho st/team",
        "s3+https://[::g]/team",
        "s3+https://[::1]x/team",
        "s3+https://h:0/team",
        "s3+https://-h/team",
        "s3+https://h:/team",
        "other::s3://team",
        "s3://team?region=a/b",
        "s3://team?region=",
        "s3://team?region=a&region=b",
        "s3://team?addressing=dns",
    ] {
        refused(bad);
    }
    refused(&format!("s3://team/{}", "x".repeat(256)));
}

#[test]
fn a_misspelt_option_names_its_neighbours() {
    assert!(refused("s3://team?regoin=x").contains("did you mean region?"));
    assert!(refused("s3://team?adressing=path").contains("did you mean addressing?"));
    assert!(refused("s3://team?alow-http=true").contains("did you mean allow-http?"));
    assert!(refused("s3://team?colour=red").contains("the options for S3 are region"));
}

#[test]
fn what_is_shown_can_be_read_back() {
    for text in [
        "s3://team",
        "s3://work@team/a/b?region=eu-west-1",
        "s3+https://host.example:9000/team/a%20b%25%3F?addressing=path",
        "s3+https://team.host.example/a?addressing=virtual",
        "s3+http://minio.lan/team/ü?allow-http=true",
    ] {
        assert_eq!(s3(text).to_string(), text);
    }
}

#[test]
fn azure_by_its_account_or_by_its_host() {
    let azure = |text: &str| match Location::parse(text) {
        Ok(Location::Azure(location)) => location,
        other => panic!("{text}: {other:?}"),
    };
    for (text, parts, in_path) in [
        ("az://acct/team/a/b", ("acct", "team", "a/b"), false),
        ("az://acct/$web", ("acct", "$web", ""), false),
        (
            "az+https://acct.blob.core.windows.net/team/a%20b",
            ("acct", "team", "a b"),
            false,
        ),
        (
            "az+https://files.example.org/team/x?account=acct",
            ("acct", "team", "x"),
            false,
        ),
        (
            "az+http://127.0.0.1:10000/devstoreaccount1/team/x",
            ("devstoreaccount1", "team", "x"),
            true,
        ),
        (
            "az+http://localhost:10000/acct/team",
            ("acct", "team", ""),
            true,
        ),
        (
            "az+https://storage.example.org/acct/team/x?addressing=path",
            ("acct", "team", "x"),
            true,
        ),
    ] {
        let location = azure(text);
        let found = (location.account(), location.container(), location.prefix());
        assert_eq!(found, parts, "{text}");
        assert_eq!(location.account_in_path, in_path, "{text}");
        assert_eq!(location.to_string(), text);
    }
    let keyed = azure("az+http://acct:hu%2Fsh==@127.0.0.1:10000/acct/team");
    assert_eq!(keyed.key.as_ref().map(Secret::reveal), Some("hu/sh=="));
    let shown = keyed.to_string();
    assert_eq!(shown, "az+http://acct:***@127.0.0.1:10000/acct/team");
    for bad in [
        "az://",
        "az://acct",
        "az://acct/te",
        "az://acct/Team",
        "az://acct/te--am",
        "az://acct/team/a//b",
        "az://ACCT/team",
        "az://acct:hush@team/x",
        "az+https://acct:hush@files.example/team?account=other",
        "az+https://acct@acct.example/team",
        "az+http://192.0.2.1/acct/team",
        "az://acct/team?region=x",
    ] {
        assert!(!refused(bad).contains("hush"), "{bad}");
    }
}

#[test]
fn google_by_its_name_or_by_its_host() {
    let google = |text: &str| match Location::parse(text) {
        Ok(Location::Google(location)) => location,
        other => panic!("{text}: {other:?}"),
    };
    for (text, parts) in [
        ("gs://team/a/b", ("team", "a/b")),
        ("gs://te_am.example.org", ("te_am.example.org", "")),
        ("gs+http://127.0.0.1:4443/team/x", ("team", "x")),
        ("gs+https://storage.example/team", ("team", "")),
        ("gs://team?project=p-1&requester-pays=yes", ("team", "")),
    ] {
        let location = google(text);
        assert_eq!((location.bucket(), location.prefix()), parts, "{text}");
        assert_eq!(location.to_string(), text);
    }
    for bad in [
        "gs://",
        "gs://ab",
        "gs://Team",
        "gs://-team",
        "gs://te..am",
        "gs://user:hush@team/x",
        "gs+https://user:hush@host/team",
        "gs+http://storage.example/team",
        "gs://team?region=eu-1",
    ] {
        assert!(!refused(bad).contains("hush"), "{bad}");
    }
}

#[test]
fn a_password_in_an_option_is_not_shown() {
    let location = s3("s3://team/x?region=eu-1&proxy=http://me:hush@proxy.example:3128");
    assert_eq!(location.to_string(), "s3://team/x?region=eu-1&proxy=***");
    assert!(!format!("{location:?}").contains("hush"), "{location:?}");
    let options = options("s3://team/x?proxy=http://me:hush@proxy.example:3128");
    assert!(!format!("{options:?}").contains("hush"), "{options:?}");
}
