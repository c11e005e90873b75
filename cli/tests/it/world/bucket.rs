//! Where a repository lies, and how to look at its files without the program under test.

mod azure;
mod s3;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::it::proxied;
use serde_json::Value;
use sha2::{Digest, Sha256};
use testkit::git::Git;
use testkit::google::Google;

use azure::Azure;
use s3::S3;

/// Where a repository lies, and how to look at its files without the program under test.
#[derive(Debug)]
pub(crate) enum Bucket {
    Folder(PathBuf),
    S3(S3),
    Google(Google),
    Azure(Azure),
}

/// The prefix in a bucket of the fake, which is one test's own.
const GOOGLE_PREFIX: &str = "team/repo";

fn google_name(key: &str) -> String {
    format!("{GOOGLE_PREFIX}/{key}")
}

impl Bucket {
    /// A folder that does not exist yet, inside this one.
    pub(crate) fn folder(dir: &Path) -> Self {
        Self::Folder(dir.join("bucket"))
    }

    /// A fresh prefix on the server that `PAIL_TEST_S3_*` name: that of a temporary folder.
    pub(crate) fn s3(dir: &Path, git: &Git) -> Self {
        Self::S3(S3::at(prefix_of(dir), git))
    }

    /// A fresh prefix on the service that `PAIL_TEST_AZURE_*` name, likewise.
    pub(crate) fn azure(dir: &Path, git: &Git) -> Self {
        Self::Azure(Azure::at(prefix_of(dir), git))
    }

    /// The URL for git.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(path) => format!("pail::{}", path.display()),
            Self::S3(s3) => s3.url(),
            Self::Google(google) => format!(
                "pail::gs+http://{}/{}/{GOOGLE_PREFIX}",
                google.address(),
                google.bucket()
            ),
            Self::Azure(azure) => azure.url(),
        }
    }

    /// The environment in which a program may use it.
    pub(crate) fn credentials(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Folder(_) => Vec::new(),
            Self::S3(s3) => s3.credentials(),
            Self::Google(google) => vec![
                ("GOOGLE_OAUTH_ACCESS_TOKEN", google.token()),
                ("NO_GCE_CHECK", "true"),
            ],
            Self::Azure(azure) => azure.credentials(),
        }
    }

    /// Where its service listens.
    pub(crate) fn server(&self) -> SocketAddr {
        match self {
            Self::Folder(_) => panic!("a folder has no server"),
            Self::S3(_) => proxied::server(),
            Self::Azure(azure) => azure.server(),
            Self::Google(google) => google.address(),
        }
    }

    /// The prefix that its files have, in the bucket of a service.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Folder(_) => "",
            Self::S3(s3) => s3.prefix(),
            Self::Google(_) => GOOGLE_PREFIX,
            Self::Azure(azure) => azure.prefix(),
        }
    }

    /// The folder itself, for what only a file system can do.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            Self::S3(_) | Self::Azure(_) | Self::Google(_) => {
                panic!("this test is for folders alone")
            }
        }
    }

    /// The headers that an S3 server gives for a file.
    pub(crate) fn headers(&self, key: &str) -> String {
        match self {
            Self::Folder(_) | Self::Azure(_) | Self::Google(_) => {
                panic!("this test is for S3 servers alone")
            }
            Self::S3(s3) => s3.headers(key),
        }
    }

    /// All keys under the prefix, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = match self {
            Self::Folder(root) => {
                let mut keys = Vec::new();
                walk(root, root, &mut keys);
                keys
            }
            Self::S3(s3) => s3.list(),
            Self::Google(google) => {
                let root = format!("{GOOGLE_PREFIX}/");
                let names = google.names().into_iter();
                names
                    .filter_map(|name| name.strip_prefix(&root).map(str::to_owned))
                    .collect()
            }
            Self::Azure(azure) => azure.list(),
        };
        keys.sort();
        keys
    }

    /// The keys of uploads that were begun and not ended, as an S3 service lists them.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let Self::S3(s3) = self else {
            panic!("a folder has none");
        };
        s3.unfinished()
    }

    /// Begins an upload in parts at an S3 service, and leaves it.
    pub(crate) fn begin(&self, key: &str) {
        let Self::S3(s3) = self else {
            panic!("this test is for S3 servers alone");
        };
        s3.begin(key);
    }

    /// The bytes of a file, if it is there.
    pub(crate) fn read(&self, key: &str) -> Option<Vec<u8>> {
        match self {
            Self::Folder(root) => std::fs::read(root.join(key)).ok(),
            Self::S3(s3) => s3.read(key),
            Self::Google(google) => {
                let object = google.object(&google_name(key));
                object.map(|object| object.body.to_vec())
            }
            Self::Azure(azure) => azure.read(key),
        }
    }

    /// Puts a file there, as somebody else would.
    pub(crate) fn write(&self, key: &str, bytes: &[u8]) {
        match self {
            Self::Folder(root) => {
                let path = root.join(key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                // A new file: those that are there may be read-only.
                let _ = std::fs::remove_file(&path);
                std::fs::write(path, bytes).unwrap();
            }
            Self::S3(s3) => s3.write(key, bytes),
            Self::Google(google) => google.write(&google_name(key), bytes.to_vec()),
            Self::Azure(azure) => azure.write(key, bytes),
        }
    }

    /// Removes a file, as somebody else would.
    pub(crate) fn remove(&self, key: &str) {
        match self {
            Self::Folder(root) => std::fs::remove_file(root.join(key)).unwrap(),
            Self::S3(s3) => s3.remove(key),
            Self::Google(google) => assert!(google.remove(&google_name(key)), "DELETE {key}"),
            Self::Azure(azure) => azure.remove(key),
        }
    }

    /// Removes everything, as somebody else would.
    pub(crate) fn clear(&self) {
        match self {
            Self::Folder(root) => std::fs::remove_dir_all(root).unwrap(),
            Self::S3(_) | Self::Azure(_) | Self::Google(_) => {
                self.keys().iter().for_each(|key| self.remove(key));
            }
        }
    }

    /// Every file with its bytes: equal before and after means that nothing was written.
    pub(crate) fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let keys = self.keys().into_iter();
        keys.map(|key| {
            let bytes = self.read(&key).unwrap();
            (key, bytes)
        })
        .collect()
    }

    /// The manifest as JSON.
    pub(crate) fn manifest(&self) -> Value {
        let bytes = self
            .read("pail/manifest.json")
            .expect("a manifest is there");
        let text = pail::format::manifest::text(&bytes).expect("it can be unpacked");
        serde_json::from_slice(&text).expect("the manifest is JSON")
    }

    /// Changes the manifest behind everyone's back.
    pub(crate) fn edit_manifest(&self, edit: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        edit(&mut manifest);
        self.write("pail/manifest.json", sealed(manifest).as_bytes());
    }

    /// The keys of all packs, oldest first as the manifest names them.
    pub(crate) fn packs(&self) -> Vec<String> {
        let manifest = self.manifest();
        let packs = manifest["packs"].as_array().unwrap().iter();
        packs
            .map(|pack| format!("objects/pack/pack-{}.pack", pack["name"].as_str().unwrap()))
            .collect()
    }
}

/// A prefix that no other test of this run has: that of its temporary folder.
fn prefix_of(dir: &Path) -> String {
    let name = dir.file_name().unwrap().to_str().unwrap();
    format!("it/{}{name}", std::process::id())
}

/// A manifest with its checksum: SHA-256 over its bytes with zeros in the digits' place.
fn sealed(mut manifest: Value) -> String {
    let blank = "0".repeat(64);
    manifest["checksum"] = blank.clone().into();
    let text = manifest.to_string();
    let sum = Sha256::digest(text.as_bytes());
    let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    text.replacen(&blank, &digits, 1)
}

/// A key in a URL.
fn escaped(key: &str) -> String {
    let mut out = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What a piece of XML says.
fn text_of(xml: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
    ];
    let pairs = pairs.into_iter().chain([("&#xD;", "\r"), ("&amp;", "&")]);
    pairs.fold(xml.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Adds the files of a folder to the keys, by their paths below the root.
pub(super) fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
    for entry in folder.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, keys);
        } else {
            let key = path.strip_prefix(root).unwrap().to_str().unwrap();
            // The lock of the folder store is no file of the bucket.
            if !key.split('/').any(|part| part.starts_with(".pail-")) {
                keys.push(key.to_owned());
            }
        }
    }
}
