//! Large packs on their way up, kept with a note of how far they are, so that the next push
//! goes on where one died (`docs/design/0007-resumption.md`).
//!
//! Each lies in a folder of its own, `pail/uploads/<id>/` in the git directory that all
//! worktrees share: `pack`, `idx`, `journal.json`, and `lock`, which whoever works on it
//! holds. A folder that is being made is named `new-<id>`.

mod note;
mod shelf;

pub(super) use note::Plan;
pub(super) use shelf::{Resting, resting};

use super::Context;
use super::salt::SaltedPack;
use crate::error::Result;
use crate::key::Key;
use crate::local::{Repository, SpooledPack};
use crate::oid::ObjectId;
use crate::store::{Begun, Journal};
use note::{Fate, Note, Shape};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const PACK: &str = "pack";
const INDEX: &str = "idx";
const NOTE: &str = "journal.json";
const LOCK: &str = "lock";
const NEW: &str = "new-";

/// Where kept packs lie.
pub(super) fn shelf_of(repository: &Repository) -> PathBuf {
    repository.common_dir().join("pail/uploads")
}

/// A kept pack that this process holds.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    note: Mutex<Note>,
    /// Locked.
    _lock: File,
}

impl Kept {
    /// Moves a pack out of its spool, so that it outlives this push. `None` if it cannot be
    /// kept: the push goes on without.
    pub(super) fn new(
        context: &Context,
        repository: &Repository,
        plan: &Plan<'_>,
        (spooled, salted): (&SpooledPack, &SaltedPack),
    ) -> Option<Self> {
        let (name, objects) = (salted.name.clone(), salted.objects);
        let (salt_at, salt, end) = salted.salting();
        let shape = Shape {
            name,
            objects,
            salt_at,
            salt,
            end,
        };
        let note = Note::new(plan, context.clock.now(), shape)?;
        let id = context.ids.hex().ok()?;
        make(&shelf_of(repository), &id, spooled, note).ok()
    }

    /// Takes up what an earlier push left, if it is what this one sends, and clears away
    /// what nobody will send any more. Costs nothing where nothing was left.
    ///
    /// # Errors
    ///
    /// Those of reading the pack.
    pub(super) async fn take_up(
        context: &Context,
        repository: &Repository,
        plan: &Plan<'_>,
    ) -> Result<Option<(Self, SaltedPack)>> {
        let shelf = shelf_of(repository);
        let mut taken = None;
        let tidied = shelf::tidy(&shelf, context.clock.now());
        for kept in tidied.goes {
            kept.throw_away(context).await;
        }
        for kept in tidied.stays {
            let fate = kept.note().fate(plan);
            match fate {
                Fate::TakeUp if taken.is_none() => match kept.sound(repository).await {
                    Some(salted) => taken = Some((kept, salted)),
                    None => kept.throw_away(context).await,
                },
                Fate::TakeUp | Fate::Drop => kept.throw_away(context).await,
                Fate::Leave => {}
            }
        }
        Ok(taken)
    }

    /// The pack, if it is what it was: it is read once, as after packing.
    async fn sound(&self, repository: &Repository) -> Option<SaltedPack> {
        let (pack, index) = (self.pack(), self.index());
        let salted = {
            let note = self.note();
            let salting = (note.salt_at, &*note.salt, note.end);
            SaltedPack::again(pack, note.pack.clone(), note.objects, salting)?
        };
        let format = repository.format();
        let check = move || salted.is_sound(&index, format).ok()?.then_some(salted);
        tokio::task::spawn_blocking(check).await.ok().flatten()
    }

    fn note(&self) -> MutexGuard<'_, Note> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pack(&self) -> PathBuf {
        self.folder.join(PACK)
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.join(INDEX)
    }

    /// What the pack builds on.
    pub(super) fn haves(&self) -> Vec<ObjectId> {
        self.note().haves().unwrap_or_default()
    }

    /// Key and token of what was begun in the bucket.
    fn uploads(&self) -> Vec<(String, String)> {
        let note = self.note();
        let uploads = note.uploads();
        uploads
            .map(|(key, token)| (key.to_owned(), token.to_owned()))
            .collect()
    }

    /// Removes it: the push is through, or its pack is of no more use.
    pub(super) fn remove(self) {
        // The note goes first: what has none is nobody's.
        let _ = fs::remove_file(self.folder.join(NOTE));
        let _ = fs::remove_dir_all(&self.folder);
        // The folders above, if nothing else is in them.
        for above in self.folder.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(above);
        }
    }

    /// Removes it, and its parts from the bucket if they are in this one.
    pub(super) async fn throw_away(self, context: &Context) {
        let ours = self.note().location == context.store.describe();
        if ours {
            for (key, token) in self.uploads() {
                // What cannot be removed now is found by `git pail doctor`.
                let _ = context.store.abandon(&key, &token).await;
            }
        }
        self.remove();
    }
}

impl Journal for Kept {
    fn begun(&self, key: &Key) -> Option<Begun> {
        self.note().begun(key.as_str())
    }

    fn note(&self, key: &Key, begun: Option<Begun>) -> bool {
        let mut note = Kept::note(self);
        note.note(key.as_str(), begun);
        write(&self.folder, &note).is_ok()
    }
}

/// Makes the folder of a pack: under another name until all is in it, so that nobody sees
/// half of it.
fn make(shelf: &Path, id: &str, spooled: &SpooledPack, note: Note) -> io::Result<Kept> {
    fs::create_dir_all(shelf)?;
    let new = shelf.join(format!("{NEW}{id}"));
    fs::create_dir(&new)?;
    let made = fill(&new, shelf.join(id), spooled, note);
    if made.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    made
}

fn fill(new: &Path, folder: PathBuf, spooled: &SpooledPack, note: Note) -> io::Result<Kept> {
    let lock = File::create_new(new.join(LOCK))?;
    lock.try_lock()?;
    write(new, &note)?;
    let moves = [(&spooled.index, INDEX), (&spooled.pack, PACK)];
    let put_back = |count: usize| {
        for (from, name) in &moves[..count] {
            let _ = fs::rename(new.join(name), from);
        }
    };
    for (at, (from, name)) in moves.iter().enumerate() {
        // A disk of its own for the objects: then nothing is kept.
        fs::rename(from, new.join(name)).inspect_err(|_| put_back(at))?;
    }
    fs::rename(new, &folder).inspect_err(|_| put_back(moves.len()))?;
    Ok(Kept {
        folder,
        note: Mutex::new(note),
        _lock: lock,
    })
}

fn write(folder: &Path, note: &Note) -> io::Result<()> {
    let beside = folder.join("journal.new");
    let bytes = serde_json::to_vec_pretty(note)?;
    fs::write(&beside, bytes)?;
    fs::rename(&beside, folder.join(NOTE))
}
