//! What every S3 server of the tests has: the same bucket, the same accounts.

/// May do everything.
pub const ADMIN: Identity = Identity {
    name: "admin",
    key: "pail-test-admin",
    secret: "pail-test-admin-secret-5d41402abc4b2a76",
    actions: r#""Admin","Read","Write","List","Tagging""#,
};

/// May read and list.
pub const READ_ONLY: Identity = Identity {
    name: "reader",
    key: "pail-test-reader",
    secret: "pail-test-reader-secret-7d793037a0760186",
    actions: r#""Read","List""#,
};

/// May do nothing but what the policy of a bucket allows.
pub const LIMITED: Identity = Identity {
    name: "limited",
    key: "pail-test-limited",
    secret: "pail-test-limited-secret-9a0364b9e99bb480",
    actions: "",
};

/// A bucket that is there from the start; the admin may make more.
pub const BUCKET: &str = "pail-tests";

/// Who may sign requests.
#[derive(Debug)]
pub struct Identity {
    name: &'static str,
    /// The access key.
    pub key: &'static str,
    /// The secret that signs.
    pub secret: &'static str,
    actions: &'static str,
}

impl Identity {
    /// As SeaweedFS reads it.
    pub fn json(&self) -> String {
        let Self {
            name,
            key,
            secret,
            actions,
        } = self;
        format!(
            r#"{{"name":"{name}","credentials":[{{"accessKey":"{key}","secretKey":"{secret}"}}],"actions":[{actions}]}}"#
        )
    }
}

/// How the tests find the S3 server of their run, whichever it is, and AWS's own programs
/// with them.
pub fn settings(port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("PAIL_TEST_S3_ENDPOINT", format!("http://127.0.0.1:{port}")),
        ("PAIL_TEST_S3_PORT", port.to_string()),
        ("PAIL_TEST_S3_BUCKET", BUCKET.to_owned()),
        ("PAIL_TEST_S3_KEY", ADMIN.key.to_owned()),
        ("PAIL_TEST_S3_SECRET", ADMIN.secret.to_owned()),
        ("PAIL_TEST_S3_READONLY_KEY", READ_ONLY.key.to_owned()),
        ("PAIL_TEST_S3_READONLY_SECRET", READ_ONLY.secret.to_owned()),
        // A program that finds no credentials would ask the metadata address and wait.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", ADMIN.key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ADMIN.secret.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
    ]
}
