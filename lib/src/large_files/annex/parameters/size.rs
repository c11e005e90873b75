//! Sizes as git-annex writes them.

use super::invalid;
use crate::error::Result;

/// Units by their names: powers of 1000, and of 1024 where an `i` says so.
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("k", 1000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
];

/// Bytes of `8MiB`, `1 GB`, `100mb`; a fraction is cut off at whole bytes.
pub(super) fn bytes(text: &str) -> Result<u64> {
    let bad = || {
        invalid(format!("'{}' is no size", text.escape_debug()))
            .with_hint("write partsize=8MiB, or leave it out")
    };
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(bad)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let out = whole.checked_mul(*factor).ok_or_else(bad)?;
    let decimals = fraction.get(..fraction.len().min(18)).ok_or_else(bad)?;
    let mut part = 0;
    if !decimals.is_empty() {
        let digits: u128 = decimals.parse().map_err(|_| bad())?;
        part = u128::from(*factor) * digits / 10_u128.pow(decimals.len() as u32);
    }
    out.checked_add(u64::try_from(part).map_err(|_| bad())?)
        .ok_or_else(bad)
}
