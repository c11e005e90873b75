//! A prefix in a container of an Azure Blob service on loopback.

use std::net::SocketAddr;

use testkit::git::{Git, Output};
use testkit::services::AzureService;

use super::{escaped, text_of};

/// A prefix in a container of an Azure Blob service on loopback.
#[derive(Debug)]
pub(crate) struct Azure {
    service: AzureService,
    prefix: String,
    git: Git,
}

impl Azure {
    /// This prefix on the service that `PAIL_TEST_AZURE_*` name.
    pub(super) fn at(prefix: String, git: &Git) -> Self {
        Self {
            service: testkit::services::azure(),
            prefix,
            git: git.clone(),
        }
    }

    pub(super) fn url(&self) -> String {
        self.place().replacen("http://", "pail::az+http://", 1)
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn credentials(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("AZURE_STORAGE_KEY", &self.service.key),
            // Whoever finds no key asks nobody else.
            ("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"),
        ]
    }

    pub(super) fn server(&self) -> SocketAddr {
        let endpoint = self.service.endpoint.trim_start_matches("http://");
        endpoint.parse().unwrap()
    }

    pub(super) fn read(&self, key: &str) -> Option<Vec<u8>> {
        let out = self.curl(&self.file(key), &[], b"");
        out.ok().then_some(out.bytes)
    }

    pub(super) fn write(&self, key: &str, bytes: &[u8]) {
        let kind = "x-ms-blob-type: BlockBlob";
        let args = ["-H", kind, "-X", "PUT", "--data-binary", "@-"];
        let out = self.curl(&self.file(key), &args, bytes);
        assert!(out.ok(), "PUT {key}: {}", out.stderr);
    }

    pub(super) fn remove(&self, key: &str) {
        let out = self.curl(&self.file(key), &["-X", "DELETE"], b"");
        assert!(out.ok(), "DELETE {key}: {}", out.stderr);
    }

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
    pub(super) fn list(&self) -> Vec<String> {
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
