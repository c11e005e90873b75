//! Where the services are that `cargo xtask test` starts, and the programs that it installs.

use std::path::PathBuf;

/// An S3 server on loopback, for tests only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Service {
    /// Its URL, `http://127.0.0.1:<port>`; buckets are in the path.
    pub endpoint: String,
    /// A bucket that is there already; tests share it, each under a prefix of its own.
    pub bucket: String,
    /// The access key that may do everything, even make buckets.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// The access key that may read and list.
    pub readonly_key: String,
    /// Its secret.
    pub readonly_secret: String,
}

/// The S3 server of this test run.
///
/// # Panics
///
/// If there is none: a test that was skipped would look like a test that passed.
#[track_caller]
pub fn s3() -> S3Service {
    S3Service {
        endpoint: setting("PAIL_TEST_S3_ENDPOINT"),
        bucket: setting("PAIL_TEST_S3_BUCKET"),
        key: setting("PAIL_TEST_S3_KEY"),
        secret: setting("PAIL_TEST_S3_SECRET"),
        readonly_key: setting("PAIL_TEST_S3_READONLY_KEY"),
        readonly_secret: setting("PAIL_TEST_S3_READONLY_SECRET"),
    }
}

/// Access key and secret of an account of that server that may do nothing but what the policy
/// of a bucket allows.
///
/// # Panics
///
/// If there is none: other servers than SeaweedFS have no such account.
#[track_caller]
pub fn s3_limited() -> (String, String) {
    (
        setting("PAIL_TEST_S3_LIMITED_KEY"),
        setting("PAIL_TEST_S3_LIMITED_SECRET"),
    )
}

/// An Azure Blob service on loopback, for tests only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureService {
    /// Its URL, `http://127.0.0.1:<port>`; the account and containers are in the path.
    pub endpoint: String,
    /// The storage account.
    pub account: String,
    /// A container that is there already; tests share it, each under a prefix of its own.
    pub container: String,
    /// The account's key, which may do everything, even make containers.
    pub key: String,
    /// A shared access signature that may do all with files.
    pub sas: String,
    /// Another that may read and list.
    pub readonly_sas: String,
}

/// The Azure Blob service of this test run.
///
/// # Panics
///
/// If there is none, as for [`s3`].
#[track_caller]
pub fn azure() -> AzureService {
    AzureService {
        endpoint: setting("PAIL_TEST_AZURE_ENDPOINT"),
        account: setting("PAIL_TEST_AZURE_ACCOUNT"),
        container: setting("PAIL_TEST_AZURE_CONTAINER"),
        key: setting("PAIL_TEST_AZURE_KEY"),
        sas: setting("PAIL_TEST_AZURE_SAS"),
        readonly_sas: setting("PAIL_TEST_AZURE_READONLY_SAS"),
    }
}

/// The folders of git-lfs: the newest that the registries have, and Debian's.
///
/// # Panics
///
/// If they are not installed, as for [`s3`].
#[track_caller]
pub fn git_lfs() -> [PathBuf; 2] {
    ["PAIL_TEST_LFS", "PAIL_TEST_LFS_DEBIAN"].map(|name| setting(name).into())
}

#[track_caller]
fn setting(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) => value,
        Err(error) => panic!(
            "cannot find a server of the tests: {name}: {error}; \
             run `cargo xtask test`, or `cargo xtask services up` \
             and `eval \"$(cargo xtask env)\"` before `cargo nextest run`"
        ),
    }
}
