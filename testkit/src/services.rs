//! Where the services are that `cargo xtask test` starts.

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

#[track_caller]
fn setting(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) => value,
        Err(error) => panic!(
            "cannot find the S3 server of the tests: {name}: {error}; \
             run `cargo xtask test`, or `cargo xtask services up` \
             and `eval \"$(cargo xtask env)\"` before `cargo nextest run`"
        ),
    }
}
