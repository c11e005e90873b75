//! Which refs a pattern means.

/// Whether a ref fits: `main` fits `refs/heads/main` and `refs/tags/main`, as it does for
/// `git ls-remote`; `*` stands for any bytes and `?` for one.
#[must_use]
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    // The whole name, or what follows any of its slashes.
    let starts = std::iter::once(0).chain(
        name.iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at + 1),
    );
    starts
        .filter_map(|start| name.get(start..))
        .any(|tail| matches(pattern, tail))
}

/// Whether the whole of a name is what the pattern says: `*` stands for any bytes, slashes
/// too, and `?` for one; nothing else is special.
///
/// Goes back to the last star only, so that no pattern takes long.
#[must_use]
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                p = after;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_parts_of_a_name_from_the_right() {
        for (pattern, name) in [
            ("main", "refs/heads/main"),
            ("heads/main", "refs/heads/main"),
            ("refs/heads/main", "refs/heads/main"),
            ("refs/tags/*", "refs/tags/a/b"),
            ("v1.*", "refs/tags/v1.2"),
            ("*ain", "refs/heads/main"),
            ("m?in", "refs/heads/main"),
            ("*", "refs/x"),
        ] {
            assert!(
                fits(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
        for (pattern, name) in [
            ("ain", "refs/heads/main"),
            ("mai", "refs/heads/main"),
            ("refs/tags/*", "refs/heads/main"),
            ("", "refs/heads/main"),
            ("*a*a*a*b", "refs/heads/aaaaaaaaaaaaaaaaaaaa"),
        ] {
            assert!(
                !fits(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
    }
}
