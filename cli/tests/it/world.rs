//! A bucket, the binary under its names, and sealed git: where every test here lives.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::it::proxied;
use pail::ids::{Ids, SystemIds};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use testkit::git::{Git, Output};
use testkit::google::{Google, Rules};
use testkit::repo::Repo;
use testkit::services::AzureService;

/// Makes three tests of each function: on a folder, on an S3 server, and on the fake of Google
/// Cloud Storage that each test starts for itself.
///
/// Those on S3 fail without a server, as `cargo xtask test` starts it: they read
/// `PAIL_TEST_S3_ENDPOINT`, `_KEY`, `_SECRET` and `_BUCKET`.
macro_rules! on_every_bucket {
    ($($name:ident),* $(,)?) => {
        mod on_folder {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::folder());
            })*
        }

        mod on_s3 {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::s3());
            })*
        }

        mod on_google {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::google());
            })*
        }
    };
}
pub(crate) use on_every_bucket;

/// The same, and one more on an Azure Blob service: for what shows that a service serves,
/// rather than for every corner of git. Those fail without a server, too.
macro_rules! on_every_service {
    ($($name:ident),* $(,)?) => {
        crate::it::world::on_every_bucket!($($name),*);

        mod on_azure {
            $(#[test]
            fn $name() {
                super::$name(&crate::it::world::World::azure());
            })*
        }
    };
}
pub(crate) use on_every_service;

/// Where a repository lies, and how to look at its files without the program under test.
#[derive(Debug)]
pub(crate) enum Bucket {
    Folder(PathBuf),
    S3(S3),
    Google(Google),
    Azure(Azure),
}

/// A prefix in a container of an Azure Blob service on loopback.
#[derive(Debug)]
pub(crate) struct Azure {
    service: AzureService,
    prefix: String,
    git: Git,
}

/// A prefix in a bucket of an S3 server on loopback.
#[derive(Debug)]
pub(crate) struct S3 {
    endpoint: String,
    bucket: String,
    prefix: String,
    key: String,
    secret: String,
    git: Git,
}

impl Bucket {
    /// A folder that does not exist yet, inside this one.
    pub(crate) fn folder(dir: &Path) -> Self {
        Self::Folder(dir.join("bucket"))
    }

    /// A fresh prefix on the server that `PAIL_TEST_S3_*` name: that of a temporary folder.
    pub(crate) fn s3(dir: &Path, git: &Git) -> Self {
        let service = testkit::services::s3();
        let name = dir.file_name().unwrap().to_str().unwrap();
        Self::S3(S3 {
            endpoint: service.endpoint,
            bucket: service.bucket,
            prefix: format!("it/{}{name}", std::process::id()),
            key: service.key,
            secret: service.secret,
            git: git.clone(),
        })
    }

    /// A fresh prefix on the service that `PAIL_TEST_AZURE_*` name, likewise.
    pub(crate) fn azure(dir: &Path, git: &Git) -> Self {
        let name = dir.file_name().unwrap().to_str().unwrap();
        Self::Azure(Azure {
            service: testkit::services::azure(),
            prefix: format!("it/{}{name}", std::process::id()),
            git: git.clone(),
        })
    }

    /// The URL for git.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(path) => format!("pail::{}", path.display()),
            Self::S3(s3) => {
                let host = s3.endpoint.trim_start_matches("http://");
                format!(
                    "pail::s3+http://{host}/{}/{}?region=us-east-1",
                    s3.bucket, s3.prefix
                )
            }
            Self::Google(google) => format!(
                "pail::gs+http://{}/{}/{GOOGLE_PREFIX}",
                google.address(),
                google.bucket()
            ),
            Self::Azure(azure) => azure.place().replacen("http://", "pail::az+http://", 1),
        }
    }

    /// The prefix that its files have, in the bucket of a service.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Folder(_) => "",
            Self::S3(s3) => &s3.prefix,
            Self::Google(_) => GOOGLE_PREFIX,
            Self::Azure(azure) => &azure.prefix,
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
            Self::S3(s3) => s3.curl(&s3.file(key), &["--fail", "-I"], b"").stdout,
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
        let prefix = format!("{}/", s3.prefix).replace('/', "%2F");
        let url = format!("{}/{}?prefix={prefix}&uploads=", s3.endpoint, s3.bucket);
        let out = s3.curl(&url, &["--fail"], b"");
        assert!(out.ok(), "{}", out.stderr);
        assert!(!out.stdout.contains("<IsTruncated>true"));
        let keys = out.stdout.split("<Key>").skip(1);
        keys.map(|item| item.split("</Key>").next().unwrap().to_owned())
            .collect()
    }

    /// Begins an upload in parts at an S3 service, and leaves it.
    pub(crate) fn begin(&self, key: &str) {
        let Self::S3(s3) = self else {
            panic!("this test is for S3 servers alone");
        };
        let url = format!("{}?uploads=", s3.file(key));
        let out = s3.curl(&url, &["--fail", "-X", "POST"], b"");
        assert!(out.ok(), "POST {key}: {}", out.stderr);
    }

    /// The bytes of a file, if it is there.
    pub(crate) fn read(&self, key: &str) -> Option<Vec<u8>> {
        match self {
            Self::Folder(root) => std::fs::read(root.join(key)).ok(),
            Self::S3(s3) => {
                let out = s3.curl(&s3.file(key), &["--fail"], b"");
                out.ok().then_some(out.bytes)
            }
            Self::Google(google) => {
                let object = google.object(&google_name(key));
                object.map(|object| object.body.to_vec())
            }
            Self::Azure(azure) => {
                let out = azure.curl(&azure.file(key), &[], b"");
                out.ok().then_some(out.bytes)
            }
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
            Self::S3(s3) => {
                // curl 7.88 cannot sign a body that it reads from a pipe.
                let unsigned = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
                let args = ["--fail", "-H", unsigned, "-X", "PUT", "--data-binary", "@-"];
                let out = s3.curl(&s3.file(key), &args, bytes);
                assert!(out.ok(), "PUT {key}: {}", out.stderr);
            }
            Self::Google(google) => google.write(&google_name(key), bytes.to_vec()),
            Self::Azure(azure) => {
                let kind = "x-ms-blob-type: BlockBlob";
                let args = ["-H", kind, "-X", "PUT", "--data-binary", "@-"];
                let out = azure.curl(&azure.file(key), &args, bytes);
                assert!(out.ok(), "PUT {key}: {}", out.stderr);
            }
        }
    }

    /// Removes a file, as somebody else would.
    pub(crate) fn remove(&self, key: &str) {
        match self {
            Self::Folder(root) => std::fs::remove_file(root.join(key)).unwrap(),
            Self::S3(s3) => {
                assert!(
                    s3.curl(&s3.file(key), &["--fail", "-X", "DELETE"], b"")
                        .ok()
                );
            }
            Self::Google(google) => assert!(google.remove(&google_name(key)), "DELETE {key}"),
            Self::Azure(azure) => {
                assert!(azure.curl(&azure.file(key), &["-X", "DELETE"], b"").ok());
            }
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

fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
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

impl S3 {
    fn file(&self, key: &str) -> String {
        let key = escaped(key);
        format!("{}/{}/{}/{key}", self.endpoint, self.bucket, self.prefix)
    }

    /// Signed by curl, so that our own signing is not its own judge.
    fn curl(&self, url: &str, args: &[&str], body: &[u8]) -> Output {
        let mut command = self.git.program("curl");
        command
            .args(["-sS", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
            .arg(format!("{}:{}", self.key, self.secret))
            .args(args)
            .arg(url);
        testkit::git::run(command, body)
    }

    fn list(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut after = String::new();
        loop {
            let url = format!(
                "{}/{}?list-type=2&prefix={}{after}",
                self.endpoint,
                self.bucket,
                format!("{}/", self.prefix).replace('/', "%2F")
            );
            let out = self.curl(&url, &["--fail"], b"");
            assert!(out.ok(), "{}", out.stderr);
            let page: Vec<&str> = out.stdout.split("<Key>").skip(1).collect();
            for item in &page {
                let key = text_of(item.split("</Key>").next().unwrap());
                let key = key.strip_prefix(&format!("{}/", self.prefix));
                keys.push(key.unwrap().to_owned());
            }
            if !out.stdout.contains("<IsTruncated>true") {
                return keys;
            }
            let last = escaped(keys.last().unwrap()).replace('/', "%2F");
            after = format!("&start-after={}%2F{last}", self.prefix.replace('/', "%2F"));
        }
    }
}

/// The prefix in a bucket of the fake, which is one test's own.
const GOOGLE_PREFIX: &str = "team/repo";

fn google_name(key: &str) -> String {
    format!("{GOOGLE_PREFIX}/{key}")
}

impl Azure {
    fn container(&self) -> String {
        let service = &self.service;
        format!(
            "{}/{}/{}",
            service.endpoint, service.account, service.container
        )
    }

    fn place(&self) -> String {
        format!("{}/{}", self.container(), self.prefix)
    }

    fn file(&self, key: &str) -> String {
        format!("{}/{}?", self.place(), escaped(key))
    }

    /// With a signature that was made elsewhere, so that our own signing is not its own judge.
    fn curl(&self, url: &str, args: &[&str], body: &[u8]) -> Output {
        let mut command = self.git.program("curl");
        command
            .args(["-sS", "--fail", "-H", "x-ms-version: 2023-11-03"])
            .args(args)
            .arg(format!("{url}&{}", self.service.sas));
        testkit::git::run(command, body)
    }

    /// All in one page: Azure's have five thousand names.
    fn list(&self) -> Vec<String> {
        let prefix = format!("{}/", self.prefix);
        let url = format!(
            "{}?restype=container&comp=list&prefix={}",
            self.container(),
            prefix.replace('/', "%2F")
        );
        let out = self.curl(&url, &[], b"");
        assert!(out.ok(), "{}", out.stderr);
        let names = out.stdout.split("<Name>").skip(1);
        let names = names.map(|item| text_of(item.split("</Name>").next().unwrap()));
        names
            .map(|name| name.strip_prefix(&prefix).unwrap().to_owned())
            .collect()
    }
}

/// A bucket and everybody who works with it.
#[derive(Debug)]
pub(crate) struct World {
    dir: TempDir,
    git: Git,
    bucket: Bucket,
}

impl World {
    /// With a folder as the bucket.
    pub(crate) fn folder() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bucket = Bucket::folder(dir.path());
        Self::on(dir, Git::new(), bucket)
    }

    /// With a prefix on an S3 server as the bucket.
    pub(crate) fn s3() -> Self {
        let (dir, git) = (tempfile::tempdir().unwrap(), Git::new());
        let bucket = Bucket::s3(dir.path(), &git);
        Self::on(dir, git, bucket)
    }

    /// With a bucket of Google as the bucket.
    pub(crate) fn google() -> Self {
        let bucket = Bucket::Google(Google::start(Rules::default()));
        Self::on(tempfile::tempdir().unwrap(), Git::new(), bucket)
    }

    /// With a prefix of a container of an Azure Blob service as the bucket.
    pub(crate) fn azure() -> Self {
        let (dir, git) = (tempfile::tempdir().unwrap(), Git::new());
        let bucket = Bucket::azure(dir.path(), &git);
        Self::on(dir, git, bucket)
    }

    fn on(dir: TempDir, git: Git, bucket: Bucket) -> Self {
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in [
            "git-pail",
            "git-remote-pail",
            "git-remote-s3",
            "git-remote-s3+http",
            "git-remote-s3+https",
            "git-remote-az",
            "git-remote-az+http",
            "git-annex-remote-pail",
        ] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-pail"), bin.join(name)).unwrap();
        }
        let mut git = git.at(dir.path()).with_bin(bin);
        if let Bucket::S3(s3) = &bucket {
            git = git
                .with_env("AWS_ACCESS_KEY_ID", &s3.key)
                .with_env("AWS_SECRET_ACCESS_KEY", &s3.secret);
        }
        if let Bucket::Google(google) = &bucket {
            git = git
                .with_env("GOOGLE_OAUTH_ACCESS_TOKEN", google.token())
                .with_env("NO_GCE_CHECK", "true");
        }
        if let Bucket::Azure(azure) = &bucket {
            git = git
                .with_env("AZURE_STORAGE_KEY", &azure.service.key)
                // Whoever finds no key asks nobody else.
                .with_env("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential");
        }
        Self { dir, git, bucket }
    }

    /// The bucket.
    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.bucket.url()
    }

    /// Where its service listens.
    pub(crate) fn server(&self) -> SocketAddr {
        match &self.bucket {
            Bucket::Folder(_) => panic!("a folder has no server"),
            Bucket::S3(_) => proxied::server(),
            Bucket::Azure(azure) => {
                let endpoint = azure.service.endpoint.trim_start_matches("http://");
                endpoint.parse().unwrap()
            }
            Bucket::Google(google) => google.address(),
        }
    }

    /// The URL of a fresh prefix beside it.
    pub(crate) fn fresh(&self) -> String {
        match &self.bucket {
            Bucket::Folder(_) => panic!("a folder has no server"),
            Bucket::S3(_) => proxied::prefix(),
            Bucket::Azure(_) | Bucket::Google(_) => {
                format!("{}-{}", self.url(), SystemIds.hex().unwrap())
            }
        }
    }

    /// Git, in the folder of this world.
    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// A place in the folder of this world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A place, as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// An empty repository whose `origin` is the bucket.
    pub(crate) fn repo(&self, name: &str) -> Repo {
        self.repo_with(name, &[])
    }

    /// The same, with more words for `git init`.
    pub(crate) fn repo_with(&self, name: &str, args: &[&str]) -> Repo {
        let repo = Repo::init_with(&self.git, self.path(name), args);
        repo.ok(&["remote", "add", "origin", &self.url()]);
        repo
    }

    /// A repository with two commits on main, pushed.
    pub(crate) fn pushed(&self, name: &str) -> Repo {
        let repo = self.repo(name);
        repo.commit("a", "one\n");
        repo.commit("b/c", "two\n");
        repo.ok(&["push", "-q", "-u", "origin", "main"]);
        repo
    }

    /// A clone of the bucket.
    pub(crate) fn clone(&self, name: &str) -> Repo {
        self.clone_with(name, &[])
    }

    /// The same, with more words for `git clone`.
    pub(crate) fn clone_with(&self, name: &str, args: &[&str]) -> Repo {
        Repo::clone_of(&self.git, &self.url(), self.path(name), args)
    }

    /// A fresh mirror of the bucket: every ref that it has, checked by git's own fsck.
    pub(crate) fn mirror(&self) -> Repo {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mirror-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mirror = self.clone_with(&name, &["--mirror"]);
        mirror.fsck();
        mirror
    }

    /// All refs of the bucket with their values, as git lists them; peeled ones left out.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        let out = self.git.ok(&["ls-remote", "-q", "--refs", &self.url()]);
        let lines = out.lines().filter_map(|line| line.split_once('\t'));
        lines
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// The value of one ref of the bucket.
    pub(crate) fn tip(&self, name: &str) -> Option<String> {
        self.refs().remove(name)
    }

    /// Talks with the helper in git's place.
    pub(crate) fn talk(&self, git_dir: &Path) -> Talk {
        let url = self.url();
        let address = url.strip_prefix("pail::").unwrap();
        let mut command = self.git.program("git-remote-pail");
        command.args(["origin", address]).env("GIT_DIR", git_dir);
        Talk::start(command)
    }
}

/// A conversation with the helper.
#[derive(Debug)]
pub(crate) struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Talk {
    /// Starts a helper. It leads a process group of its own.
    pub(crate) fn start(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// The process, which leads its group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says something and waits for no answer. A helper that went away is no failure.
    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("the conversation is open");
        let _ = stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush());
    }

    /// Says something and reads one line.
    pub(crate) fn ask(&mut self, text: &str) -> String {
        self.say(text);
        self.line()
    }

    /// Says something and reads up to a blank line.
    pub(crate) fn ask_all(&mut self, text: &str) -> Vec<String> {
        self.say(text);
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return lines;
            }
            lines.push(line);
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("standard output is open");
        stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Stops reading what the helper says.
    pub(crate) fn stop_listening(&mut self) {
        self.stdout = None;
    }

    /// Closes the helper's input and waits for its end; the rest of what it says.
    pub(crate) fn end(mut self) -> Output {
        self.stdin = None;
        let mut rest = Vec::new();
        if let Some(stdout) = &mut self.stdout {
            std::io::Read::read_to_end(stdout, &mut rest).unwrap();
        }
        let out = self.child.wait_with_output().unwrap();
        Output {
            status: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&rest).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
            bytes: rest,
        }
    }
}

/// Writes a program for a hook, or to stand in for another one.
pub(crate) fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Lets another clone push between the moment when git reads the refs of the bucket and
/// the moment when it writes them: git runs the pre-push hook exactly there.
pub(crate) fn before_push(repo: &Repo, text: &str) {
    let hooks = repo.ok(&["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
    // The hook runs with this repository's GIT_DIR, which is not for the other clone.
    script(
        &Path::new(&hooks).join("pre-push"),
        &format!("unset $(git rev-parse --local-env-vars)\nexec >&2\n{text}"),
    );
}

/// What a killed or unhappy transfer must not leave in a repository.
pub(crate) fn leftovers(repo: &Repo) -> Vec<String> {
    let objects = repo.ok(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "objects",
    ]);
    let mut keys = Vec::new();
    walk(Path::new(&objects), Path::new(&objects), &mut keys);
    for entry in Path::new(&objects).read_dir().unwrap() {
        keys.push(entry.unwrap().file_name().to_str().unwrap().to_owned());
    }
    keys.retain(|key| key.contains("tmp_") || key.ends_with(".keep"));
    keys
}
