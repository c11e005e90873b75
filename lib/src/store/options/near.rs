//! Names that were nearly meant.

/// A name as it is compared: without case, hyphens and underscores.
pub(super) fn normal(name: &str) -> String {
    let letters = name.chars().filter(|c| !"-_".contains(*c));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Which of these names may have been meant by this one.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = normal(name);
    known
        .filter(|known| {
            let known = normal(known);
            distance(&known, &name) <= 1 + known.len() / 5
        })
        .collect()
}

/// How many letters must be added, dropped or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let change = above[j] + usize::from(from != *to);
            row.push(change.min(above[j + 1] + 1).min(row[j] + 1));
        }
        above = row;
    }
    above[b.len()]
}
