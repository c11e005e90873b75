//! A special remote behind a proxy that breaks what it is told to break.

use super::site::Site;
use crate::it::proxied::server;
use crate::it::world::World;
use testkit::repo::Repo;
use testkit::services;
use testkit::wire_proxy::WireProxy;

/// An S3 service's refusal of this status and code.
macro_rules! refusal {
    ($status:literal, $code:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>",
            $code,
            "</Code><Message>said by the test</Message></Error>"
        )
    };
}
pub(super) use refusal;

/// Whether it is told, in a few lines, without a secret.
#[track_caller]
pub(super) fn told(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "'{word}' is not in: {said}");
    }
    assert!(!said.contains("panicked") && said.len() < 4000, "{said}");
    assert!(!said.contains(&services::s3().secret), "{said}");
}

/// A repository whose remote is reached through a proxy.
#[derive(Debug)]
pub(super) struct Behind {
    pub(super) site: Site,
    pub(super) repo: Repo,
    pub(super) proxy: WireProxy,
}

impl Behind {
    pub(super) fn new() -> Self {
        Self::with(&["encryption=none"])
    }

    /// With these words for `initremote`.
    pub(super) fn with(more: &[&str]) -> Self {
        let site = Site::ours(World::s3());
        let proxy = WireProxy::start(server());
        let repo = site.repo("work");
        super::site::fill(&repo);
        let words = site.words().join(" ");
        let words = words.replace(&server().to_string(), &proxy.address().to_string());
        assert!(words.contains(&proxy.address().to_string()));
        let words: Vec<&str> = words.split(' ').collect();
        let init = ["annex", "initremote", "-q", "r"];
        repo.ok(&[&init[..], &words, more].concat());
        // Once is enough: how often git-annex itself tries is not what is told here.
        repo.ok(&["config", "annex.retry", "0"]);
        repo.ok(&["config", "annex.forward-retry", "0"]);
        Self { site, repo, proxy }
    }

    /// With the files there.
    pub(super) fn filled(more: &[&str]) -> Self {
        let this = Self::with(more);
        this.repo.ok(&["annex", "copy", "-q", "--to=r"]);
        this
    }
}
