//! `cargo xtask sizes`: files that have grown past what one idea needs.
//!
//! What counts is every line that is not test code.

use crate::process;
use crate::rust_source;
use crate::tree;
use std::path::Path;

/// Past this, look for the second idea.
const LOOK: usize = 400;

/// Past this, split, or say here why not.
const SPLIT: usize = 600;

/// Files that may be larger: path and reason.
const MAY: &[(&str, &str)] = &[];

/// Lists the large files; fails on those that are too large without a reason.
pub fn run() -> Result<(), String> {
    let root = process::root();
    let files = tree::rust_files(&root, "")?;
    let mut complaints = 0;
    let mut unused: Vec<&str> = MAY.iter().map(|(path, _)| *path).collect();
    for path in files.iter().filter(|path| !tree::is_test(path)) {
        let lines = production_lines(&tree::read(&root, path)?);
        let verdict = verdict(path, lines);
        if matches!(verdict, Verdict::Excused(_)) {
            unused.retain(|name| Path::new(name) != path);
        }
        let path = path.display();
        match verdict {
            Verdict::Small => {}
            Verdict::Large => eprintln!("warning: {path}: {lines} lines"),
            Verdict::Excused(reason) => eprintln!("{path}: {lines} lines: {reason}"),
            Verdict::TooLarge => {
                eprintln!("{path}: {lines} lines are more than {SPLIT}");
                complaints += 1;
            }
        }
    }
    for path in &unused {
        eprintln!("{path}: is on the list of xtask/src/sizes.rs without need");
    }
    complaints += unused.len();
    if complaints > 0 {
        return Err(format!(
            "{complaints} files break the rule of xtask/src/sizes.rs"
        ));
    }
    eprintln!("none of {} files is too large", files.len());
    Ok(())
}

fn production_lines(source: &str) -> usize {
    let all = source.lines().count();
    all.saturating_sub(rust_source::production(source).test_lines)
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Small,
    Large,
    Excused(&'static str),
    TooLarge,
}

fn verdict(path: &Path, lines: usize) -> Verdict {
    if lines <= LOOK {
        return Verdict::Small;
    }
    if lines <= SPLIT {
        return Verdict::Large;
    }
    match MAY.iter().find(|(name, _)| Path::new(name) == path) {
        Some((_, reason)) => Verdict::Excused(reason),
        None => Verdict::TooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, production_lines, verdict};
    use std::path::Path;

    #[test]
    fn tests_do_not_count() {
        let source = "//! Doc.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    // long\n}\n";
        assert_eq!(production_lines(source), 4);
    }

    #[test]
    fn the_bounds_are_inclusive() {
        let path = Path::new("lib/src/x.rs");
        assert_eq!(verdict(path, 400), Verdict::Small);
        assert_eq!(verdict(path, 401), Verdict::Large);
        assert_eq!(verdict(path, 600), Verdict::Large);
        assert_eq!(verdict(path, 601), Verdict::TooLarge);
    }
}
