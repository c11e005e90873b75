//! A bucket behind a proxy that breaks what it is told to break.

use crate::it::world::World;
use pail::ids::{Ids, SystemIds};
use std::net::SocketAddr;
use testkit::git::Output;
use testkit::repo::Repo;
use testkit::services;
use testkit::wire_proxy::WireProxy;

/// Where the S3 server listens.
pub(crate) fn server() -> SocketAddr {
    let endpoint = services::s3().endpoint;
    endpoint.trim_start_matches("http://").parse().unwrap()
}

/// The same bucket, through the proxy.
pub(crate) fn through(proxy: &WireProxy, url: &str) -> String {
    let moved = url.replace(&server().to_string(), &proxy.address().to_string());
    assert_ne!(moved, url);
    moved
}

/// The URL of a fresh prefix.
pub(crate) fn prefix() -> String {
    let service = services::s3();
    let host = service.endpoint.trim_start_matches("http://");
    let fresh = SystemIds.hex().unwrap();
    format!(
        "pail::s3+http://{host}/{}/nets/{fresh}?region=us-east-1",
        service.bucket
    )
}

/// What the bucket says of main, asked directly.
pub(crate) fn main_of(world: &World, url: &str) -> Option<String> {
    let out = world.git().ok(&["ls-remote", "-q", url, "refs/heads/main"]);
    out.split_once('\t').map(|(id, _)| id.to_owned())
}

/// A clone of everything, checked by git.
pub(crate) fn sound(world: &World, url: &str, name: &str) -> Repo {
    let mirror = Repo::clone_of(world.git(), url, world.path(name), &["--mirror"]);
    mirror.fsck();
    mirror
}

/// One clear error: told once, in a few lines, and no panic.
pub(crate) fn is_clear(out: &Output) -> bool {
    let said = &out.stderr;
    let errors = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .count();
    (1..=3).contains(&errors) && said.len() < 2000 && !said.contains("panicked")
}
