//! Where the LFS objects of a remote lie, as git-lfs itself finds it.

use pail::local::Config;
use pail::{Error, ErrorKind, Result};
use std::borrow::Cow;

/// A URL of LFS that stands for the one that git has. The helper writes it into the
/// configuration of a repository whose URL git-lfs cannot read, one with a port.
pub const SAME_AS_URL: &str = "pail::same-as-url";

/// What a file in the repository itself may name: places that belong to the user's own
/// account with a cloud. Anything else could be a server that waits for credentials.
const SHIPPED_SCHEMES: [&str; 3] = ["s3", "gs", "az"];

/// Which way an object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the bucket.
    Upload,
    /// Out of it.
    Download,
}

/// A place for LFS objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL.
    pub url: String,
    /// The remote that has this URL, whose options count.
    pub remote: Option<String>,
}

/// Finds the place for a remote, which is a name or a URL. `shipped` is what the repository's
/// own `.lfsconfig` says, which comes after what the user says.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if nothing names one, or only `.lfsconfig` does and it may not.
pub fn find(
    config: &Config,
    shipped: &Config,
    remote: &str,
    direction: Direction,
) -> Result<Endpoint> {
    let up = direction == Direction::Upload;
    let url = said(config, shipped, remote, up)?;
    let url = rewritten(config, &url, up).into_owned();
    let has = |name: &&str| {
        ["url", "pushurl"].iter().any(|key| {
            let own = config.get(&format!("remote.{name}.{key}"));
            own.is_some_and(|own| rewritten(config, own, up) == url)
        })
    };
    let mut names: Vec<&str> = config
        .under("remote.")
        .filter_map(|(key, _)| Some(key.rsplit_once('.')?.0))
        .collect();
    names.sort_unstable();
    let named = std::iter::once(remote).chain(names).find(has);
    Ok(Endpoint {
        remote: named.map(str::to_owned),
        url,
    })
}

/// What is said of a remote, in the order in which git-lfs asks.
fn said(config: &Config, shipped: &Config, remote: &str, up: bool) -> Result<String> {
    let ask = |key: &str| match config.get(key) {
        Some(url) => Some(Ok(url.to_owned())),
        None => shipped.get(key).map(may_be_shipped),
    };
    let own = |key: &str| config.get(key).map(|url| Ok(url.to_owned()));
    if let Some(url) = up.then(|| ask("lfs.pushurl")).flatten() {
        return url;
    }
    if let Some(url) = ask("lfs.url") {
        return url;
    }
    for name in [remote, "origin"] {
        let push = |key: &str| up.then(|| own(&format!("remote.{name}.{key}"))).flatten();
        let same = |url: &Result<String>| url.as_ref().is_ok_and(|url| url == SAME_AS_URL);
        let found = push("lfspushurl")
            .or_else(|| ask(&format!("remote.{name}.lfsurl")))
            .filter(|url| !same(url))
            .or_else(|| push("pushurl"))
            .or_else(|| own(&format!("remote.{name}.url")));
        if let Some(url) = found {
            return url;
        }
        if name.contains(':') || name.contains('/') {
            return Ok(name.to_owned());
        }
    }
    let shown = remote.escape_debug();
    Err(Error::new(
        ErrorKind::Invalid,
        format!("cannot find where the LFS objects of '{shown}' lie: no such remote"),
    )
    .with_hint("`git remote -v` lists the remotes; lfs.url names a place for all of them"))
}

/// Whether a file that comes with a repository may name this place.
fn may_be_shipped(url: &str) -> Result<String> {
    let bare = url.strip_prefix("pail::").unwrap_or(url);
    let place = bare.split_once("://");
    let known = place.is_some_and(|(scheme, rest)| {
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        let region = |pair: &str| pair.is_empty() || pair.starts_with("region=");
        SHIPPED_SCHEMES.contains(&scheme) && !rest.contains(':') && query.split('&').all(region)
    });
    if known || url == SAME_AS_URL {
        return Ok(url.to_owned());
    }
    let shown = url.escape_debug();
    Err(Error::new(
        ErrorKind::Invalid,
        format!("cannot use '{shown}' for LFS: .lfsconfig must not say where credentials go"),
    )
    .with_hint(
        "if you trust the place, say so yourself: `git config lfs.url <that URL>`; \
         s3://, gs:// and az:// with a region need no word",
    ))
}

/// A URL after `url.<base>.insteadOf`, the longest that fits.
fn rewritten<'a>(config: &Config, url: &'a str, up: bool) -> Cow<'a, str> {
    let with = |kind: &'static str| {
        config
            .under("url.")
            .filter_map(move |(key, short)| {
                let (base, own) = key.rsplit_once('.')?;
                let rest = url.strip_prefix(short)?;
                (own == kind).then(|| (short.len(), format!("{base}{rest}")))
            })
            .max()
            .map(|(_, url)| url)
    };
    let push = up.then(|| with("pushinsteadof")).flatten();
    match push.or_else(|| with("insteadof")) {
        Some(url) => Cow::Owned(url),
        None => Cow::Borrowed(url),
    }
}

/// Whether git-lfs cannot read the URL that git has of this remote, and nothing else names
/// a place for its objects. Of a URL that it does not know, git-lfs makes one of ssh, and
/// stumbles over a second colon: that of a port, or of a secret.
#[must_use]
pub fn is_unreadable(config: &Config, remote: &str) -> bool {
    let set = |key: &str| config.get(key).is_some();
    if set("lfs.url") || set(&format!("remote.{remote}.lfsurl")) {
        return false;
    }
    let url = |key: &str| config.get(&format!("remote.{remote}.{key}"));
    let odd = |url: &str| {
        let url = rewritten(config, url, false);
        let place = url.split_once("://");
        place.is_some_and(|(scheme, rest)| {
            pail::store::SCHEMES.contains(&scheme) && rest.contains(':')
        })
    };
    url("url").is_some_and(odd) || url("pushurl").is_some_and(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn up(pairs: &[(&str, &str)], shipped: &[(&str, &str)], remote: &str) -> Result<Endpoint> {
        find(&config(pairs), &config(shipped), remote, Direction::Upload)
    }

    fn down(pairs: &[(&str, &str)], remote: &str) -> String {
        let found = find(&config(pairs), &config(&[]), remote, Direction::Download);
        found.unwrap().url
    }

    /// git-lfs-config(5), "General settings" and "lfs.url" in particular.
    #[test]
    fn the_more_special_word_counts() {
        let all = [
            ("lfs.pushurl", "s3://a/1"),
            ("lfs.url", "s3://a/2"),
            ("remote.o.lfspushurl", "s3://a/3"),
            ("remote.o.lfsurl", "s3://a/4"),
            ("remote.o.pushurl", "s3://a/5"),
            ("remote.o.url", "s3://a/6"),
        ];
        for (from, pushes, pulls) in [
            (0, 1, 2),
            (1, 2, 2),
            (2, 3, 4),
            (3, 4, 4),
            (4, 5, 6),
            (5, 6, 6),
        ] {
            let url = up(&all[from..], &[], "o").unwrap().url;
            assert_eq!(url, format!("s3://a/{pushes}"));
            assert_eq!(down(&all[from..], "o"), format!("s3://a/{pulls}"));
        }
    }

    #[test]
    fn a_remote_may_be_a_url_and_origin_stands_in_for_what_is_none() {
        let pairs = [("remote.origin.url", "s3://b/r")];
        assert_eq!(down(&pairs, "gs://b/x"), "gs://b/x");
        assert_eq!(down(&pairs, "pail::../store"), "pail::../store");
        assert_eq!(down(&pairs, "other"), "s3://b/r");
        let error = up(&[], &[], "origin").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn the_options_of_the_remote_with_that_url_count() {
        let pairs = [
            ("lfs.url", "s3://b/lfs"),
            ("remote.origin.url", "s3://b/r"),
            ("remote.large.url", "s3://b/lfs"),
        ];
        let remote = |pairs| up(pairs, &[], "origin").unwrap().remote;
        assert_eq!(remote(&pairs).as_deref(), Some("large"));
        assert_eq!(remote(&pairs[1..]).as_deref(), Some("origin"));
        assert_eq!(remote(&pairs[..2]), None);
    }

    #[test]
    fn short_forms_are_spelled_out() {
        let pairs = [
            ("url.s3://b/.insteadof", "x:"),
            ("url.s3://other/.insteadof", "x:y/"),
            ("url.gs://b/.pushinsteadof", "x:"),
            ("remote.origin.url", "x:y/z"),
        ];
        assert_eq!(down(&pairs, "origin"), "s3://other/z");
        assert_eq!(up(&pairs, &[], "origin").unwrap().url, "gs://b/y/z");
    }

    #[test]
    fn the_mark_of_the_helper_stands_for_the_url() {
        let pairs = [
            ("remote.origin.lfsurl", SAME_AS_URL),
            ("remote.origin.url", "s3+http://127.0.0.1:9000/b/r"),
        ];
        assert_eq!(down(&pairs, "origin"), "s3+http://127.0.0.1:9000/b/r");
    }

    #[test]
    fn what_comes_with_a_repository_names_no_server() {
        let shipped = |url| up(&[], &[("lfs.url", url)], "origin").map(|found| found.url);
        for good in ["s3://b/r?region=eu-west-1", "pail::gs://b/r", "az://a/c/r"] {
            assert_eq!(shipped(good).unwrap(), good);
        }
        for bad in [
            "s3+https://evil.example/b/r",
            "gs+https://evil.example/b",
            "s3://b/r?endpoint=https://evil.example",
            "s3://b/r?region=x&proxy=evil",
            "s3://key:secret@b/r",
            "pail::/home/user",
            "pail:///home/user",
            "../x",
        ] {
            let error = shipped(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            let own = up(&[("lfs.url", bad)], &[("lfs.url", bad)], "origin");
            assert_eq!(own.unwrap().url, bad, "the user's own word counts");
        }
    }

    #[test]
    fn only_a_url_with_a_port_or_a_secret_is_unreadable() {
        let unreadable = |url| is_unreadable(&config(&[("remote.o.url", url)]), "o");
        for url in ["s3+http://h:9000/b", "s3+https://k:s@h/b", "pail:///a:b"] {
            assert!(unreadable(url), "{url}");
        }
        for url in [
            "s3://p@b/r",
            "pail::s3+http://h:9000/b",
            "pail::/a:b",
            "https://h:444/r",
            "git@h:r",
        ] {
            assert!(!unreadable(url), "{url}");
        }
        let set = [
            ("remote.o.url", "s3+http://h:9000/b"),
            ("remote.o.lfsurl", "https://h/lfs"),
        ];
        assert!(!is_unreadable(&config(&set), "o"));
    }
}
