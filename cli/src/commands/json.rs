//! Output for programs: one object, indented.

use super::stop::{Stop, show};
use pail::{Error, ErrorKind};
use serde::Serialize;

/// Writes a value to standard output.
pub(super) fn print(value: &impl Serialize) -> Result<(), Stop> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| {
        Error::new(ErrorKind::Local, format!("cannot write JSON: {error}")).with_source(error)
    })?;
    text.push(b'\n');
    show(&text)
}
