//! A temporary bare repository: packs in, answers out; gone when it is dropped.

use super::command::{Git, Output, failed};
use super::repository::Repository;
use crate::error::{IoContext, Result};
use crate::ids::Ids;
use crate::oid::ObjectFormat;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A repository of our own, in a folder that goes with it.
#[derive(Debug)]
pub struct Scratch {
    repository: Repository,
    folder: Folder,
}

/// What is wrong with a pack, in git's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackFault {
    /// Its bytes are not those of a pack of this name.
    Broken(String),
    /// It is whole; an object in it is one that `git fsck` complains of.
    Odd(String),
}

impl Scratch {
    /// Makes an empty one in this folder. Two spawns.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if it cannot be made.
    pub async fn new(
        git: &Git,
        folder: &Path,
        format: ObjectFormat,
        ids: &dyn Ids,
    ) -> Result<Self> {
        let path = folder.join(format!("pail-scratch-{}", ids.hex()?));
        let path = std::fs::create_dir_all(&path)
            .and_then(|()| std::fs::canonicalize(&path))
            .during(|| format!("make the folder {}", path.display()))?;
        let kept = Folder(path.clone());
        let objects = path.join("objects");
        // Whatever repository the process was called in, this one is meant.
        let git = git
            .clone()
            .with_env("GIT_DIR", &path)
            .with_env("GIT_COMMON_DIR", &path)
            .with_env("GIT_OBJECT_DIRECTORY", &objects)
            .with_env("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
            .in_folder(&path);
        let format = format!("--object-format={format}");
        let args = ["init", "-q", "--bare", "--template=", &format];
        git.ok("make a temporary repository", args, Vec::new())
            .await?;
        let repository = Repository::open(git).await?;
        std::fs::create_dir_all(objects.join("pack"))
            .during(|| format!("make the folder {}", objects.display()))?;
        Ok(Self {
            repository,
            folder: kept,
        })
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Where a pack of this name is put; its index goes beside it.
    pub fn pack(&self, name: &str) -> PathBuf {
        let file = format!("objects/pack/pack-{name}.pack");
        self.folder.0.join(file)
    }

    /// Reads a pack that was put there and makes its index: computes the id of every object
    /// anew, and looks at each as `git fsck` does. Answers how many objects it holds. One
    /// spawn, two where something is wrong.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Local`] if git cannot be run, or the disk fails.
    pub async fn index(&self, name: &str) -> Result<Result<u64, PackFault>> {
        let strict = self.index_pack(name, Some("--fsck-objects")).await?;
        if strict.status.success() {
            return Ok(self.counted(name, &strict));
        }
        let said = |output: &Output| {
            let act = "read the pack";
            failed(act, output.status, &output.stderr).to_string()
        };
        let plain = self.index_pack(name, None).await?;
        if !plain.status.success() {
            return Ok(Err(PackFault::Broken(said(&plain))));
        }
        Ok(self
            .counted(name, &plain)
            .and_then(|_| Err(PackFault::Odd(said(&strict)))))
    }

    async fn index_pack(&self, name: &str, more: Option<&str>) -> Result<Output> {
        let pack = self.pack(name);
        let args = ["-c", "pack.writeReverseIndex=false", "index-pack"];
        let mut args: Vec<&std::ffi::OsStr> = args.iter().map(AsRef::as_ref).collect();
        args.extend(more.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
        args.extend(["--index-version=2"].map(AsRef::<std::ffi::OsStr>::as_ref));
        args.push(pack.as_os_str());
        self.repository.git.run(args, Vec::new()).await
    }

    /// The number in the pack's header, which git has compared; and its name.
    fn counted(&self, name: &str, output: &Output) -> Result<u64, PackFault> {
        let checksum = String::from_utf8_lossy(&output.stdout);
        let checksum = checksum.trim();
        if checksum != name {
            let why = format!("its checksum is {checksum}, not the one in its name");
            return Err(PackFault::Broken(why));
        }
        let mut header = [0; 12];
        File::open(self.pack(name))
            .and_then(|mut file| file.read_exact(&mut header))
            .map_err(|error| PackFault::Broken(error.to_string()))?;
        let [.., a, b, c, d] = header;
        Ok(u32::from_be_bytes([a, b, c, d]).into())
    }
}

/// A folder that goes with its handle.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // A git that was killed a moment ago may still make a last file.
        for _ in 0..10 {
            match std::fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != ErrorKind::NotFound => std::thread::yield_now(),
                _ => break,
            }
        }
    }
}
