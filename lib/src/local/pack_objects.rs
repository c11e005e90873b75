//! Wants and haves in, a pack and its index out: `git pack-objects`.

use super::command::{failed, missing};
use super::repository::Repository;
use super::spool::Spool;
use crate::error::{Error, ErrorKind, Result};
use crate::oid::ObjectId;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What to pack.
#[derive(Debug, Clone, Default)]
pub struct PackRequest {
    /// Everything reachable from these …
    pub wants: Vec<ObjectId>,
    /// … but for what is reachable from these. All of them are here.
    pub haves: Vec<ObjectId>,
    /// Whether git shows its progress on standard error.
    pub progress: bool,
}

/// A pack that git wrote into a spool, with its index.
#[derive(Debug, Clone)]
pub struct SpooledPack {
    /// The pack.
    pub pack: PathBuf,
    /// Its version 2 index.
    pub index: PathBuf,
    /// Bytes of the pack.
    pub size: u64,
}

impl Repository {
    /// Packs what is wanted: one complete pack, never thin, with offset deltas. `None` if
    /// there is nothing to pack. One spawn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if an object that is needed is missing or broken.
    pub async fn pack_objects(
        &self,
        request: &PackRequest,
        spool: &Spool,
    ) -> Result<Option<SpooledPack>> {
        const ACT: &str = "pack the objects to push";
        let mut args: Vec<&str> = vec![
            "-c",
            "pack.packSizeLimit=0",
            "-c",
            "pack.writeReverseIndex=false",
        ];
        args.extend([
            "pack-objects",
            "--revs",
            "--delta-base-offset",
            "--non-empty",
        ]);
        args.push(if request.progress {
            "--progress"
        } else {
            "--quiet"
        });
        if self.is_shallow() {
            args.push("--shallow");
        }
        let mut command = self.git.command(args);
        spool.shelter(&mut command);
        command.arg(spool.path().join("pack"));
        if request.progress {
            command.stderr(Stdio::inherit());
        }
        let mut input = Vec::new();
        for want in &request.wants {
            input.extend_from_slice(format!("{want}\n").as_bytes());
        }
        input.extend_from_slice(b"--not\n");
        for have in &request.haves {
            input.extend_from_slice(format!("{have}\n").as_bytes());
        }
        pack(ACT, command, Input::Bytes(input), (spool, "pack")).await
    }
}

/// What a `git pack-objects` reads.
pub(super) enum Input {
    Bytes(Vec<u8>),
    File(std::fs::File),
}

/// Runs a `git pack-objects` that names the one pack it wrote into the spool, under names that
/// start so; `None` if it wrote none.
pub(super) async fn pack(
    act: &str,
    mut command: Command,
    input: Input,
    (spool, prefix): (&Spool, &str),
) -> Result<Option<SpooledPack>> {
    let input = match input {
        Input::Bytes(bytes) => {
            command.stdin(Stdio::piped());
            bytes
        }
        Input::File(file) => {
            command.stdin(file);
            Vec::new()
        }
    };
    let mut child = command.spawn().map_err(missing)?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A git that ends early says why itself.
            let _ = stdin.write_all(&input).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(missing)?;
    if !output.status.success() {
        return Err(failed(act, output.status, &output.stderr));
    }
    let names: Vec<&[u8]> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    let name = match names[..] {
        [] => return Ok(None),
        [name] if ObjectId::from_hex(name).is_some() => String::from_utf8_lossy(name).into_owned(),
        _ => {
            return Err(Error::new(
                ErrorKind::Local,
                format!("cannot {act}: git named {} packs, not one", names.len()),
            ));
        }
    };
    let file = |kind: &str| spool.path().join(format!("{prefix}-{name}.{kind}"));
    let (pack, index) = (file("pack"), file("idx"));
    let size = std::fs::metadata(&pack).map_err(|error| {
        Error::new(
            ErrorKind::Local,
            format!("cannot read {}: {error}", pack.display()),
        )
        .with_source(error)
    })?;
    Ok(Some(SpooledPack {
        pack,
        index,
        size: size.len(),
    }))
}
