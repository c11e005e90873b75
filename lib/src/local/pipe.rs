//! The pipe to a git that reads a pack more slowly than it comes.
//!
//! `index-pack` reads 4 KiB at a time. Who waits for room in the pipe is woken for each of
//! them, 28,000 times a second, and that alone was a tenth of the CPU time of a clone. So
//! nobody waits: where the pipe is full, the writer looks again after a moment, in which git
//! empties a part of it but never all.

use std::io;
use tokio::process::ChildStdin;

/// Bytes that a pipe shall hold, where the system lets it.
#[cfg(target_os = "linux")]
const ROOM: usize = 1 << 20;

/// The writing end.
#[derive(Debug)]
pub(super) struct Pipe {
    #[cfg(unix)]
    fd: std::os::fd::OwnedFd,
    #[cfg(not(unix))]
    stdin: ChildStdin,
}

#[cfg(unix)]
impl Pipe {
    /// Takes the pipe away from the runtime, which would be woken by it.
    pub(super) fn new(stdin: ChildStdin) -> io::Result<Self> {
        let fd = stdin.into_owned_fd()?;
        rustix::io::ioctl_fionbio(&fd, true)?;
        // Where the system allows no more, the pipe stays as it is.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&fd, ROOM);
        Ok(Self { fd })
    }

    /// Writes all bytes.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        const MOMENT: std::time::Duration = std::time::Duration::from_millis(2);
        while !bytes.is_empty() {
            match rustix::io::write(&self.fd, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::AGAIN) => tokio::time::sleep(MOMENT).await,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
impl Pipe {
    /// Takes the pipe.
    pub(super) fn new(stdin: ChildStdin) -> io::Result<Self> {
        Ok(Self { stdin })
    }

    /// Writes all bytes.
    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(&mut self.stdin, bytes).await
    }
}
