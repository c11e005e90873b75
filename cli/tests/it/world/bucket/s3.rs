//! A prefix in a bucket of an S3 server on loopback.

use testkit::git::{Git, Output};
use testkit::services::S3Service;

use super::{escaped, text_of};

/// A prefix in a bucket of an S3 server on loopback.
#[derive(Debug)]
pub(crate) struct S3 {
    service: S3Service,
    prefix: String,
    git: Git,
}

impl S3 {
    /// This prefix on the server that `PAIL_TEST_S3_*` name.
    pub(super) fn at(prefix: String, git: &Git) -> Self {
        let service = testkit::services::s3();
        Self {
            service,
            prefix,
            git: git.clone(),
        }
    }

    pub(super) fn url(&self) -> String {
        let host = self.service.endpoint.trim_start_matches("http://");
        let (bucket, prefix) = (&self.service.bucket, &self.prefix);
        format!("pail::s3+http://{host}/{bucket}/{prefix}?region=us-east-1")
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn credentials(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("AWS_ACCESS_KEY_ID", &self.service.key),
            ("AWS_SECRET_ACCESS_KEY", &self.service.secret),
        ]
    }

    pub(super) fn headers(&self, key: &str) -> String {
        self.curl(&self.file(key), &["--fail", "-I"], b"").stdout
    }

    pub(super) fn read(&self, key: &str) -> Option<Vec<u8>> {
        let out = self.curl(&self.file(key), &["--fail"], b"");
        out.ok().then_some(out.bytes)
    }

    pub(super) fn write(&self, key: &str, bytes: &[u8]) {
        // curl 7.88 cannot sign a body that it reads from a pipe.
        let unsigned = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
        let args = ["--fail", "-H", unsigned, "-X", "PUT", "--data-binary", "@-"];
        let out = self.curl(&self.file(key), &args, bytes);
        assert!(out.ok(), "PUT {key}: {}", out.stderr);
    }

    pub(super) fn remove(&self, key: &str) {
        let out = self.curl(&self.file(key), &["--fail", "-X", "DELETE"], b"");
        assert!(out.ok(), "DELETE {key}: {}", out.stderr);
    }

    /// Begins an upload in parts, and leaves it.
    pub(super) fn begin(&self, key: &str) {
        let url = format!("{}?uploads=", self.file(key));
        let out = self.curl(&url, &["--fail", "-X", "POST"], b"");
        assert!(out.ok(), "POST {key}: {}", out.stderr);
    }

    /// The keys of uploads that were begun and not ended.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let prefix = format!("{}/", self.prefix).replace('/', "%2F");
        let url = format!("{}?prefix={prefix}&uploads=", self.place());
        let out = self.curl(&url, &["--fail"], b"");
        assert!(out.ok(), "{}", out.stderr);
        assert!(!out.stdout.contains("<IsTruncated>true"));
        let keys = out.stdout.split("<Key>").skip(1);
        keys.map(|item| item.split("</Key>").next().unwrap().to_owned())
            .collect()
    }

    /// The bucket's own URL.
    fn place(&self) -> String {
        format!("{}/{}", self.service.endpoint, self.service.bucket)
    }

    fn file(&self, key: &str) -> String {
        format!("{}/{}/{}", self.place(), self.prefix, escaped(key))
    }

    /// Signed by curl, so that our own signing is not its own judge.
    fn curl(&self, url: &str, args: &[&str], body: &[u8]) -> Output {
        let mut command = self.git.program("curl");
        command
            .args(["-sS", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
            .arg(format!("{}:{}", self.service.key, self.service.secret))
            .args(args)
            .arg(url);
        testkit::git::run(command, body)
    }

    pub(super) fn list(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut after = String::new();
        loop {
            let url = format!(
                "{}?list-type=2&prefix={}{after}",
                self.place(),
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
