//! Pointer files: what git has in the place of a large file.

use super::object::Object;

/// Largest blob that is looked at, in bytes, as git-lfs has it.
pub const MAX_POINTER: u64 = 1024;

/// The versions of the specification that there have been.
const VERSIONS: [&str; 3] = [
    "https://git-lfs.github.com/spec/v1",
    "https://hawser.github.com/spec/v1",
    "http://git-media.io/v/2",
];

/// Reads a pointer file; `None` if it is none. What git-lfs would complain of but read is
/// read, too: who asks what is still needed shall rather find too much.
#[must_use]
pub fn pointer(blob: &[u8]) -> Option<Object> {
    if blob.len() as u64 > MAX_POINTER {
        return None;
    }
    let text = std::str::from_utf8(blob).ok()?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let version = lines.next()?.strip_prefix("version ")?;
    if !VERSIONS.contains(&version.trim()) {
        return None;
    }
    let (mut oid, mut size) = (None, None);
    for line in lines {
        match line.split_once(' ') {
            Some(("oid", value)) => oid = value.strip_prefix("sha256:")?.trim().parse().ok(),
            Some(("size", value)) => size = value.trim().parse().ok(),
            _ => {}
        }
    }
    Some(Object {
        oid: oid?,
        size: size?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of git-lfs.
    const EXAMPLE: &str = "version https://git-lfs.github.com/spec/v1\n\
        oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n\
        size 12345\n";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let read = pointer(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(read.size, 12345);
        assert!(read.oid.as_str().starts_with("4d7a2146"));
    }

    #[test]
    fn extensions_and_old_versions_are_read() {
        let extended = EXAMPLE.replace(
            "oid ",
            &format!("ext-0-foo sha256:{}\noid ", "0".repeat(64)),
        );
        assert_eq!(pointer(extended.as_bytes()), pointer(EXAMPLE.as_bytes()));
        let old = EXAMPLE.replace("git-lfs.github.com", "hawser.github.com");
        assert_eq!(pointer(old.as_bytes()), pointer(EXAMPLE.as_bytes()));
        let odd = EXAMPLE.replace('\n', "\r\n");
        assert_eq!(pointer(odd.as_bytes()), pointer(EXAMPLE.as_bytes()));
    }

    #[test]
    fn what_is_no_pointer_is_none() {
        let long = format!("{EXAMPLE}{}", "x".repeat(1024));
        let others = [
            "",
            "a picture",
            "version 1\noid sha256:0\nsize 1\n",
            &long,
            &EXAMPLE.replace("sha256:", "md5:"),
            &EXAMPLE.replace("4d7a", "4D7A"),
            &EXAMPLE.replace("size 12345", "size -1"),
        ];
        for other in others {
            assert_eq!(pointer(other.as_bytes()), None, "{other}");
        }
        assert_eq!(pointer(b"version \xff"), None);
    }
}
