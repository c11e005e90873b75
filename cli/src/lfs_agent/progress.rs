//! How far a transfer has come, as git-lfs wants to hear it.

use super::reply::Reply;
use crate::{stdio, ui};
use pail::progress::{Phase, Progress};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At least so many bytes lie between two messages.
const STEP: u64 = 256 << 10;

/// At most so many messages are sent for one object.
const MESSAGES: u64 = 200;

/// Tells git-lfs of one object.
#[derive(Debug)]
pub struct Told {
    oid: String,
    size: u64,
    moved: Mutex<Moved>,
}

#[derive(Debug, Default)]
struct Moved {
    so_far: u64,
    told: u64,
}

impl Told {
    /// Nothing of the object has moved yet.
    #[must_use]
    pub fn new(oid: &str, size: u64) -> Self {
        Self {
            oid: oid.to_owned(),
            size,
            moved: Mutex::default(),
        }
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, moved: &mut Moved) {
        let reply = Reply::Progress {
            oid: &self.oid,
            so_far: moved.so_far,
            since_last: moved.so_far - moved.told,
        };
        moved.told = moved.so_far;
        // Whoever went away is missed when the object is through.
        let _ = stdio::write(&reply.to_bytes());
    }
}

impl Progress for Told {
    fn begin(&self, _: Phase, _: u64) {}

    fn advance(&self, _: Phase, bytes: u64) {
        let mut moved = self.moved();
        // What moves once more was told before.
        moved.so_far = moved.so_far.saturating_add(bytes).min(self.size);
        let step = STEP.max(self.size / MESSAGES);
        if moved.so_far - moved.told >= step {
            self.tell(&mut moved);
        }
    }

    fn end(&self, _: Phase) {
        let mut moved = self.moved();
        moved.so_far = self.size;
        if moved.told < self.size {
            self.tell(&mut moved);
        }
    }

    fn warn(&self, message: &str) {
        ui::warn(message);
    }
}
