//! Names that were nearly meant.

use strsim::levenshtein;

/// A name as it is compared: without case, hyphens and underscores.
pub(crate) fn normal(name: &str) -> String {
    let letters = name.chars().filter(|c| !"-_".contains(*c));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Which of these names may have been meant by this one: a letter is missing, added or wrong,
/// one more in each five, or the end is missing.
pub(crate) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = normal(name);
    known
        .filter(|known| {
            let known = normal(known);
            let begun = name.len() > 2 && known.starts_with(&name);
            // Nobody means so much by one name, and the price is the product of both lengths.
            let short = name.len() <= 64;
            begun || short && levenshtein(&known, &name) <= 1 + known.len() / 5
        })
        .collect()
}
