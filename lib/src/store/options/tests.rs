use super::*;
use crate::error::ErrorKind;
use crate::store::Location;
use std::collections::BTreeMap;

fn given(origin: Origin, name: &str, value: &str) -> Given {
    Given {
        origin,
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn remote(name: &str, value: &str) -> Given {
    given(Origin::Remote(format!("remote.o.pail-{name}")), name, value)
}

fn general(name: &str, value: &str) -> Given {
    given(Origin::General(format!("pail.{name}")), name, value)
}

fn gather(url: &str, given: Vec<Given>) -> Options {
    Options::gather(&Location::parse(url).expect(url), given).expect(url)
}

fn refused(url: &str, given: Vec<Given>) -> String {
    let location = Location::parse(url);
    let error = location.and_then(|location| Options::gather(&location, given));
    let error = error.expect_err(url);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    format!("{error} / {}", error.hint().unwrap_or_default())
}

#[test]
fn the_first_place_that_says_something_wins() {
    let env = BTreeMap::from([("PAIL_STORAGE_CLASS".to_owned(), "ENV".to_owned())]);
    let mut places = vec![remote("storageclass", "REMOTE")];
    places.extend(from_env(&env));
    places.push(general("storageClass", "GENERAL"));
    let class = |url: &str, places: &[Given]| gather(url, places.to_vec()).storage_class;
    let url = "s3://team/x?storage-class=URL";
    assert_eq!(class(url, &places).as_deref(), Some("URL"));
    for (from, want) in [(0, "REMOTE"), (1, "ENV"), (2, "GENERAL")] {
        assert_eq!(class("s3://team/x", &places[from..]).as_deref(), Some(want));
    }
    assert_eq!(class("s3://team/x", &[]), None);
}

#[test]
fn a_name_has_many_spellings() {
    for name in ["part-size", "partSize", "PART_SIZE", "partsize"] {
        let found = gather("s3://team", vec![general(name, "16M")]);
        assert_eq!(found.part_size, Some(16 << 20), "{name}");
    }
    for spec in ALL {
        assert!(find(&spec.variable()["PAIL_".len()..]).is_some());
        assert!(find(&spec.general_key()["pail.".len()..]).is_some());
        assert!(find(&spec.remote_key()["pail-".len()..]).is_some());
    }
    let class = find("storage-class").expect("a row");
    assert_eq!(class.variable(), "PAIL_STORAGE_CLASS");
    assert_eq!(class.general_key(), "pail.storageClass");
    assert_eq!(class.remote_key(), "pail-storage-class");
}

#[test]
fn no_two_rows_are_one_name() {
    for (nth, spec) in ALL.iter().enumerate() {
        let found = find(spec.name).expect("a row");
        assert!(std::ptr::eq(found, &ALL[nth]), "{}", spec.name);
        assert!(!spec.services.is_empty() && !spec.help.is_empty());
    }
}

#[test]
fn an_error_says_where_the_option_stands_and_never_its_value() {
    for (given, words) in [
        (
            remote("part-size", "hush"),
            "'part-size' (git config remote.o.pail-part-size) must be a size from 5M",
        ),
        (
            general("sse", "hush"),
            "'sse' (git config pail.sse) must be none, aes256",
        ),
        (
            given(Origin::Env("PAIL_PROXY".to_owned()), "proxy", "ftp://hush"),
            "'proxy' (the environment variable PAIL_PROXY) must be the URL",
        ),
        (general("region", ""), "needs a value"),
        (
            remote("stroage-class", "hush"),
            "no option 'stroage-class' (git config remote.o.pail-stroage-class) / did you mean storage-class?",
        ),
    ] {
        let text = refused("s3://team", vec![given]);
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
    let text = refused("s3://team?acl=hush", vec![]);
    assert!(
        text.contains("'acl' (in the URL) must be private"),
        "{text}"
    );
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn what_is_said_of_one_remote_must_fit_its_service() {
    let text = refused("gs://team?region=x", vec![]);
    assert!(
        text.contains("'region' (in the URL) is not for Google"),
        "{text}"
    );
    let text = refused("/srv/x", vec![remote("sse", "aes256")]);
    assert!(
        text.contains("is not for a folder / the options for a folder are part-size"),
        "{text}"
    );
    assert!(!text.contains("region"), "{text}");
    // Said of all remotes, it passes by those that do not take it, whatever its value.
    let folder = gather(
        "/srv/x",
        vec![general("sse", "nonsense"), general("parallel", "2")],
    );
    assert_eq!((folder.sse, folder.parallel), (None, Some(2)));
}

#[test]
fn values_have_the_forms_that_the_table_says() {
    let one = |name: &str, value: &str| {
        Options::gather(
            &Location::parse("s3://team").expect("a URL"),
            [remote(name, value)],
        )
        .ok()
    };
    let bytes = |text: &str| one("limit-up", text).and_then(|options| options.limit_up);
    assert_eq!(bytes("500k"), Some(500 << 10));
    assert_eq!(bytes("2M"), Some(2 << 20));
    assert_eq!(bytes("2MiB"), Some(2 << 20));
    assert_eq!(bytes("1GB/s"), Some(1 << 30));
    assert_eq!(bytes("4096"), Some(4096));
    for bad in ["", "0", "k", "-1M", "1.5M", "99999999999G", "2X", "ü"] {
        assert_eq!(bytes(bad), None, "{bad}");
    }
    let tags = |text: &str| one("tags", text).map(|options| options.tags);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        tags("team=core, stage=x=y"),
        Some(vec![pair("team", "core"), pair("stage", "x=y")])
    );
    for bad in ["team", "=x", "a=b,a=c", "a=b,,"] {
        assert_eq!(tags(bad), None, "{bad}");
    }
    assert!(one("metadata", "a=ü").is_none() && one("metadata", "a b=c").is_none());
    for (name, good, bad) in [
        ("parallel", "64", "65"),
        ("part-size", "5M", "4M"),
        ("part-size", "5G", "6G"),
        ("timeout", "30s", "0"),
        ("fips", "on", "maybe"),
        ("region", "eu-west-1", "a/b"),
        ("profile", "my team", "a]"),
        ("endpoint", "https://h:9000/x", "h:9000"),
        ("endpoint", "http://h", "https://key:hush@h"),
        ("proxy", "http://u:p@h:3128", "ftp://h"),
    ] {
        assert!(one(name, good).is_some(), "{name}={good}");
        assert!(one(name, bad).is_none(), "{name}={bad}");
    }
}

#[test]
fn options_that_need_one_another() {
    for bad in [
        "sse-kms-key=x",
        "sse=aes256&sse-bucket-key=true",
        "sse=customer",
        "sse-customer-key-file=x",
        "anonymous=true&profile=x",
    ] {
        refused(&format!("s3://team?{bad}"), vec![]);
    }
    let found = gather(
        "s3://team?sse=kms&sse-kms-key=alias/x&sse-bucket-key=no",
        vec![],
    );
    assert_eq!(
        (found.sse, found.sse_bucket_key),
        (Some(Sse::Kms), Some(false))
    );
    assert_eq!(found.sse_kms_key.as_deref(), Some("alias/x"));
}

#[test]
fn limits_come_from_the_options() {
    let limits = gather("s3://team?part-size=16M&parallel=2", vec![]).limits();
    assert_eq!((limits.part, limits.parallel), (16 << 20, 2));
    assert_eq!(gather("s3://team", vec![]).limits(), Limits::default());
}

#[test]
fn a_class_that_needs_a_restore_is_no_place_for_a_repository() {
    let check = |url: &str| {
        let location = Location::parse(url).expect(url);
        gather(url, vec![]).check_readable(location.service())
    };
    for bad in [
        "s3://team?storage-class=GLACIER",
        "s3://team?storage-class=deep_archive",
        "az://acct/team?storage-class=Archive",
    ] {
        assert_eq!(check(bad).expect_err(bad).kind(), ErrorKind::Invalid);
    }
    for fine in [
        "s3://team",
        "s3://team?storage-class=GLACIER_IR",
        "az://acct/team?storage-class=Cold",
        "gs://team?storage-class=ARCHIVE",
    ] {
        check(fine).expect(fine);
    }
}
