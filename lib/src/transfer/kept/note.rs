//! What is written down beside a kept pack, and what that decides.

use crate::format::{keys, sha256_hex};
use crate::local::PackRequest;
use crate::oid::{ObjectFormat, ObjectId};
use crate::refs::RefEdit;
use crate::store::Begun;
use crate::transaction::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The only form of the file so far.
const VERSION: u32 = 1;

/// What a pack is made of and where it goes: enough to go on without making it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Note {
    version: u32,
    /// The bucket, without secrets.
    pub(super) location: String,
    /// When it was made, in seconds since 1970.
    pub(super) made: i64,
    /// The repository in the bucket and its epoch; none before the first push.
    repository: Option<(String, u64)>,
    /// See [`plan`].
    plan: String,
    /// The refs that it was to move.
    refs: Vec<String>,
    /// What was left out because the bucket had it.
    haves: Vec<String>,
    /// The name of the pack: its checksum.
    pub(super) pack: String,
    pub(super) objects: u64,
    /// Where the salt goes in, the salt, and where the pack's old checksum starts.
    pub(super) salt_at: u64,
    pub(super) salt: String,
    pub(super) end: u64,
    /// How uploads were begun, by key.
    uploads: BTreeMap<String, Upload>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Upload {
    token: String,
    part: u64,
    ending: bool,
}

/// A push as far as its pack is concerned.
#[derive(Debug)]
pub(in crate::transfer) struct Plan<'a> {
    pub(in crate::transfer) location: String,
    pub(in crate::transfer) format: ObjectFormat,
    /// The commits at which the local history was cut off.
    pub(in crate::transfer) shallow: &'a [ObjectId],
    pub(in crate::transfer) edits: &'a [RefEdit],
    /// What is to be packed, if anything is.
    pub(in crate::transfer) request: Option<&'a PackRequest>,
    pub(in crate::transfer) at: Option<&'a Snapshot>,
}

/// What to do with a kept pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is what this push sends.
    TakeUp,
    /// It may be what a later push sends.
    Leave,
    /// Nobody will send it any more.
    Drop,
}

impl Plan<'_> {
    /// A name for what a pack must hold: everything that the wanted tips reach, but for what
    /// the bucket has. What it has may grow meanwhile; a shallow history must stay the same.
    fn name(&self) -> Option<String> {
        let request = self.request?;
        let mut text = format!("{}\n", self.format.name());
        let sorted = |list: &[ObjectId]| list.iter().copied().collect::<BTreeSet<_>>();
        for want in sorted(&request.wants) {
            let _ = writeln!(text, "want {want}");
        }
        for cut in sorted(self.shallow) {
            let _ = writeln!(text, "shallow {cut}");
        }
        Some(sha256_hex(text.as_bytes()))
    }

    fn repository(&self) -> Option<(String, u64)> {
        let manifest = &self.at?.manifest;
        Some((manifest.repository.clone(), manifest.epoch))
    }

    fn refs(&self) -> impl Iterator<Item = String> {
        self.edits.iter().map(|edit| edit.name.to_string())
    }
}

/// The pack of a note.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) objects: u64,
    pub(super) salt_at: u64,
    pub(super) salt: String,
    pub(super) end: u64,
}

impl Note {
    /// A note of a pack that this push has made; `None` if it sends none.
    pub(super) fn new(plan: &Plan<'_>, made: i64, shape: Shape) -> Option<Self> {
        let haves = plan.request?.haves.iter().map(ObjectId::to_string);
        Some(Self {
            version: VERSION,
            location: plan.location.clone(),
            made,
            repository: plan.repository(),
            plan: plan.name()?,
            refs: plan.refs().collect(),
            haves: haves.collect(),
            pack: shape.name,
            objects: shape.objects,
            salt_at: shape.salt_at,
            salt: shape.salt,
            end: shape.end,
            uploads: BTreeMap::new(),
        })
    }

    /// Reads one; `None` if it is not one of ours, whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let note: Self = serde_json::from_slice(bytes).ok()?;
        let sound = note.version == VERSION
            && note.uploads.values().all(|upload| upload.part > 0)
            && keys::pack(&note.pack).is_ok()
            && note.haves().is_some();
        sound.then_some(note)
    }

    /// What the pack builds on.
    pub(super) fn haves(&self) -> Option<Vec<ObjectId>> {
        let ids = self.haves.iter();
        ids.map(|have| ObjectId::from_hex(have.as_bytes()))
            .collect()
    }

    pub(super) fn begun(&self, key: &str) -> Option<Begun> {
        let upload = self.uploads.get(key)?;
        Some(Begun {
            token: upload.token.clone(),
            part: upload.part,
            ending: upload.ending,
        })
    }

    pub(super) fn note(&mut self, key: &str, begun: Option<Begun>) {
        match begun {
            Some(Begun {
                token,
                part,
                ending,
            }) => {
                let upload = Upload {
                    token,
                    part,
                    ending,
                };
                self.uploads.insert(key.to_owned(), upload);
            }
            None => {
                self.uploads.remove(key);
            }
        }
    }

    /// Key and token of every upload that was begun.
    pub(super) fn uploads(&self) -> impl Iterator<Item = (&str, &str)> {
        let uploads = self.uploads.iter();
        uploads.map(|(key, upload)| (&**key, &*upload.token))
    }

    /// What a push does with it.
    pub(super) fn fate(&self, plan: &Plan<'_>) -> Fate {
        if self.location != plan.location {
            return Fate::Leave;
        }
        // Within an epoch nothing is dropped, so what it builds on is there. One that was
        // made before the repository was builds on nothing; in a later epoch gc may have taken
        // it for a leftover.
        let grounded = match &self.repository {
            Some(made_for) => plan.repository().as_ref() == Some(made_for),
            None => self.haves.is_empty() && plan.at.is_none_or(|at| at.manifest.epoch == 0),
        };
        if !grounded || plan.at.is_some_and(|at| self.used(at)) {
            return Fate::Drop;
        }
        if plan.name().as_ref() == Some(&self.plan) {
            return Fate::TakeUp;
        }
        // The same ref goes elsewhere now.
        if plan.refs().any(|name| self.refs.contains(&name)) {
            return Fate::Drop;
        }
        Fate::Leave
    }

    /// Whether the bucket has the pack, or has had it.
    fn used(&self, at: &Snapshot) -> bool {
        let key = keys::pack(&self.pack).ok();
        let gone = |key: &str| at.manifest.condemned.iter().any(|file| file.key == key);
        at.manifest.packs.iter().any(|pack| pack.name == self.pack)
            || key.is_some_and(|key| gone(key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refs::{Expected, RefName, RefValue};

    fn oid(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn edit(name: &str, to: char) -> RefEdit {
        RefEdit {
            name: RefName::new(name).unwrap(),
            new: Some(RefValue {
                oid: oid(to),
                peeled: None,
            }),
            expected: Expected::Absent,
            leased: false,
            continues: true,
        }
    }

    fn request(wants: &[char], haves: &[char]) -> PackRequest {
        PackRequest {
            wants: wants.iter().copied().map(oid).collect(),
            haves: haves.iter().copied().map(oid).collect(),
            progress: false,
        }
    }

    fn plan<'a>(edits: &'a [RefEdit], request: Option<&'a PackRequest>) -> Plan<'a> {
        Plan {
            location: "s3://bucket/repo".to_owned(),
            format: ObjectFormat::Sha1,
            shallow: &[],
            edits,
            request,
            at: None,
        }
    }

    fn note(plan: &Plan<'_>) -> Note {
        let shape = Shape {
            name: "a".repeat(40),
            objects: 3,
            salt_at: 20,
            salt: "00".to_owned(),
            end: 100,
        };
        Note::new(plan, 5, shape).unwrap()
    }

    #[test]
    fn the_same_push_takes_it_up_in_whatever_order_it_names_its_tips() {
        let edits = [edit("refs/heads/a", '1'), edit("refs/heads/b", '2')];
        let first = request(&['1', '2'], &[]);
        let second = request(&['2', '1'], &[]);
        let note = note(&plan(&edits, Some(&first)));
        assert_eq!(note.fate(&plan(&edits, Some(&second))), Fate::TakeUp);
    }

    #[test]
    fn another_value_of_the_same_ref_drops_it_and_another_ref_leaves_it() {
        let (old, new) = (request(&['1'], &[]), request(&['2'], &[]));
        let edits = [edit("refs/heads/a", '1')];
        let note = note(&plan(&edits, Some(&old)));
        let moved = [edit("refs/heads/a", '2')];
        assert_eq!(note.fate(&plan(&moved, Some(&new))), Fate::Drop);
        assert_eq!(note.fate(&plan(&moved, None)), Fate::Drop);
        let other = [edit("refs/heads/b", '2')];
        assert_eq!(note.fate(&plan(&other, Some(&new))), Fate::Leave);
    }

    #[test]
    fn another_bucket_leaves_it_and_another_history_does_not_take_it() {
        let request = request(&['1'], &[]);
        let edits = [edit("refs/heads/a", '1')];
        let note = note(&plan(&edits, Some(&request)));
        let mut elsewhere = plan(&edits, Some(&request));
        elsewhere.location = "s3://bucket/other".to_owned();
        assert_eq!(note.fate(&elsewhere), Fate::Leave);
        let cut = [oid('9')];
        let mut shallow = plan(&edits, Some(&request));
        shallow.shallow = &cut;
        assert_eq!(note.fate(&shallow), Fate::Drop);
        let mut sha256 = plan(&edits, Some(&request));
        sha256.format = ObjectFormat::Sha256;
        assert_eq!(note.fate(&sha256), Fate::Drop);
    }

    #[test]
    fn what_builds_on_a_repository_that_is_not_there_is_dropped() {
        let request = request(&['1'], &['0']);
        let edits = [edit("refs/heads/a", '1')];
        let note = note(&plan(&edits, Some(&request)));
        assert_eq!(note.fate(&plan(&edits, Some(&request))), Fate::Drop);
    }

    #[test]
    fn a_note_comes_back_as_it_went_and_nothing_else_is_one() {
        let request = request(&['1'], &['0']);
        let edits = [edit("refs/heads/a", '1')];
        let mut note = note(&plan(&edits, Some(&request)));
        let begun = Begun {
            token: "id".to_owned(),
            part: 8,
            ending: false,
        };
        note.note("objects/x", Some(begun.clone()));
        let bytes = serde_json::to_vec(&note).unwrap();
        let read = Note::parse(&bytes).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.begun("objects/x"), Some(begun));
        assert_eq!(read.haves().unwrap(), [oid('0')]);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("\"version\":1", "\"version\":2"),
            ("\"part\":8", "\"part\":0"),
            (&*"a".repeat(40), "../../etc"),
            (&*"0".repeat(40), "zero"),
            ("}", ""),
        ] {
            assert_eq!(Note::parse(text.replace(from, to).as_bytes()), None, "{to}");
        }
    }
}
