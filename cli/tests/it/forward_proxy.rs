//! Behind a proxy, as curl and git are told of it.

use crate::it::proxied::{is_clear, main_of, prefix, server, sound};
use crate::it::world::World;
use testkit::forward_proxy::ForwardProxy;

/// RFC 7617, section 2: "Aladdin" and "open sesame".
const BASIC: &str = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";

#[test]
fn git_s_own_settings_and_the_environment_lead_through_the_proxy() {
    let world = World::s3();
    let repo = world.repo("work");
    repo.commit("a", "one\n");
    let proxy = ForwardProxy::start(Some(BASIC));
    let good = format!("http://Aladdin:open%20sesame@{}", proxy.address());
    let url = prefix();
    repo.ok(&["remote", "set-url", "origin", &url]);
    let asked = || proxy.asked().len();
    let behind = world.git().with_env("http_proxy", &good);

    // The environment.
    let out = behind.run(&["-C", &world.text("work"), "push", "origin", "main"]);
    assert!(out.ok(), "{}", out.stderr);
    let first = proxy.asked();
    let whole = format!("http://{}/", server());
    assert!(
        first.len() >= 3 && first.iter().all(|line| line.contains(&whole)),
        "{first:?}"
    );
    assert_eq!(main_of(&world, &url), Some(repo.head()));

    // A remote that is to have none, and a host that is exempt.
    let before = asked();
    let ls = ["-C", &world.text("work"), "ls-remote", "-q", "origin"];
    repo.ok(&["config", "remote.origin.proxy", ""]);
    assert!(behind.run(&ls).ok());
    repo.ok(&["config", "--unset", "remote.origin.proxy"]);
    assert!(behind.with_env("no_proxy", "127.0.0.0/8").run(&ls).ok());
    assert_eq!(asked(), before);

    // git's configuration, for all and for one remote, and our option before them.
    for (key, value, through) in [
        ("http.proxy", good.as_str(), true),
        ("http.proxy", &good["http://".len()..], true),
        ("remote.origin.proxy", &good, true),
        ("remote.origin.pail-proxy", "none", false),
    ] {
        let before = asked();
        repo.ok(&["config", key, value]);
        let out = world.git().run(&ls);
        assert!(out.ok(), "{key}: {}", out.stderr);
        assert_eq!(asked() > before, through, "{key}");
    }
    repo.ok(&["config", "--unset", "remote.origin.pail-proxy"]);
    sound(&world, &url, "mirror");
}

#[test]
fn a_proxy_that_bars_the_way_is_told_without_its_password() {
    let world = World::s3();
    let proxy = ForwardProxy::start(Some(BASIC));
    let at = proxy.address();
    for (value, why) in [
        (format!("http://{at}"), "wants a name and a password"),
        (format!("http://Aladdin:hush@{at}"), "does not accept"),
        (
            "http://Aladdin:hush@127.0.0.1:1".to_owned(),
            "proxy 127.0.0.1:1",
        ),
        ("gopher://Aladdin:hush@h".to_owned(), "cannot be used"),
    ] {
        let out = world
            .git()
            .with_env("http_proxy", &value)
            .run(&["ls-remote", &prefix()]);
        assert!(!out.ok() && is_clear(&out), "{}", out.stderr);
        assert!(out.stderr.contains(why), "{}", out.stderr);
        assert!(!out.stderr.contains("hush"), "{}", out.stderr);
    }
}
