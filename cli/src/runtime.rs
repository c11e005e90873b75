//! The only runtime: one thread, built when it is first needed.

use std::future::Future;
use std::io;

/// How an operation ended that a signal may end.
#[derive(Debug)]
pub enum Ended<T> {
    /// By itself.
    Done(T),
    /// By SIGINT, SIGTERM or SIGHUP. What it held was dropped: its temporary files are gone.
    Interrupted,
}

/// Builds the runtime.
///
/// # Errors
///
/// If the system has no file descriptors left.
pub fn build() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Runs an operation until it ends or a signal ends it.
///
/// # Errors
///
/// If signals cannot be listened to.
pub fn run<T>(
    runtime: &tokio::runtime::Runtime,
    operation: impl Future<Output = T>,
) -> io::Result<Ended<T>> {
    runtime.block_on(async {
        let stop = stopped()?;
        tokio::select! {
            done = operation => Ok(Ended::Done(done)),
            () = stop => Ok(Ended::Interrupted),
        }
    })
}

#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
