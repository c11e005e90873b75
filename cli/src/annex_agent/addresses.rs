//! Content that git-annex knows by an address in our bucket: `git annex addurl s3://…`.

use super::job::{Fault, Job, Meter};
use super::session::Session;
use pail::large_files::annex::{AnnexKey, Presence};
use pail::progress::Phase;
use pail::{Error, ErrorKind, Key};
use std::path::Path;

impl Session {
    /// How much lies at an address, and how to call it.
    pub(super) async fn at_address(
        &self,
        job: &mut Job,
        url: &str,
    ) -> Result<(u64, Vec<u8>), Fault> {
        let settings = self.settings(job).await?;
        let key = settings.place.within(url);
        let foreign = || Error::new(ErrorKind::Invalid, "the address is not in this remote");
        let key = key.ok_or_else(foreign)?;
        let found = self.content(job).await?.store().head(&key).await?;
        let missing = || Error::new(ErrorKind::Missing, format!("there is no {key}"));
        let size = found.ok_or_else(missing)?.size;
        let name = key.as_str().rsplit('/').next().unwrap_or_default();
        Ok((size, name.as_bytes().to_vec()))
    }

    /// The places in our bucket that git-annex knows a key by.
    async fn addresses(&self, job: &mut Job, key: &[u8]) -> Result<Vec<Key>, Fault> {
        let place = &self.settings(job).await?.place;
        let question = [b"GETURLS ", key, b" ", place.scheme().as_bytes(), b"://"].concat();
        let urls = job.values(&question).await?;
        Ok(urls.iter().filter_map(|url| place.within(url)).collect())
    }

    /// Whether a key that has no file of its own is there by an address.
    pub(super) async fn look_by_address(
        &self,
        job: &mut Job,
        key: &[u8],
    ) -> Result<Presence, Fault> {
        for place in self.addresses(job, key).await? {
            let content = self.content(job).await?;
            let found = content.look_at(&place, &AnnexKey::parse(key)).await?;
            if found == Presence::Present {
                return Ok(found);
            }
        }
        Ok(Presence::Absent)
    }

    /// Gets a key that has no file of its own by an address.
    pub(super) async fn fetch_by_address(
        &self,
        job: &mut Job,
        key: &[u8],
        file: &Path,
        mut error: Error,
    ) -> Result<(), Fault> {
        for place in self.addresses(job, key).await? {
            let meter = Meter::new(job, Phase::Download);
            let content = self.content(job).await?;
            match content
                .fetch_from(&place, &AnnexKey::parse(key), file, &meter)
                .await
            {
                Ok(()) => return Ok(()),
                Err(other) => error = other,
            }
        }
        Err(error.into())
    }
}
