//! What a month costs at list prices.

use super::kinds::Tally;
use crate::format::manifest::{LogEntry, PackEntry};
use crate::store::Limits;

const GIB: f64 = (1_u64 << 30) as f64;

/// The list prices of one service, in one region and class, in US dollars.
///
/// Prices change and differ by region, class, contract and amount; free quotas are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// A word for it.
    pub name: &'static str,
    /// The service, the class of storage and the region.
    pub service: &'static str,
    /// When the list was looked at.
    pub date: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// A GiB for a month.
    pub storage: f64,
    /// A thousand requests that write or list.
    pub writes: f64,
    /// A thousand requests that read.
    pub reads: f64,
    /// A GiB that is downloaded over the Internet.
    pub download: f64,
}

/// The tables that we have.
pub const ALL: &[Prices] = &[
    Prices {
        name: "s3",
        service: "Amazon S3 Standard, US East (N. Virginia)",
        date: "2026-09",
        source: "https://aws.amazon.com/s3/pricing/",
        storage: 0.023,
        writes: 0.005,
        reads: 0.0004,
        download: 0.09,
    },
    Prices {
        name: "azure",
        service: "Azure Blob Storage, hot, locally redundant, East US",
        date: "2026-05",
        source: "https://azure.microsoft.com/pricing/details/storage/blobs/",
        storage: 0.018,
        writes: 0.0055,
        reads: 0.00044,
        download: 0.087,
    },
    Prices {
        name: "google",
        service: "Google Cloud Storage Standard, us-central1",
        date: "2026-09",
        source: "https://cloud.google.com/storage/pricing",
        storage: 0.02,
        writes: 0.005,
        reads: 0.0004,
        download: 0.12,
    },
];

/// Requests as they are billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// PUT, POST and LIST.
    pub writes: u64,
    /// GET and HEAD.
    pub reads: u64,
}

/// What each kind of commit takes (`docs/costs.md`): writes and reads. A merge is reckoned
/// with four packs, gc with what a repository in good order has.
const COMMITS: &[(&str, u64, u64)] = &[
    ("push", 2, 1),
    ("merge", 2, 5),
    ("gc", 5, 17),
    ("base", 3, 17),
    ("log", 2, 9),
    ("forget", 1, 2),
];

impl Requests {
    /// What the commits took that are not older, as far as the log tells: fetches and clones
    /// leave no trace.
    pub(super) fn of_commits(entries: &[LogEntry], since: i64) -> Self {
        let young = entries.iter().filter(|entry| entry.time >= since);
        young.fold(Self::default(), |sum, entry| {
            let known = COMMITS.iter().find(|(what, ..)| *what == entry.what);
            let (writes, reads) = known.map_or((1, 1), |(_, writes, reads)| (*writes, *reads));
            Self {
                writes: sum.writes + writes,
                reads: sum.reads + reads,
            }
        })
    }

    /// What a clone takes: the manifest, and each range of each pack.
    pub(super) fn of_a_clone(packs: &[PackEntry]) -> Self {
        let range = Limits::default().part.max(1);
        let ranges = packs.iter().map(|pack| pack.size.div_ceil(range).max(1));
        Self {
            writes: 0,
            reads: 1 + ranges.sum::<u64>(),
        }
    }
}

/// Dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// A month of storage.
    pub storage: f64,
    /// The requests of the commits of a month.
    pub requests: f64,
    /// One clone: its requests and its download.
    pub clone: f64,
}

impl Prices {
    /// What this much costs.
    pub fn cost(&self, stored: Tally, month: Requests, clone: Requests, bytes: u64) -> Cost {
        Cost {
            storage: gib(stored.bytes) * self.storage,
            requests: self.requests(month),
            clone: self.requests(clone) + gib(bytes) * self.download,
        }
    }

    fn requests(&self, requests: Requests) -> f64 {
        let thousands = |count: u64| count as f64 / 1000.0;
        thousands(requests.writes) * self.writes + thousands(requests.reads) * self.reads
    }
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maintenance::stats::growth::tests::{entry, pack};

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn ten_gibibytes_and_a_thousand_pushes_cost_what_the_list_says() {
        let stored = Tally {
            files: 7,
            bytes: 10 << 30,
        };
        let month = Requests {
            writes: 2000,
            reads: 1000,
        };
        let clone = Requests {
            writes: 0,
            reads: 10,
        };
        let s3 = ALL.iter().find(|prices| prices.name == "s3").unwrap();
        let cost = s3.cost(stored, month, clone, 5 << 30);
        close(cost.storage, 0.23);
        close(cost.requests, 0.0104);
        close(cost.clone, 0.450_004);
    }

    #[test]
    fn only_commits_of_the_month_are_counted() {
        let entries = [
            entry(1, 10, "push"),
            entry(2, 20, "push"),
            entry(3, 21, "set-head"),
        ];
        let found = Requests::of_commits(&entries, 20);
        assert_eq!((found.writes, found.reads), (3, 2));
    }

    #[test]
    fn a_clone_reads_the_manifest_and_each_range_of_each_pack() {
        let packs = [pack(0, 1, 100), pack(1, 2, (8 << 20) + 1)];
        let found = Requests::of_a_clone(&packs);
        assert_eq!((found.writes, found.reads), (0, 4));
    }
}
