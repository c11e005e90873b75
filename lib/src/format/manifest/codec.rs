//! Bytes ⇄ [`Manifest`]: version gate first, unknown fields kept, every value checked.

use super::{
    AsideRef, Condemned, Holds, LEASE, LogEntry, LogTail, Manifest, MovesFile, PackEntry,
    PackSource, RefMove, SegmentRef, TableRef, VERSION, WHAT, Why, checksum, invariants, packed,
};
use crate::error::{Error, ErrorKind, Result};
use crate::format::refs::Updates;
use crate::format::{corrupt, names, settings};
use crate::oid::ObjectId;
use crate::refs::{RefName, RefValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Features that this program knows, of those that a manifest can require.
const KNOWN: [&str; 2] = [settings::PROTECTED_REFS, LEASE];

/// What must be understood before anything else is.
#[derive(Deserialize)]
struct Gate {
    pail: u64,
    #[serde(default)]
    requires: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    pail: u64,
    #[serde(default)]
    checksum: String,
    repository: String,
    object_format: String,
    generation: u64,
    write_id: String,
    epoch: u64,
    head: Option<String>,
    refs: WireRefs,
    packs: Vec<WirePack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aside: Option<WireAside>,
    log: WireLog,
    #[serde(default)]
    condemned: Vec<WireCondemned>,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    requires: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct WireRefs {
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<WireTable>,
    updates: std::collections::BTreeMap<String, Option<String>>,
}

#[derive(Serialize, Deserialize)]
struct WireTable {
    id: String,
    sha256: String,
    size: u64,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct WirePack {
    name: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    objects: u64,
    from: u64,
    to: u64,
    holds: String,
    source: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct WireAside {
    id: String,
    sha256: String,
    size: u64,
    count: u64,
    to: u64,
}

/// Name, old id, new id.
pub(crate) type WireMove = (String, Option<String>, Option<String>);

#[derive(Serialize, Deserialize)]
struct WireLog {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    segments: Vec<WireSegment>,
    entries: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
struct WireSegment {
    id: String,
    first: u64,
    last: u64,
    sha256: String,
    size: u64,
}

#[derive(Serialize, Deserialize)]
struct WireEntry {
    generation: u64,
    time: i64,
    who: String,
    what: String,
    write_id: String,
    moves: Vec<WireMove>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moves_file: Option<WireTable>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct WireCondemned {
    key: String,
    generation: u64,
    time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Manifest {
    /// Reads a manifest, packed or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if a newer program wrote it or it requires a feature that
    /// this one lacks; [`ErrorKind::Corrupt`] if it is no JSON, is cut, or breaks a rule.
    pub fn decode(file: &[u8]) -> Result<Self> {
        let bytes = &*packed::text(file)?;
        if checksum::holds(bytes) == Some(false) {
            let why = "its bytes do not have the checksum that it carries";
            return Err(corrupt(WHAT, why));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|error| {
            let why = if error.is_eof() {
                format!("it is cut short ({error})")
            } else {
                format!("it is no manifest ({error})")
            };
            corrupt(WHAT, why)
        })?;
        if gate.pail != VERSION {
            return Err(newer(format!(
                "it has version {}, this program reads version {VERSION}",
                gate.pail
            )));
        }
        if let Some(feature) = gate
            .requires
            .iter()
            .find(|feature| !KNOWN.contains(&feature.as_str()))
        {
            return Err(newer(format!(
                "it requires the feature '{}', which this program lacks",
                feature.escape_debug()
            )));
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| corrupt(WHAT, error))?;
        let manifest = wire.read()?;
        match invariants::fault(&manifest) {
            None if checksum::holds(bytes).is_none() => {
                Err(corrupt(WHAT, "it carries no checksum"))
            }
            None => Ok(manifest),
            Some(why) => Err(corrupt(WHAT, why)),
        }
    }

    /// Writes a manifest: JSON on one line, fields always in the same order; packed, if that
    /// is long.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if it breaks a rule: nothing is written that could not be read.
    pub fn encode(&self) -> Result<Vec<u8>> {
        if let Some(why) = invariants::fault(self) {
            return Err(corrupt(WHAT, why).context("refusing to write what could not be read"));
        }
        let mut bytes =
            serde_json::to_vec(&Wire::write(self)).map_err(|error| corrupt(WHAT, error))?;
        bytes.push(b'\n');
        checksum::seal(&mut bytes);
        packed::pack(bytes)
    }
}

/// Bytes that a set of ref updates takes in a manifest.
pub(crate) fn updates_len(updates: &Updates) -> usize {
    let one = |(name, value): (&RefName, &Option<RefValue>)| {
        let ids = value.map_or(4, |value| {
            2 + value.oid.format().hex_len() * if value.peeled.is_some() { 2 } else { 1 }
        });
        name.as_bytes().len() + ids + 5
    };
    updates.iter().map(one).sum()
}

/// One entry of the push log as a line of JSON, as segments hold them.
pub(crate) fn encode_entry(entry: &LogEntry) -> Result<Vec<u8>> {
    serde_json::to_vec(&WireEntry::write(entry)).map_err(|error| corrupt("the push log", error))
}

/// Reads such a line.
pub(crate) fn decode_entry(line: &[u8]) -> Result<LogEntry> {
    let wire: WireEntry =
        serde_json::from_slice(line).map_err(|error| corrupt("the push log", error))?;
    wire.read()
}

/// One pack as a line of JSON, as the list aside holds them.
pub(crate) fn encode_pack(pack: &PackEntry) -> Result<Vec<u8>> {
    serde_json::to_vec(&WirePack::write(pack)).map_err(|error| corrupt("a list of packs", error))
}

/// Reads such a line.
pub(crate) fn decode_pack(line: &[u8]) -> Result<PackEntry> {
    let wire: WirePack =
        serde_json::from_slice(line).map_err(|error| corrupt("a list of packs", error))?;
    wire.read()
}

fn newer(why: String) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("cannot read the manifest: {why}"),
    )
    .with_hint("a newer git-pail has written to this repository: update this one")
}

fn read_name(text: &str) -> Result<RefName> {
    let bytes = names::decode(text).ok_or_else(|| {
        corrupt(
            WHAT,
            format!("'{}' is no encoded name", text.escape_debug()),
        )
    })?;
    RefName::new(bytes).map_err(|error| corrupt(WHAT, error))
}

fn read_oid(text: &str) -> Result<ObjectId> {
    text.parse().map_err(|error: Error| corrupt(WHAT, error))
}

fn read_value(text: &str) -> Result<RefValue> {
    match text.split_once(' ') {
        None => Ok(RefValue::plain(read_oid(text)?)),
        Some((oid, peeled)) => Ok(RefValue {
            oid: read_oid(oid)?,
            peeled: Some(read_oid(peeled)?),
        }),
    }
}

fn write_value(value: RefValue) -> String {
    match value.peeled {
        None => value.oid.to_string(),
        Some(peeled) => format!("{} {peeled}", value.oid),
    }
}

impl Wire {
    fn read(self) -> Result<Manifest> {
        let mut updates = Updates::new();
        for (name, value) in &self.refs.updates {
            updates.insert(
                read_name(name)?,
                value.as_deref().map(read_value).transpose()?,
            );
        }
        Ok(Manifest {
            repository: self.repository,
            object_format: self.object_format.parse()?,
            generation: self.generation,
            write_id: self.write_id,
            epoch: self.epoch,
            head: self.head.as_deref().map(read_name).transpose()?,
            base: self.refs.base.map(|t| TableRef {
                id: t.id,
                sha256: t.sha256,
                size: t.size,
                count: t.count,
            }),
            updates,
            packs: self
                .packs
                .into_iter()
                .map(WirePack::read)
                .collect::<Result<_>>()?,
            aside: self.aside.map(|a| AsideRef {
                id: a.id,
                sha256: a.sha256,
                size: a.size,
                count: a.count,
                to: a.to,
            }),
            log: LogTail {
                segments: self
                    .log
                    .segments
                    .into_iter()
                    .map(WireSegment::read)
                    .collect(),
                entries: self
                    .log
                    .entries
                    .into_iter()
                    .map(WireEntry::read)
                    .collect::<Result<_>>()?,
            },
            condemned: self
                .condemned
                .into_iter()
                .map(|c| Condemned {
                    key: c.key,
                    generation: c.generation,
                    time: c.time,
                    why: c.why.as_deref().map_or(Why::Leftover, Why::parse),
                })
                .collect(),
            settings: self.settings,
            requires: self.requires,
            optional: self.optional,
            unknown: self.unknown,
        })
    }

    fn write(manifest: &Manifest) -> Self {
        let update = |(name, value): (&RefName, &Option<RefValue>)| {
            (names::encode(name.as_bytes()), value.map(write_value))
        };
        Self {
            pail: VERSION,
            checksum: checksum::blank(),
            repository: manifest.repository.clone(),
            object_format: manifest.object_format.name().to_owned(),
            generation: manifest.generation,
            write_id: manifest.write_id.clone(),
            epoch: manifest.epoch,
            head: manifest
                .head
                .as_ref()
                .map(|head| names::encode(head.as_bytes())),
            refs: WireRefs {
                base: manifest.base.as_ref().map(|t| WireTable {
                    id: t.id.clone(),
                    sha256: t.sha256.clone(),
                    size: t.size,
                    count: t.count,
                }),
                updates: manifest.updates.iter().map(update).collect(),
            },
            packs: manifest.packs.iter().map(WirePack::write).collect(),
            aside: manifest.aside.as_ref().map(|a| WireAside {
                id: a.id.clone(),
                sha256: a.sha256.clone(),
                size: a.size,
                count: a.count,
                to: a.to,
            }),
            log: WireLog {
                segments: manifest
                    .log
                    .segments
                    .iter()
                    .map(WireSegment::write)
                    .collect(),
                entries: manifest.log.entries.iter().map(WireEntry::write).collect(),
            },
            condemned: manifest
                .condemned
                .iter()
                .map(|c| WireCondemned {
                    key: c.key.clone(),
                    generation: c.generation,
                    time: c.time,
                    why: Some(c.why)
                        .filter(|why| *why != Why::Leftover)
                        .map(|why| why.name().to_owned()),
                })
                .collect(),
            settings: manifest.settings.clone(),
            requires: manifest.requires.clone(),
            optional: manifest.optional.clone(),
            unknown: manifest.unknown.clone(),
        }
    }
}

impl WirePack {
    fn read(self) -> Result<PackEntry> {
        let unknown = |field: &str, word: &str| {
            newer(format!("a pack's '{field}' is '{}'", word.escape_debug()))
        };
        Ok(PackEntry {
            holds: Holds::parse(&self.holds).ok_or_else(|| unknown("holds", &self.holds))?,
            source: PackSource::parse(&self.source)
                .ok_or_else(|| unknown("source", &self.source))?,
            name: self.name,
            size: self.size,
            index: self.index,
            objects: self.objects,
            from: self.from,
            to: self.to,
            unknown: self.unknown,
        })
    }

    fn write(pack: &PackEntry) -> Self {
        Self {
            name: pack.name.clone(),
            size: pack.size,
            index: pack.index,
            objects: pack.objects,
            from: pack.from,
            to: pack.to,
            holds: pack.holds.name().to_owned(),
            source: pack.source.name().to_owned(),
            unknown: pack.unknown.clone(),
        }
    }
}

impl WireSegment {
    fn read(self) -> SegmentRef {
        SegmentRef {
            id: self.id,
            first: self.first,
            last: self.last,
            sha256: self.sha256,
            size: self.size,
        }
    }

    fn write(segment: &SegmentRef) -> Self {
        Self {
            id: segment.id.clone(),
            first: segment.first,
            last: segment.last,
            sha256: segment.sha256.clone(),
            size: segment.size,
        }
    }
}

/// Reads how one ref moved.
pub(crate) fn read_move((name, old, new): &WireMove) -> Result<RefMove> {
    Ok(RefMove {
        name: read_name(name)?,
        old: old.as_deref().map(read_oid).transpose()?,
        new: new.as_deref().map(read_oid).transpose()?,
    })
}

/// Writes it.
pub(crate) fn write_move(one: &RefMove) -> WireMove {
    let text = |oid: Option<ObjectId>| oid.map(|oid| oid.to_string());
    (
        names::encode(one.name.as_bytes()),
        text(one.old),
        text(one.new),
    )
}

impl WireEntry {
    fn read(self) -> Result<LogEntry> {
        Ok(LogEntry {
            generation: self.generation,
            time: self.time,
            who: self.who,
            what: self.what,
            write_id: self.write_id,
            moves: self.moves.iter().map(read_move).collect::<Result<_>>()?,
            moves_file: self.moves_file.map(|f| MovesFile {
                id: f.id,
                sha256: f.sha256,
                size: f.size,
                count: f.count,
            }),
            options: self.options,
            unknown: self.unknown,
        })
    }

    fn write(entry: &LogEntry) -> Self {
        Self {
            generation: entry.generation,
            time: entry.time,
            who: entry.who.clone(),
            what: entry.what.clone(),
            write_id: entry.write_id.clone(),
            moves: entry.moves.iter().map(write_move).collect(),
            moves_file: entry.moves_file.as_ref().map(|f| WireTable {
                id: f.id.clone(),
                sha256: f.sha256.clone(),
                size: f.size,
                count: f.count,
            }),
            options: entry.options.clone(),
            unknown: entry.unknown.clone(),
        }
    }
}
