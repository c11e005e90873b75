//! The objects, and what may become of them:
//! <https://cloud.google.com/storage/docs/request-preconditions>,
//! <https://cloud.google.com/storage/docs/xml-api/put-object-upload>,
//! <https://cloud.google.com/storage/docs/consistency>.

use super::answer::{Refusal, refuse};
use super::ask::Ask;
use super::attributes::Attributes;
use super::checksum::{crc32c, md5, md5_hex};
use super::uploads::Uploads;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// An object as it lies there.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its bytes.
    pub body: Bytes,
    /// Which write made it: grows over the whole bucket.
    pub generation: i64,
    /// Which change of its attributes; 1 when it was written.
    pub metageneration: i64,
    /// With its quotes.
    pub etag: String,
    /// What its writer said of it.
    pub attributes: Attributes,
    pub(super) hashes: Hashes,
    /// Microseconds since 1970.
    pub(super) modified: i64,
}

/// As `x-goog-hash` shows them. What came in parts has no MD5.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    pub(super) crc32c: String,
    pub(super) md5: Option<String>,
}

/// What must hold before a write or a deletion.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct If {
    pub(super) generation: Option<i64>,
    pub(super) metageneration: Option<i64>,
}

impl If {
    pub(super) fn of(ask: &Ask) -> Result<Self, Refusal> {
        Ok(Self {
            generation: Ask::number(ask.header("x-goog-if-generation-match"))?,
            metageneration: Ask::number(ask.header("x-goog-if-metageneration-match"))?,
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    objects: BTreeMap<String, Object>,
    last: i64,
    touched: HashMap<String, Instant>,
    pub(super) uploads: Uploads,
}

impl Bucket {
    pub(super) fn find(&self, name: &str) -> Option<&Object> {
        self.objects.get(name)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }

    /// Those that follow `after`, in the order of their UTF-8 bytes.
    pub(super) fn below<'a>(
        &'a self,
        prefix: &'a str,
        after: &str,
    ) -> impl Iterator<Item = (&'a String, &'a Object)> {
        let from = after.max(prefix).to_owned();
        let after = after.to_owned();
        let all = self.objects.range(from..);
        all.skip_while(move |(name, _)| **name == after && !after.is_empty())
            .take_while(move |(name, _)| name.starts_with(prefix))
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.uploads.count()
    }

    /// A condition that does not hold is 412; generation 0 means that there is none.
    pub(super) fn check(&self, name: &str, when: If) -> Result<(), Refusal> {
        let found = self.objects.get(name);
        let fails = |want: Option<i64>, is: Option<i64>| {
            want.is_some_and(|want| want != is.unwrap_or_default())
        };
        if fails(when.generation, found.map(|object| object.generation))
            || fails(
                when.metageneration,
                found.map(|object| object.metageneration),
            )
        {
            return Err(refuse(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold.",
            ));
        }
        Ok(())
    }

    /// One write or deletion of an object in each `pause`: <https://cloud.google.com/storage/docs/gcs429>.
    pub(super) fn not_too_soon(&self, name: &str, pause: Option<Duration>) -> Result<(), Refusal> {
        let since = self.touched.get(name).map(Instant::elapsed);
        match (pause, since) {
            (Some(pause), Some(since)) if since < pause => Err(refuse(
                429,
                "SlowDown",
                "The object exceeded the rate limit for object mutation operations \
                 (create, update, and delete). Please reduce your request rate.",
            )
            .about(name)),
            _ => Ok(()),
        }
    }

    /// Puts an object in the place of another.
    pub(super) fn put(&mut self, name: &str, body: Bytes, attributes: Attributes) -> Object {
        let hashes = Hashes {
            crc32c: crc32c(&body),
            md5: Some(md5(&body)),
        };
        let etag = format!("\"{}\"", md5_hex(&body));
        self.place(name, body, attributes, hashes, etag)
    }

    /// What came in parts: its ETag is no digest, and it has no MD5.
    pub(super) fn put_joined(&mut self, name: &str, body: Bytes, attributes: Attributes) -> Object {
        let hashes = Hashes {
            crc32c: crc32c(&body),
            md5: None,
        };
        let etag = format!("\"{:x}-joined\"", self.last + 1);
        self.place(name, body, attributes, hashes, etag)
    }

    fn place(
        &mut self,
        name: &str,
        body: Bytes,
        attributes: Attributes,
        hashes: Hashes,
        etag: String,
    ) -> Object {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_micros());
        let now = i64::try_from(now).unwrap_or(i64::MAX - 1);
        self.last = now.max(self.last + 1);
        let object = Object {
            body,
            generation: self.last,
            metageneration: 1,
            etag,
            attributes,
            hashes,
            modified: now,
        };
        self.touched.insert(name.to_owned(), Instant::now());
        self.objects.insert(name.to_owned(), object.clone());
        object
    }

    /// Takes an object away, if it is there.
    pub(super) fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        match self.objects.remove(name) {
            Some(_) => {
                self.touched.insert(name.to_owned(), Instant::now());
                Ok(())
            }
            None => Err(no_such_key(name)),
        }
    }

    /// A write by somebody whom no limit holds.
    pub(super) fn write(&mut self, name: &str, body: Bytes) {
        self.put(name, body, Attributes::default());
        self.touched.remove(name);
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.objects.remove(name).is_some()
    }
}

pub(super) fn no_such_key(name: &str) -> Refusal {
    refuse(404, "NoSuchKey", "The specified key does not exist.")
        .about(format!("No such object: {name}"))
}
