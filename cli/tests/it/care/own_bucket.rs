//! A bucket of one test's own on the S3 server: what is set for it holds for no other test.

use crate::it::world::World;
use std::path::Path;
use testkit::git::run;
use testkit::services::{S3Service, s3};

pub(crate) struct OwnBucket<'a> {
    world: &'a World,
    service: S3Service,
    name: String,
}

impl<'a> OwnBucket<'a> {
    pub(crate) fn make(world: &'a World) -> Self {
        let folder = world.path(".").canonicalize().unwrap();
        let folder = folder.file_name().unwrap().to_str().unwrap().to_lowercase();
        let folder: String = folder.chars().filter(char::is_ascii_alphanumeric).collect();
        let bucket = Self {
            world,
            service: s3(),
            name: format!("own-{}-{folder}", std::process::id()),
        };
        bucket.put("", b"");
        bucket
    }

    /// Sets something, as the administrator.
    pub(crate) fn put(&self, query: &str, body: &[u8]) {
        let service = &self.service;
        let mut command = self.world.git().at(Path::new("/")).program("curl");
        command.args(["-sS", "--fail", "--aws-sigv4", "aws:amz:us-east-1:s3"]);
        command.args(["--user", &format!("{}:{}", service.key, service.secret)]);
        // curl 7.88 cannot sign a body that it reads from a pipe.
        command.args(["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]);
        command.args(["-X", "PUT", "--data-binary", "@-"]);
        command.arg(format!("{}/{}{query}", service.endpoint, self.name));
        let out = run(command, body);
        assert!(out.ok(), "PUT {query}: {}{}", out.stdout, out.stderr);
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self, prefix: &str) -> String {
        let host = self.service.endpoint.trim_start_matches("http://");
        format!(
            "pail::s3+http://{host}/{}/{prefix}?region=us-east-1",
            self.name
        )
    }
}
