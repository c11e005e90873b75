use super::size::bytes;
use super::*;
use crate::store::Addressing;
use crate::store::options::Acl;

/// Parameters as somebody would type them.
fn given(text: &str) -> Parameters {
    let mut out = Parameters::default();
    for pair in text.split_whitespace() {
        let (name, value) = pair.split_once('=').expect("name=value");
        let known = ALL.iter().find(|known| known.name == name).expect(name);
        out.set(known.name, value.to_owned());
    }
    out
}

fn place(text: &str) -> Place {
    given(text).place().expect(text)
}

fn options(text: &str) -> Options {
    place(text).options(Vec::new()).expect(text)
}

fn refusal(text: &str) -> Error {
    let place = given(text).place();
    let error = place.and_then(|place| place.options(Vec::new()).map(|_| ()));
    error.expect_err(text)
}

#[test]
fn a_bucket_is_at_amazon_unless_a_host_is_named() {
    assert_eq!(place("bucket=b-1").location.to_string(), "s3://b-1");
    assert_eq!(place("bucket=Big").location.to_string(), "s3://big");
    // git-annex's own remote writes these down for Amazon, and speaks to it in clear.
    let old = "bucket=b-1 host=s3.amazonaws.com port=80 datacenter=EU storageclass=STANDARD";
    assert_eq!(place(old).location.to_string(), "s3://b-1");
    assert_eq!(options(old).region.as_deref(), Some("eu-west-1"));
    assert_eq!(
        options("bucket=b-1 datacenter=US").region.as_deref(),
        Some("us-east-1")
    );
    assert_eq!(
        options("bucket=b-1 datacenter=ap-south-1")
            .region
            .as_deref(),
        Some("ap-south-1")
    );
}

#[test]
fn a_host_is_spoken_to_as_its_port_and_protocol_say() {
    for (text, shown) in [
        ("host=s3.example.com", "s3+https://s3.example.com/b-1"),
        (
            "host=s3.example.com port=443",
            "s3+https://s3.example.com/b-1",
        ),
        (
            "host=s3.example.com port=9000",
            "s3+https://s3.example.com:9000/b-1",
        ),
        (
            "host=s3.example.com port=80",
            "s3+http://s3.example.com/b-1",
        ),
        (
            "host=127.0.0.1 port=8333 protocol=http",
            "s3+http://127.0.0.1:8333/b-1",
        ),
        ("host=::1 protocol=https", "s3+https://[::1]/b-1"),
    ] {
        let text = format!("bucket=b-1 {text}");
        assert_eq!(place(&text).location.to_string(), shown, "{text}");
    }
    let plain = "bucket=b-1 host=s3.example.com";
    assert_eq!(options(plain).addressing, Some(Addressing::Virtual));
    for path in [
        "requeststyle=path",
        "host=10.0.0.1",
        "host=localhost",
        "bucket=b.1",
    ] {
        assert_eq!(
            options(&format!("{plain} {path}")).addressing,
            None,
            "{path}"
        );
    }
    assert!(!options("bucket=b-1 host=s3.example.com port=80").allow_http);
    assert!(options("bucket=b-1 host=s3.example.com protocol=http").allow_http);
}

#[test]
fn parameters_become_options() {
    let all = options(
        "bucket=b-1 storageclass=STANDARD_IA public=yes partsize=10MiB signature=anonymous \
         metadata=a=1,b=2 x-amz-tagging=x=1%202&y=",
    );
    assert_eq!(all.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(all.acl, Some(Acl::PublicRead));
    assert_eq!((all.part_size, all.parallel), (Some(10 << 20), Some(4)));
    assert!(all.anonymous);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(all.metadata, [pair("a", "1"), pair("b", "2")]);
    assert_eq!(all.tags, [pair("x", "1 2"), pair("y", "")]);
}

#[test]
fn a_part_has_its_bounds() {
    let all = options("bucket=b-1 partsize=1GiB");
    assert_eq!((all.part_size, all.parallel), (Some(32 << 20), Some(2)));
    assert_eq!(options("bucket=b-1 partsize=1kb").part_size, Some(5 << 20));
}

#[test]
fn a_url_names_any_place_and_its_query_comes_first() {
    let text = "url=gs://b-1/pre?storage-class=COLDLINE storageclass=NEARLINE";
    assert_eq!(options(text).storage_class.as_deref(), Some("COLDLINE"));
    assert_eq!(place(text).prefix, "annex/");
    assert_eq!(place("url=s3://b-1/p fileprefix=x-").prefix, "x-");
    assert_eq!(place("url=s3://b-1/p fileprefix=/").prefix, "");
    assert_eq!(place("url=s3://b-1/p exporttree=yes").prefix, "");
    assert_eq!(place("bucket=b-1").prefix, "");
    assert_eq!(place("bucket=b-1 fileprefix=x/").prefix, "x/");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (text, part) in [
        ("", "no parameter names a place"),
        ("url=s3://b-1 bucket=b-1", "both name a place"),
        (
            "url=s3://b-1 host=example.org",
            "host= does not go with url=",
        ),
        ("bucket=b-1 signature=v2", "signature="),
        ("bucket=b-1 protocol=ftp host=a.example", "protocol="),
        ("bucket=b-1 requeststyle=odd", "requeststyle="),
        ("bucket=b-1 host=s3.us.archive.org", "Internet Archive"),
        ("bucket=b-1 public=perhaps", "public="),
        ("bucket=b-1 partsize=much", "no size"),
        ("bucket=b-1 fileprefix=a//b", "fileprefix="),
        ("url=gs://b-1 restore=yes", "restore= is not for"),
        ("bucket=b-1 restore=perhaps", "restore="),
        ("url=/folder public=yes", "the parameter public="),
        ("url=gs://b-1 x-amz-tagging=a=1", "x-amz-tagging="),
    ] {
        let error = refusal(text);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn sizes_are_read_as_git_annex_writes_them() {
    for (text, size) in [
        ("1GiB", 1 << 30),
        ("8 MiB", 8 << 20),
        ("100mb", 100_000_000),
        ("1.5kb", 1500),
        ("7", 7),
        ("0.5MiB", 1 << 19),
    ] {
        assert_eq!(bytes(text).expect(text), size, "{text}");
    }
    for odd in ["", "MiB", "1.x", "1 parsec", "99999999999tb", "-1"] {
        assert!(bytes(odd).is_err(), "{odd}");
    }
}

#[test]
fn compressing_goes_with_keys_in_clear() {
    let compresses = |text: &str| given(text).compresses();
    assert!(!compresses("").expect("no"));
    assert!(!compresses("compress=no").expect("no"));
    assert!(compresses("compress=zstd encryption=none").expect("yes"));
    assert!(!compresses("compress=zstd exporttree=yes").expect("no"));
    assert!(compresses("compress=yes").is_err());
    let check = |text: &str| given(text).check();
    for fine in [
        "compress=zstd encryption=none",
        "compress=zstd encryption=hybrid onlyencryptcreds=yes",
        "compress=no encryption=shared exporttree=yes",
    ] {
        assert!(check(fine).is_ok(), "{fine}");
    }
    for odd in [
        "compress=zstd encryption=shared",
        "compress=zstd exporttree=yes",
    ] {
        assert!(check(odd).is_err(), "{odd}");
    }
}

#[test]
fn cost_is_what_git_annex_gives_such_a_place() {
    // git-annex: cheapRemoteCost 100, expensiveRemoteCost 200, veryExpensiveRemoteCost 1000.
    assert_eq!(place("url=/folder").cost(), 100);
    assert_eq!(place("bucket=b-1").cost(), 200);
    assert_eq!(place("bucket=b-1 storageclass=DEEP_ARCHIVE").cost(), 1000);
    assert_eq!(place("url=gs://b-1?storage-class=ARCHIVE").cost(), 200);
}

#[test]
fn a_place_is_shown_without_its_options() {
    let shown = place("url=s3+https://s3.example.com/b-1/p?region=eu").show("KEY");
    assert_eq!(shown, "s3+https://s3.example.com/b-1/p/annex/KEY");
    assert_eq!(place("url=/a/b?c").show("KEY"), "/a/b?c/annex/KEY");
    assert_eq!(
        place("bucket=b-1 fileprefix=x-").show("KEY"),
        "s3://b-1/x-KEY"
    );
}

#[test]
fn an_address_below_the_place_names_a_file() {
    let here = place("url=s3://b-1/p?region=eu-west-1");
    let key = |address: &str| here.within(address).map(|key| key.as_str().to_owned());
    assert_eq!(key("s3://b-1/p/a/b%20c.txt").as_deref(), Some("a/b c.txt"));
    for not in [
        "s3://b-1/q/a",
        "s3://b-2/p/a",
        "s3://b-1/p",
        "https://b-1/p/a",
        "/p/a",
        "gs://b-1/p/a",
    ] {
        assert_eq!(key(not), None, "{not}");
    }
    let folder = place("url=/srv/x");
    let key = folder
        .within("file:///srv/x/a%20b")
        .map(|key| key.as_str().to_owned());
    assert_eq!(key.as_deref(), Some("a b"));
}

#[test]
fn everyone_reads_by_the_address_that_was_told() {
    let here = place("bucket=b-1 fileprefix=x/ publicurl=https://cdn.example.org/top/");
    let address = here.public("a b%ü.txt".as_bytes());
    let expected = "https://cdn.example.org/top/x/a%20b%25%C3%BC.txt";
    assert_eq!(address.as_deref(), Some(expected));
    assert_eq!(place("bucket=b-1").public(b"a"), None);
}
