//! `git pail ls`: what a bucket holds.

use super::stop::{Stop, show};
use super::{json, repository};
use crate::ui::bytes::human;
use crate::ui::count::count;
use crate::ui::table::{Side, columns};
use pail::format::manifest::{self, Manifest, PackEntry};
use pail::format::names;
use pail::maintenance::levels;
use pail::transaction::Snapshot;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Show what a repository in a bucket holds
///
/// Shows the refs, HEAD, the packs with the pushes that each covers, and sizes. Costs one
/// request, and one more for a large table of refs; nothing of the packs is downloaded.
///
/// With --json, one object: url, repository (a random id), layout, object_format,
/// generation (how many commits the repository has seen), epoch, head (or null), refs (a
/// list of name, oid, and peeled for annotated tags), packs (a list of name, source,
/// holds, from, to, objects, bytes, index_bytes, null where no index is stored, and beside:
/// whether its objects lie in a larger pack, too, and it stays for who is slightly behind),
/// and totals (refs; packs, objects and bytes of the packs that a clone takes; beside, the
/// packs and bytes of the others; aside, how many more packs there are for who is far behind,
/// which are not told one by one). A pack covers the generations after its from, up to its
/// to. With --refs there are no packs, with --packs no refs. In names, a byte that is not
/// UTF-8 stands as %XX, and % as %25.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote; default: the remote of this branch, or origin
    url: Option<String>,
    /// Refs only, as git ls-remote shows them
    #[arg(long, conflicts_with = "packs")]
    refs: bool,
    /// Packs only
    #[arg(long)]
    packs: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    repository: String,
    layout: u64,
    object_format: &'static str,
    generation: u64,
    epoch: u64,
    head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refs: Option<Vec<Ref>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packs: Option<Vec<Pack>>,
    totals: Totals,
}

#[derive(Serialize)]
struct Ref {
    name: String,
    oid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    peeled: Option<String>,
}

#[derive(Serialize)]
struct Pack {
    name: String,
    source: &'static str,
    holds: &'static str,
    from: u64,
    to: u64,
    objects: u64,
    bytes: u64,
    index_bytes: Option<u64>,
    beside: bool,
}

#[derive(Serialize)]
struct Totals {
    refs: u64,
    packs: u64,
    objects: u64,
    bytes: u64,
    beside: Beside,
    aside: Aside,
}

#[derive(Serialize)]
struct Beside {
    packs: u64,
    bytes: u64,
}

/// Packs that the manifest does not name itself: for readers far behind.
#[derive(Serialize)]
struct Aside {
    packs: u64,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let remote = repository::open(args.url.as_deref()).await?;
    let at = remote.existing().await?;
    let url = remote.context().store.describe();
    if args.json {
        return json::print(&out(&args, &at, url));
    }
    // Bytes, not text: the names of refs go out as they are.
    show(&match (args.refs, args.packs) {
        (true, _) => refs(&at, "\t", ""),
        (_, true) => packs(&at.manifest),
        _ => everything(&at, &url),
    })
}

fn out(args: &Args, at: &Snapshot, url: String) -> Out {
    let manifest = &at.manifest;
    let refs = at.refs.iter().map(|(name, value)| Ref {
        name: names::encode(name.as_bytes()),
        oid: value.oid.to_string(),
        peeled: value.peeled.map(|peeled| peeled.to_string()),
    });
    let clone = of_a_clone(manifest);
    let packs = manifest.packs.iter().map(|pack| Pack {
        beside: !clone.contains(&*pack.name),
        name: pack.name.clone(),
        source: pack.source.name(),
        holds: pack.holds.name(),
        from: pack.from,
        to: pack.to,
        objects: pack.objects,
        bytes: pack.size,
        index_bytes: pack.index,
    });
    Out {
        url,
        repository: manifest.repository.clone(),
        layout: manifest::VERSION,
        object_format: manifest.object_format.name(),
        generation: manifest.generation,
        epoch: manifest.epoch,
        head: manifest
            .head
            .as_ref()
            .map(|head| names::encode(head.as_bytes())),
        refs: (!args.packs).then(|| refs.collect()),
        packs: (!args.refs).then(|| packs.collect()),
        totals: totals(at),
    }
}

fn totals(at: &Snapshot) -> Totals {
    let manifest = &at.manifest;
    let clone = of_a_clone(manifest);
    let (packs, beside): (Vec<_>, Vec<_>) = manifest
        .packs
        .iter()
        .partition(|pack| clone.contains(&*pack.name));
    let bytes: u64 = packs.iter().map(|pack| stored(pack)).sum();
    let table = manifest.base.as_ref().map_or(0, |table| table.size);
    let log: u64 = manifest.log.segments.iter().map(|part| part.size).sum();
    Totals {
        refs: at.refs.count(),
        packs: packs.len() as u64,
        objects: packs.iter().map(|pack| pack.objects).sum(),
        bytes: bytes + table + log,
        beside: Beside {
            packs: beside.len() as u64,
            bytes: beside.iter().map(|pack| stored(pack)).sum(),
        },
        aside: Aside {
            packs: manifest.aside.as_ref().map_or(0, |list| list.count),
        },
    }
}

/// The names of the packs that a clone takes.
fn of_a_clone(manifest: &Manifest) -> BTreeSet<&str> {
    let packs = levels::of_a_clone(&manifest.packs).into_iter();
    packs.map(|pack| pack.name.as_str()).collect()
}

/// Bytes that a pack and its index take.
fn stored(pack: &PackEntry) -> u64 {
    pack.size + pack.index.unwrap_or(0)
}

fn refs(at: &Snapshot, between: &str, indent: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |oid: &pail::ObjectId, name: &[u8], suffix: &str| {
        out.extend_from_slice(format!("{indent}{oid}{between}").as_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(suffix.as_bytes());
        out.push(b'\n');
    };
    if let Some(head) = &at.manifest.head
        && let Some(value) = at.refs.get(head)
    {
        line(&value.oid, b"HEAD", "");
    }
    for (name, value) in at.refs.iter() {
        line(&value.oid, name.as_bytes(), "");
        if let Some(peeled) = &value.peeled {
            line(peeled, name.as_bytes(), "^{}");
        }
    }
    out
}

fn packs(manifest: &Manifest) -> Vec<u8> {
    const SIDES: [Side; 7] = [
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Left,
    ];
    let titles = [
        "kind",
        "holds",
        "generations",
        "objects",
        "pack",
        "index",
        "name",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    let clone = of_a_clone(manifest);
    for pack in &manifest.packs {
        let first = pack.from + 1;
        rows.push(vec![
            pack.source.name().to_owned(),
            pack.holds.name().to_owned(),
            if first == pack.to {
                first.to_string()
            } else {
                format!("{first}-{}", pack.to)
            },
            pack.objects.to_string(),
            human(pack.size),
            pack.index.map_or_else(|| "none".to_owned(), human),
            match clone.contains(&*pack.name) {
                true => pack.name.clone(),
                false => format!("{} (beside)", pack.name),
            },
        ]);
    }
    columns(&SIDES, &rows).into_bytes()
}

fn everything(at: &Snapshot, url: &str) -> Vec<u8> {
    let manifest = &at.manifest;
    let totals = totals(at);
    let head = match &manifest.head {
        None => "none yet".to_owned(),
        Some(head) if at.refs.get(head).is_none() => format!("{head} (does not exist yet)"),
        Some(head) => head.to_string(),
    };
    let facts = [
        ("at", url.to_owned()),
        ("repository", manifest.repository.clone()),
        (
            "format",
            format!("layout {}, {}", manifest::VERSION, manifest.object_format),
        ),
        (
            "generation",
            format!("{} (epoch {})", manifest.generation, manifest.epoch),
        ),
        ("HEAD", head),
        (
            "in all",
            format!(
                "{}, {}, {}, {}",
                count(totals.refs, "ref"),
                count(totals.packs, "pack"),
                count(totals.objects, "object"),
                human(totals.bytes)
            ),
        ),
    ];
    let beside = totals.beside.packs > 0;
    let beside = beside.then(|| {
        let packs = count(totals.beside.packs, "pack");
        let size = human(totals.beside.bytes);
        let what = format!("{packs} of the same objects for who is slightly behind, {size}");
        ("beside", what)
    });
    let aside = totals.aside.packs > 0;
    let aside = aside.then(|| {
        let packs = count(totals.aside.packs, "more pack");
        (
            "aside",
            format!("{packs} of them for who is far behind, not shown here"),
        )
    });
    let mut text = String::new();
    for (name, value) in facts.into_iter().chain(beside).chain(aside) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<12}{value}");
    }
    let mut out = text.into_bytes();
    if totals.refs > 0 {
        out.extend_from_slice(b"\nrefs\n");
        out.extend(refs(at, " ", "  "));
    }
    if !manifest.packs.is_empty() {
        out.extend_from_slice(b"\npacks\n");
        out.extend(packs(manifest));
    }
    out
}
