//! Expected values are those of curl(1), "Environment" and `--noproxy`, and of git-config(1),
//! `http.proxy`.

use super::*;
use std::collections::BTreeMap;

/// The proxy for a URL, as `scheme://host:port`.
fn to(url: &str, named: Option<&str>, pairs: &[(&str, &str)]) -> Option<String> {
    let env: BTreeMap<_, _> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let via = Proxy::new(&env, named).to(&url.parse().expect("a URL"));
    let uri = via.expect("a proxy").map(|via| via.uri.to_string());
    uri.map(|uri| uri.trim_end_matches('/').to_owned())
}

#[test]
fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
    let (http, https) = ("http://a.example/x", "https://a.example/x");
    let one = Some("http://p:1".to_owned());
    for (name, plain, secure) in [
        ("http_proxy", true, false),
        ("HTTP_PROXY", true, false),
        ("https_proxy", false, true),
        ("HTTPS_PROXY", false, true),
        ("all_proxy", true, true),
        ("ALL_PROXY", true, true),
    ] {
        let pairs = &[(name, "http://p:1")];
        assert_eq!(
            to(http, None, pairs),
            one.clone().filter(|_| plain),
            "{name}"
        );
        assert_eq!(
            to(https, None, pairs),
            one.clone().filter(|_| secure),
            "{name}"
        );
    }
    let both = &[
        ("ALL_PROXY", "http://all:1"),
        ("https_proxy", "http://own:2"),
    ];
    assert_eq!(to(https, None, both).as_deref(), Some("http://own:2"));
    assert_eq!(to(http, None, both).as_deref(), Some("http://all:1"));
    let lower = &[
        ("https_proxy", "http://low:1"),
        ("HTTPS_PROXY", "http://up:2"),
    ];
    assert_eq!(to(https, None, lower).as_deref(), Some("http://low:1"));
    // Under a web server the upper case name is what a stranger's `Proxy:` header says.
    let cgi = &[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
    assert_eq!(to(http, None, cgi), None);
}

#[test]
fn a_proxy_that_is_named_comes_first_and_an_empty_name_is_none() {
    let pairs = &[("https_proxy", "http://env:1")];
    let url = "https://a.example/";
    assert_eq!(
        to(url, Some("http://own:2"), pairs).as_deref(),
        Some("http://own:2")
    );
    assert_eq!(to(url, Some(""), pairs), None);
    let exempt = &[("no_proxy", "a.example")];
    assert_eq!(to(url, Some("http://own:2"), exempt), None);
}

#[test]
fn only_no_proxy_exempts() {
    for (list, host, direct) in [
        ("example.com", "example.com", true),
        ("example.com", "www.example.com", true),
        (".example.com", "www.example.com", true),
        ("example.com", "notexample.com", false),
        ("example.com", "example.org", false),
        ("EXAMPLE.com", "example.COM", true),
        ("other, example.com", "example.com", true),
        ("other example.com", "example.com", true),
        ("example.com.", "example.com", true),
        ("*", "example.com", true),
        ("*", "10.1.2.3", true),
        ("10.0.0.0/8", "10.1.2.3", true),
        ("10.0.0.0/8", "11.1.2.3", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("[::1]", "[::1]", true),
        ("::1", "[::1]", true),
        ("localhost", "127.0.0.1", false),
        ("", "127.0.0.1", false),
        ("", "localhost", false),
    ] {
        let pairs = &[("all_proxy", "http://p:1"), ("NO_PROXY", list)];
        let found = to(&format!("https://{host}:8443/x"), None, pairs);
        assert_eq!(found.is_none(), direct, "{list:?} and {host}");
    }
}

#[test]
fn a_proxy_without_scheme_or_port_is_read_as_curl_reads_it() {
    for (written, read) in [
        ("p:3128", "http://p:3128"),
        ("http://p", "http://p:1080"),
        ("p", "http://p:1080"),
        ("https://p", "https://p:443"),
        ("socks5h://p", "socks5h://p:1080"),
        ("http://user:pass@p:3128/", "http://p:3128"),
    ] {
        let found = to("https://a.example/", Some(written), &[]);
        assert_eq!(found.as_deref(), Some(read), "{written}");
    }
}

#[test]
fn what_is_no_proxy_is_an_error_that_tells_no_secret() {
    for url in ["ftp://u:hush@p:1", "http://u:hush@", "http:// u:hush@p"] {
        let proxy = Proxy::new(&BTreeMap::new(), Some(url));
        let failure = proxy.to(&"https://a.example/".parse().expect("a URL"));
        let Err(Failure::Unusable(why)) = &failure else {
            panic!("{url}: {failure:?}");
        };
        assert!(!format!("{why}{failure:?}{proxy:?}").contains("hush"));
    }
    let env = BTreeMap::from([("https_proxy".to_owned(), "gopher://p".to_owned())]);
    let failure = Proxy::new(&env, None).to(&"https://a.example/".parse().expect("a URL"));
    assert!(
        matches!(&failure, Err(Failure::Unusable(why)) if why.contains("https_proxy")),
        "{failure:?}"
    );
}

#[test]
fn a_password_is_sent_and_not_shown() {
    // RFC 7617, section 2: the example of the scheme.
    let named = Some("http://Aladdin:open%20sesame@p:1");
    let via = Proxy::new(&BTreeMap::new(), named).to(&"http://a.example/".parse().expect("a URL"));
    let via = via.expect("a proxy").expect("one");
    let basic = via.basic.clone().expect("credentials");
    assert_eq!(basic, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(basic.is_sensitive());
    assert!(!format!("{via:?}").contains("sesame"), "{via:?}");
}
