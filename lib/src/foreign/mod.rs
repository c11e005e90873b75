//! Layouts of other tools: told apart by what lies under a prefix.

use std::fmt;

/// A layout that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// One bundle a ref, as awslabs/git-remote-s3 writes them.
    BundlePerRef,
    /// The `packchain` engine of git-remote-object-store.
    Packchain,
    /// The `bundle` engine of git-remote-object-store.
    ObjectStoreBundle,
    /// A bare repository, file by file: JGit's `amazon-s3`, gits3, dumb HTTP.
    BareRepository,
    /// The bundles and manifest of git-annex's git-remote-annex.
    AnnexBundles,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BundlePerRef => "a repository of git-remote-s3 (one bundle a ref)",
            Self::Packchain => "a repository of git-remote-object-store (packchain)",
            Self::ObjectStoreBundle => "a repository of git-remote-object-store (bundle)",
            Self::BareRepository => {
                "a bare git repository, file by file (JGit's amazon-s3, gits3 or dumb HTTP)"
            }
            Self::AnnexBundles => "a repository of git-remote-annex",
        })
    }
}

/// Tells a foreign layout from the keys under a prefix: by marker first, then by shape.
/// LFS objects alone are nobody's layout.
pub fn detect<'a>(keys: impl IntoIterator<Item = &'a str>) -> Option<Foreign> {
    let (mut bundle, mut marker, mut bare, mut annex, mut tombstone) =
        (false, false, 0, false, false);
    let (mut chain, mut pack) = (false, false);
    for key in keys {
        let parts: Vec<&str> = key.split('/').collect();
        match parts[..] {
            // What our own special remote of git-annex keeps beside a repository.
            ["annex", ..] => {}
            ["FORMAT"] => marker = true,
            ["gc", file] if file.starts_with("baseline-tomb-") => tombstone = true,
            ["refs", .., "chain.json"] => chain = true,
            ["refs", .., file] if file.ends_with(".bundle") => bundle = true,
            ["HEAD" | "config" | "packed-refs"]
            | ["info", "refs"]
            | ["objects", "info", "packs"] => bare += 1,
            ["objects", "pack", file] if file.ends_with(".pack") => pack = true,
            ["objects", fan, _] if fan.len() == 2 => bare += 1,
            ["refs", "heads" | "tags", ..]
                if !key.ends_with("LOCK#.lock") && !key.ends_with("PROTECTED#") =>
            {
                bare += 1
            }
            [.., file] if file.starts_with("GITMANIFEST--") || file.starts_with("GITBUNDLE--") => {
                annex = true
            }
            _ => {}
        }
    }
    match (chain, bundle) {
        (true, _) => Some(Foreign::Packchain),
        (_, true) if marker || tombstone => Some(Foreign::ObjectStoreBundle),
        (_, true) => Some(Foreign::BundlePerRef),
        _ if annex => Some(Foreign::AnnexBundles),
        _ if marker => Some(Foreign::ObjectStoreBundle),
        // Packs alone, however many, are what first pushes of ours left that died.
        _ if bare >= 2 || (bare == 1 && pack) => Some(Foreign::BareRepository),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_is_told_by_the_keys_that_its_tool_writes() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        let bundle = format!("refs/heads/main/{hex}.bundle");
        let pack = format!("objects/pack/pack-{hex}.pack");
        let (other, index) = (pack.replace("0123", "4567"), pack.replace(".pack", ".idx"));
        let cases: [(&[&str], Option<Foreign>); 12] = [
            (&["HEAD", &bundle], Some(Foreign::BundlePerRef)),
            (
                &["FORMAT", "HEAD", &bundle],
                Some(Foreign::ObjectStoreBundle),
            ),
            (
                &["FORMAT", "HEAD", &bundle, "refs/heads/main/chain.json"],
                Some(Foreign::Packchain),
            ),
            (
                &["HEAD", "config", "info/refs", &pack, "refs/heads/main"],
                Some(Foreign::BareRepository),
            ),
            // `git init --bare`, and nothing pushed yet.
            (
                &["HEAD", "config", "description", "info/exclude"],
                Some(Foreign::BareRepository),
            ),
            (&["GITMANIFEST--0a1b"], Some(Foreign::AnnexBundles)),
            (&["annex/GITMANIFEST--0a1b", "annex/annex-uuid"], None),
            (&["lfs/00", "lfs/01"], None),
            (&["readme.txt"], None),
            (&[&pack], None),
            (&[&pack, &index, &other, "pail/probe/0"], None),
            (&[&pack, "refs/heads/main"], Some(Foreign::BareRepository)),
        ];
        for (keys, layout) in cases {
            assert_eq!(detect(keys.iter().copied()), layout, "{keys:?}");
        }
    }
}
