//! Counting what a command asks for.

use crate::bucket::Bucket;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use testkit::wire_proxy::{Fault, Rule, WireProxy};

/// How far away the server is: every answer takes so much longer. Requests that are made at
/// once would else follow each other, because answers come faster than connections are opened.
const DISTANCE: Duration = Duration::from_millis(250);

/// What a command cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    requests: usize,
    round_trips: u64,
    depth: usize,
    up: u64,
    down: u64,
}

impl Cost {
    /// The median of some, of each figure by itself: maintenance that a push leaves behind uses
    /// the same URL, and is sometimes counted with the next push.
    pub(crate) fn median(of: &[Self]) -> Self {
        let wide = |part: fn(&Self) -> u64| {
            let mut all: Vec<u64> = of.iter().map(part).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        let narrow = |part: fn(&Self) -> usize| {
            let mut all: Vec<usize> = of.iter().map(part).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        Self {
            requests: narrow(|cost| cost.requests),
            round_trips: wide(|cost| cost.round_trips),
            depth: narrow(|cost| cost.depth),
            up: wide(|cost| cost.up),
            down: wide(|cost| cost.down),
        }
    }

    /// Both ways.
    pub(crate) fn bytes(&self) -> u64 {
        self.up + self.down
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            round_trips,
            depth,
            up,
            down,
        } = self;
        write!(
            f,
            "{requests} / {round_trips} ({depth} in a row) / {up} / {down}"
        )
    }
}

fn distant(server: SocketAddr) -> WireProxy {
    let proxy = WireProxy::start(server);
    proxy.rule(Rule::new(Fault::Delay(DISTANCE)).always());
    proxy
}

/// A server behind a proxy that counts.
pub(crate) struct Counter {
    proxy: WireProxy,
    url: String,
}

impl Counter {
    /// The bucket.
    pub(crate) fn new(bucket: &Bucket) -> Self {
        let proxy = distant(bucket.server());
        let url = bucket
            .url()
            .replace(&bucket.server().to_string(), &proxy.address().to_string());
        Self { proxy, url }
    }

    /// A web server that serves git.
    pub(crate) fn of(server: SocketAddr, repository: &str) -> Self {
        let proxy = distant(server);
        let url = format!("{}/{repository}", proxy.url());
        Self { proxy, url }
    }

    /// Runs something with the URL behind the proxy.
    pub(crate) fn count(&self, act: impl FnOnce(&str)) -> Cost {
        self.proxy.forget();
        act(&self.url);
        let (up, down) = self.proxy.bytes();
        Cost {
            requests: self.proxy.records().len(),
            round_trips: self.proxy.round_trips(),
            depth: self.proxy.depth(),
            up,
            down,
        }
    }
}
