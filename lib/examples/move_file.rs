//! Moves one file to a bucket or back, and nothing else: what `bench/throughput.py` measures.
//!
//! ```sh
//! cargo run --release --example move_file -- up|down URL KEY FILE
//! ```

use futures_util::{StreamExt, pin_mut};
use pail::progress::Quiet;
use pail::store::{self, FileSource, Location, Options, Store, SystemEnv, Wanted};
use pail::{Error, ErrorKind, Key, Result};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [way, url, key, file] = words.as_slice() else {
        return Err(invalid("usage: move_file up|down URL KEY FILE"));
    };
    let location = Location::parse(url)?;
    let options = Options::gather(&location, [])?;
    let store = store::open(&location, &options, Arc::new(SystemEnv))?;
    let (key, file) = (Key::new(key.as_str())?, Path::new(file));
    match way.as_str() {
        "up" => up(&*store, &key, file, &options).await,
        "down" => down(&*store, key, file, &options).await,
        _ => Err(invalid("up or down?")),
    }
}

async fn up(store: &dyn Store, key: &Key, file: &Path, options: &Options) -> Result<()> {
    let source = FileSource {
        path: file.to_owned(),
        size: std::fs::metadata(file).map_err(local)?.len(),
    };
    store::upload(store, key, &source, options.limits(), &Quiet).await
}

async fn down(store: &dyn Store, key: Key, file: &Path, options: &Options) -> Result<()> {
    let Some(info) = store.head(&key).await? else {
        return Err(Error::new(ErrorKind::Missing, "there is no such file"));
    };
    let size = info.size;
    let mut out = std::fs::File::create(file).map_err(local)?;
    let wanted = [Wanted { key, size }];
    let pieces = store::download(store, &wanted, options.limits());
    pin_mut!(pieces);
    while let Some(piece) = pieces.next().await {
        out.write_all(&piece?.bytes).map_err(local)?;
    }
    Ok(())
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::Invalid, what)
}

fn local(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Local, error.to_string())
}
