//! The bucket that is pushed to, and what lies in it.

use crate::Sample;
use pail::ids::{Ids, SystemIds};
use std::net::SocketAddr;
use std::time::Duration;
use testkit::git::Git;
use testkit::services::{self, S3Service};

/// How long the manifest must stay as it is to count as settled.
const CALM: Duration = Duration::from_secs(3);

/// A prefix of the S3 server that `cargo xtask services up` started.
pub(crate) struct Bucket {
    service: S3Service,
    prefix: String,
    git: Git,
}

impl Bucket {
    pub(crate) fn fresh() -> Self {
        let service = services::s3();
        let prefix = format!("many/{}", SystemIds.hex().expect("chance can be had"));
        Self {
            service,
            prefix,
            git: Git::new(),
        }
    }

    /// The same git, with the keys of the bucket.
    pub(crate) fn sealed(&self, git: Git) -> Git {
        git.with_env("AWS_ACCESS_KEY_ID", &self.service.key)
            .with_env("AWS_SECRET_ACCESS_KEY", &self.service.secret)
            .with_env("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn server(&self) -> SocketAddr {
        let host = self.service.endpoint.trim_start_matches("http://");
        host.parse().expect("the endpoint is an address")
    }

    pub(crate) fn url(&self) -> String {
        let Self {
            service, prefix, ..
        } = self;
        format!(
            "pail::s3+http://{}/{}/{prefix}?region=us-east-1",
            self.server(),
            service.bucket
        )
    }

    /// Waits until maintenance has come to rest.
    pub(crate) fn settle(&self) {
        let mut before = self.read("pail/manifest.json");
        loop {
            std::thread::sleep(CALM);
            let now = self.read("pail/manifest.json");
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// What lies there.
    pub(crate) fn sample(&self, push: usize) -> Sample {
        let manifest = self.read("pail/manifest.json");
        let text = pail::format::manifest::text(&manifest).expect("it can be unpacked");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("a manifest");
        let packs = json["packs"].as_array().map_or(0, Vec::len);
        let log = &json["log"];
        let sections = [
            ("refs", &json["refs"]),
            ("packs", &json["packs"]),
            ("list aside", &json["aside"]),
            ("log entries", &log["entries"]),
            ("segments", &log["segments"]),
            ("condemned", &json["condemned"]),
        ];
        let sections = sections.map(|(name, part)| format!("{name} {}", part.to_string().len()));
        Sample {
            push,
            packs,
            aside: json["aside"]["count"].as_u64().unwrap_or(0),
            manifest: manifest.len() as u64,
            sections: sections.join(", "),
            stored: self.stored(),
        }
    }

    fn read(&self, key: &str) -> Vec<u8> {
        let Self {
            service, prefix, ..
        } = self;
        self.curl(&format!(
            "{}/{}/{prefix}/{key}",
            service.endpoint, service.bucket
        ))
    }

    /// Bytes of all files.
    fn stored(&self) -> u64 {
        let Self {
            service, prefix, ..
        } = self;
        let mut after = String::new();
        let mut sum = 0;
        loop {
            let url = format!(
                "{}/{}?list-type=2&prefix={prefix}/&start-after={after}",
                service.endpoint, service.bucket
            );
            // What is signed is the query with its slashes escaped.
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            let url = format!("{path}?{}", query.replace('/', "%2F"));
            let page = String::from_utf8(self.curl(&url)).expect("a listing is text");
            let texts = |tag: &str| -> Vec<String> {
                let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
                let rest = page.split(&open).skip(1);
                rest.filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned()))
                    .collect()
            };
            sum += texts("Size")
                .iter()
                .filter_map(|size| size.parse::<u64>().ok())
                .sum::<u64>();
            match texts("Key").pop() {
                Some(last) if texts("IsTruncated").iter().any(|text| text == "true") => {
                    after = last
                }
                _ => return sum,
            }
        }
    }

    fn curl(&self, url: &str) -> Vec<u8> {
        let user = format!("{}:{}", self.service.key, self.service.secret);
        let mut command = self.git.program("curl");
        command.args([
            "-sS",
            "--fail",
            "--aws-sigv4",
            "aws:amz:us-east-1:s3",
            "--user",
            &user,
            url,
        ]);
        let out = testkit::git::run(command, b"");
        assert!(out.ok(), "{url}: {}", out.stderr);
        out.bytes
    }
}
