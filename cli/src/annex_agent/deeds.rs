//! What is done to content: stored, got, looked for, renamed, removed, imported.

use super::aside::Aside;
use super::job::{Fault, Job, Meter};
use super::request::Way;
use super::session::Session;
use futures_util::StreamExt;
use pail::ErrorKind;
use pail::large_files::annex::{AnnexKey, Presence};
use pail::progress::Phase;
use std::path::Path;

impl Session {
    pub(super) async fn transfer(
        &self,
        job: &mut Job,
        way: Way,
        name: &[u8],
        key: &[u8],
        file: &Path,
    ) -> Result<(), Fault> {
        let content = self.content(job).await?;
        match way {
            Way::Store => {
                let meter = Meter::new(job, Phase::Upload);
                let fields = AnnexKey::parse(key);
                Ok(content.send(name, &fields, file, &meter).await?)
            }
            Way::Retrieve => {
                let meter = Meter::new(job, Phase::Download);
                let fields = AnnexKey::parse(key);
                let aside = self.aside(job, file).await?;
                let file = aside.as_ref().map_or(file, Aside::path);
                let done = match content.fetch(name, &fields, file, &meter).await {
                    Err(error) if error.kind() == ErrorKind::Missing => {
                        self.fetch_by_address(job, key, file, error).await
                    }
                    done => done.map_err(Fault::from),
                };
                aside.map_or(Ok(()), Aside::end)?;
                done
            }
        }
    }

    pub(super) async fn look(
        &self,
        job: &mut Job,
        name: &[u8],
        key: &[u8],
    ) -> Result<Presence, Fault> {
        self.is_mounted(job).await?;
        let content = self.content(job).await?;
        match content.look(name, &AnnexKey::parse(key)).await? {
            Presence::Absent => self.look_by_address(job, key).await,
            found => Ok(found),
        }
    }

    /// Tells of every file of the tree, and of what tells its states apart.
    pub(super) async fn list_importable(&self, job: &mut Job) -> Result<(), Fault> {
        self.is_mounted(job).await?;
        let content = self.content(job).await?;
        let mut files = content.files();
        while let Some(file) = files.next().await {
            let file = file?;
            let size = file.size.to_string();
            job.reply(&[b"IMPORTABLECONTENT", size.as_bytes(), &file.name])?;
            job.reply(&[b"IMPORTABLECONTENTIDENTIFIER", file.state.as_bytes()])?;
        }
        Ok(())
    }

    pub(super) async fn retrieve_import(&self, job: &mut Job, file: &Path) -> Result<(), Fault> {
        let name = job.name()?;
        let meter = Meter::new(job, Phase::Download);
        let content = self.content(job).await?;
        let aside = Aside::begin(file)?;
        let fields = AnnexKey::default();
        let done = content.fetch(&name, &fields, aside.path(), &meter).await;
        aside.end()?;
        Ok(done?)
    }

    /// A file of a tree is downloaded beside the one that git-annex names.
    async fn aside<'a>(&self, job: &mut Job, file: &'a Path) -> Result<Option<Aside<'a>>, Fault> {
        let tree = self.settings(job).await?.parameters.is_tree()?;
        Ok(tree.then(|| Aside::begin(file)).transpose()?)
    }

    pub(super) async fn rename(&self, job: &mut Job, to: &[u8]) -> Result<(), Fault> {
        let from = job.name()?;
        self.is_mounted(job).await?;
        Ok(self.content(job).await?.rename(&from, to).await?)
    }

    pub(super) async fn remove(&self, job: &mut Job, name: &[u8]) -> Result<(), Fault> {
        self.is_mounted(job).await?;
        Ok(self.content(job).await?.remove(name).await?)
    }
}
