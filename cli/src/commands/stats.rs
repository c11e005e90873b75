//! `git pail stats`: what a repository takes, how it grew, and what that costs.

mod plot;

use super::stop::{Stop, show};
use super::{json, repository, restore};
use crate::ui::bytes::human;
use crate::ui::count::count;
use crate::ui::table::{Side, columns};
use pail::error::IoContext;
use pail::maintenance::stats::{Cost, PRICES, Prices, Stats, Tally};
use pail::store::options::Service;
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// How far back the growth is told if nothing is said, as git reads it.
const SINCE: &str = "90 days ago";

/// Show what a repository takes, how it grew, and what that costs
///
/// Counts the files and bytes of each kind by listing the bucket, the packs by size, the
/// pushes and the growth of each day by the push log, and what a month costs at the list
/// prices of Amazon, Azure or Google, storage and requests (`docs/costs.md` says which
/// prices). What fetches cost is not known: they leave no trace; the price of one clone is
/// told instead. No pack is downloaded.
///
/// Where packs were merged, the bytes of each day are an estimate: every push of a merged
/// pack counts as much as the others.
///
/// With --json, one object: url, kinds (an object of files and bytes by kind), total (files,
/// bytes), levels (a list of from and to, bytes of a pack; clone and beside, files and bytes
/// of the packs that a clone takes and of those that stay for who is slightly behind), growth
/// (before, bytes at the beginning; bytes and pushes, those that came; days, a list of date,
/// pushes and bytes at its end) and cost: null, or service, date, source, currency, storage
/// and requests (of a month), month (both) and clone (one).
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Where the growth begins: a date as git log takes it; default: 90 days ago
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Whose prices; default: those of the service where it lies
    #[arg(long, value_name = "SERVICE", value_parser = ["s3", "azure", "google"])]
    prices: Option<String>,
    /// Also draw it, as an SVG picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    kinds: serde_json::Map<String, serde_json::Value>,
    total: Count,
    levels: Vec<Level>,
    growth: Growth,
    cost: Option<Priced>,
}

#[derive(Serialize)]
struct Count {
    files: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Level {
    from: u64,
    to: u64,
    clone: Count,
    beside: Count,
}

#[derive(Serialize)]
struct Growth {
    before: u64,
    bytes: u64,
    pushes: u64,
    days: Vec<Day>,
}

#[derive(Serialize)]
struct Day {
    date: String,
    pushes: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Priced {
    service: &'static str,
    date: &'static str,
    source: &'static str,
    currency: &'static str,
    storage: f64,
    requests: f64,
    month: f64,
    clone: f64,
}

impl Count {
    fn of(tally: Tally) -> Self {
        let Tally { files, bytes } = tally;
        Self { files, bytes }
    }
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let since = restore::time(args.since.as_deref().unwrap_or(SINCE)).await?;
    let (location, _) = repository::look_up(args.url.as_deref()).await?;
    let remote = repository::open(args.url.as_deref()).await?;
    let stats = remote.stats(since).await?;
    let prices = prices(args.prices.as_deref(), location.service());
    let url = remote.context().store.describe();
    if let Some(file) = &args.svg {
        let picture = plot::svg(&url, &stats, prices);
        fs::write(file, picture).during(|| format!("write {}", file.display()))?;
    }
    if args.json {
        return json::print(&out(url, &stats, prices));
    }
    show(words(&url, &stats, prices).as_bytes())
}

/// The prices that were asked for, or those of the service.
fn prices(named: Option<&str>, service: Service) -> Option<&'static Prices> {
    let name = named.or(match service {
        Service::S3 => Some("s3"),
        Service::Azure => Some("azure"),
        Service::Google => Some("google"),
        Service::Folder | Service::LongTail => None,
    })?;
    PRICES.iter().find(|prices| prices.name == name)
}

fn cost(stats: &Stats, prices: &Prices) -> Cost {
    prices.cost(
        stats.total(),
        stats.requests,
        stats.clone_requests,
        stats.clone_bytes,
    )
}

fn out(url: String, stats: &Stats, prices: Option<&'static Prices>) -> Out {
    let tally = |tally: Tally| serde_json::json!({"files": tally.files, "bytes": tally.bytes});
    let growth = &stats.growth;
    Out {
        url,
        kinds: stats
            .kinds
            .iter()
            .map(|(kind, sum)| (kind.name().to_owned(), tally(*sum)))
            .collect(),
        total: Count::of(stats.total()),
        levels: stats
            .levels
            .iter()
            .map(|level| Level {
                from: level.from,
                to: level.to,
                clone: Count::of(level.clone),
                beside: Count::of(level.beside),
            })
            .collect(),
        growth: Growth {
            before: growth.before,
            bytes: growth.bytes(),
            pushes: growth.pushes(),
            days: growth
                .days
                .iter()
                .map(|day| Day {
                    date: date(day.start),
                    pushes: day.pushes,
                    bytes: day.bytes,
                })
                .collect(),
        },
        cost: prices.map(|prices| {
            let cost = cost(stats, prices);
            Priced {
                service: prices.service,
                date: prices.date,
                source: prices.source,
                currency: "USD",
                storage: cost.storage,
                requests: cost.requests,
                month: cost.storage + cost.requests,
                clone: cost.clone,
            }
        }),
    }
}

fn words(url: &str, stats: &Stats, prices: Option<&Prices>) -> String {
    let mut out = format!("{url}\n\nin the bucket\n");
    let row = |name: &str, tally: Tally| {
        let bytes = human(tally.bytes);
        vec![name.to_owned(), tally.files.to_string(), bytes]
    };
    let titles = |titles: &[&str]| titles.iter().map(|one| (*one).to_owned()).collect();
    let mut rows = vec![titles(&["kind", "files", "size"])];
    rows.extend(
        stats
            .kinds
            .iter()
            .map(|(kind, tally)| row(kind.name(), *tally)),
    );
    rows.push(row("in all", stats.total()));
    out.push_str(&columns(&[Side::Left, Side::Right, Side::Right], &rows));
    if !stats.levels.is_empty() {
        out.push_str("\npacks by size\n");
        let mut rows = vec![titles(&[
            "from",
            "to",
            "of a clone",
            "size",
            "beside",
            "size",
        ])];
        rows.extend(stats.levels.iter().map(|level| {
            vec![
                human(level.from),
                human(level.to),
                level.clone.files.to_string(),
                human(level.clone.bytes),
                level.beside.files.to_string(),
                human(level.beside.bytes),
            ]
        }));
        out.push_str(&columns(&[Side::Right; 6], &rows));
    }
    out.push_str(&grown(stats));
    if let Some(prices) = prices {
        out.push_str(&priced(stats, prices));
    }
    out
}

fn grown(stats: &Stats) -> String {
    let growth = &stats.growth;
    let mut out = String::from("\ngrowth\n");
    let Some(first) = growth.days.first() else {
        out.push_str("  nothing is known\n");
        return out;
    };
    let pushes = match growth.pushes() {
        1 => "1 push".to_owned(),
        many => format!("{many} pushes"),
    };
    let days = count(growth.days.len() as u64, "day");
    let bytes = human(growth.bytes());
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "  since {}, {days}: {pushes}, {bytes}",
        date(first.start)
    );
    out
}

fn priced(stats: &Stats, prices: &Prices) -> String {
    let cost = cost(stats, prices);
    let mut out = format!(
        "\ncost in US dollars, by the list of {} for {}\n",
        prices.date, prices.service
    );
    let rows = [
        ("a month of storage", cost.storage),
        ("requests of the commits of 30 days", cost.requests),
        ("both", cost.storage + cost.requests),
        ("one clone over the Internet", cost.clone),
    ];
    let rows = rows.map(|(what, dollars)| vec![what.to_owned(), money(dollars)]);
    out.push_str(&columns(&[Side::Left, Side::Right], &rows));
    out
}

/// Dollars, to a hundredth of a cent: most repositories cost less than a cent.
fn money(dollars: f64) -> String {
    format!("{dollars:.4}")
}

/// A day by UTC: `2026-01-31`.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| format!("@{seconds}"),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}
