//! What git-lfs keeps in a repository, and what the repository says of it.

use super::command::Git;
use super::config::Config;
use crate::error::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The file that comes with a repository and may say where its LFS objects lie.
const SHIPPED: &str = ".lfsconfig";

/// A repository as git-lfs sees it.
#[derive(Debug, Clone)]
pub struct LfsRepository {
    common: PathBuf,
    /// The top of the work tree, or the git directory where there is none.
    top: PathBuf,
    shipped: Config,
}

impl LfsRepository {
    /// Asks git where it is, and what `.lfsconfig` says: the one in the work tree, else the
    /// one in the index, else that of HEAD. Two spawns, three where there is such a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] outside a repository, or if the file cannot be read.
    pub async fn open(git: &Git) -> Result<Self> {
        let revisions = format!(":{SHIPPED}\nHEAD:{SHIPPED}\n").into_bytes();
        let (places, blobs) = tokio::try_join!(
            git.run(
                [
                    "rev-parse",
                    "--path-format=absolute",
                    "--git-common-dir",
                    "--show-toplevel",
                ],
                Vec::new(),
            ),
            git.run(["cat-file", "--batch-check=%(objectname)"], revisions),
        )?;
        let text = String::from_utf8_lossy(&places.stdout);
        let mut lines = text.lines();
        // A bare repository has no top, of which git complains after the rest.
        let Some(common) = lines.next().map(PathBuf::from) else {
            let why = "cannot find the local repository";
            return Err(Error::new(ErrorKind::Local, why));
        };
        let top = lines.next().map_or_else(|| common.clone(), PathBuf::from);
        let file = top.join(SHIPPED);
        let source = if file.is_file() {
            Some(["--file".into(), file.into_os_string()])
        } else {
            let found = String::from_utf8_lossy(&blobs.stdout).into_owned();
            let blob = found.lines().find(|line| !line.contains(' '));
            blob.map(|blob| ["--blob".into(), blob.into()])
        };
        let shipped = match source {
            Some(source) => Config::read_from(git, &source).await?,
            None => Config::default(),
        };
        Ok(Self {
            common,
            top,
            shipped,
        })
    }

    /// What `.lfsconfig` says. Whoever wrote the repository wrote it: not everything in it is
    /// to be followed.
    pub fn shipped(&self) -> &Config {
        &self.shipped
    }

    /// The git directory that all work trees share.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// The folder in which git-lfs keeps its objects.
    pub fn storage(&self, config: &Config) -> PathBuf {
        let named = config.get("lfs.storage").filter(|named| !named.is_empty());
        self.common.join(named.unwrap_or("lfs"))
    }

    /// Our folder below that: what transfers keep for the next run.
    pub fn kept(&self, config: &Config) -> PathBuf {
        self.storage(config).join("pail")
    }

    /// A URL as git understands it: a relative path counts from the top of the work tree,
    /// wherever the caller stands.
    pub fn from_its_top(&self, url: &str) -> String {
        let path = url.strip_prefix("pail::").unwrap_or(url);
        if path.contains("://") || Path::new(path).is_absolute() {
            return url.to_owned();
        }
        self.top.join(path).to_string_lossy().into_owned()
    }
}
