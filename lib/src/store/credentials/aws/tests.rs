mod services;

use super::*;
use crate::store::Location;
use crate::store::credentials::kept::MARGIN;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A home with these files, and these variables; the metadata service stays off.
fn source(
    url: &str,
    files: &[(&str, &str)],
    vars: &[(&str, &str)],
) -> (Source, Arc<Hand>, TempDir) {
    source_by(Way::default(), url, files, vars)
}

/// The same, on this way to services elsewhere.
fn source_by(
    way: Way,
    url: &str,
    files: &[(&str, &str)],
    vars: &[(&str, &str)],
) -> (Source, Arc<Hand>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    fs::create_dir_all(home.join(".aws/sso/cache")).expect("folders");
    for (name, text) in files {
        let text = text.replace("HOME", &home.to_string_lossy());
        fs::write(home.join(".aws").join(name), text).expect("a file");
    }
    let mut env: BTreeMap<_, _> = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    env.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
    env.entry("AWS_EC2_METADATA_DISABLED".to_owned())
        .or_insert_with(|| "true".to_owned());
    let Ok(Location::S3(location)) = Location::parse(url) else {
        panic!("{url}");
    };
    let clock = Arc::new(Hand::default());
    let source = Source::new(
        location,
        way,
        Arc::new(env),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    (source, clock, folder)
}

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "envid"),
    ("AWS_SECRET_ACCESS_KEY", "hush"),
];

const CREDENTIALS: &str = "[default]\naws_access_key_id = defid\naws_secret_access_key = hush\n\
    [work]\naws_access_key_id=workid\naws_secret_access_key=hush\naws_session_token=tok\n";

async fn id(url: &str, files: &[(&str, &str)], vars: &[(&str, &str)]) -> String {
    let (source, _, _home) = source(url, files, vars);
    source
        .get()
        .await
        .expect("credentials")
        .credential
        .id
        .clone()
}

async fn failure(url: &str, files: &[(&str, &str)], vars: &[(&str, &str)]) -> (ErrorKind, String) {
    let (source, _, _home) = source(url, files, vars);
    let error = source.get().await.expect_err("an error");
    (
        error.kind(),
        format!("{error} / {}", error.hint().unwrap_or_default()),
    )
}

#[tokio::test]
async fn the_first_source_in_order_wins() {
    let files = [("credentials", CREDENTIALS)];
    assert_eq!(
        id("s3+http://urlid:hush@127.0.0.1/team", &files, &KEYS).await,
        "urlid"
    );
    assert_eq!(id("s3://team", &files, &KEYS).await, "envid");
    assert_eq!(id("s3://team", &files, &[]).await, "defid");
    assert_eq!(id("s3://work@team", &files, &KEYS).await, "workid");
    assert_eq!(
        id("s3://team", &files, &[("AWS_PROFILE", "work")]).await,
        "workid"
    );
    let config = "[profile other]\naws_access_key_id = otherid\naws_secret_access_key = hush\n";
    assert_eq!(
        id("s3://other@team", &[("config", config)], &KEYS).await,
        "otherid"
    );
}

#[tokio::test]
async fn nothing_found_says_what_was_tried() {
    let (kind, text) = failure("s3://team/x", &[], &[]).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(
        text.starts_with("no credentials found for s3://team/x"),
        "{text}"
    );
    assert!(
        text.contains("AWS_ACCESS_KEY_ID") && text.contains("switched off"),
        "{text}"
    );
}

#[tokio::test]
async fn half_a_key_is_a_mistake() {
    let (kind, text) = failure("s3://team", &[], &KEYS[..1]).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.contains("AWS_SECRET_ACCESS_KEY is not set"), "{text}");
    let odd = [
        ("AWS_ACCESS_KEY_ID", "a\u{7}b"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let (kind, text) = failure("s3://team", &[], &odd).await;
    assert_eq!((kind, text.contains("hush")), (ErrorKind::Invalid, false));
}

#[tokio::test]
async fn a_profile_that_is_not_there_names_those_that_are() {
    let files = [("credentials", CREDENTIALS)];
    let (kind, text) = failure("s3://wrok@team", &files, &KEYS).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.contains("default, work"), "{text}");
}

#[tokio::test]
async fn a_role_that_asks_for_a_code_says_how_to_get_there() {
    let config = "[profile r]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n\
        mfa_serial = arn:aws:iam::1:mfa/me\n";
    let (kind, text) = failure("s3://r@team", &[("config", config)], &[]).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(text.contains("export-credentials --profile r"), "{text}");
}

#[tokio::test]
async fn a_profile_that_cannot_be_meant_says_why() {
    let role = "role_arn = arn:aws:iam::1:role/x\n";
    for (lines, why) in [
        ("", "neither source_profile nor credential_source"),
        (
            "source_profile = b\ncredential_source = Environment\n",
            "both",
        ),
        ("credential_source = Moon\n", "'Moon' is none of"),
        ("source_profile = b\n", "p → b → p"),
        ("source_profile = c\n", "no profile 'c'"),
        ("source_profile = d\n", "no credentials"),
        (
            "source_profile = p\nduration_seconds = long\n",
            "duration_seconds",
        ),
    ] {
        let config = format!(
            "[profile p]\n{role}{lines}[profile b]\n{role}source_profile = p\n[profile d]\nregion = x\n"
        );
        let (_, text) = failure("s3://p@team", &[("config", &config)], &[]).await;
        assert!(text.contains(why), "{why}: {text}");
    }
}

#[tokio::test]
async fn a_single_sign_on_that_ran_out_says_so() {
    let config = "[profile s]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = dev\n\
        [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
    let (kind, text) = failure("s3://s@team", &[("config", config)], &[]).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(text.contains("aws sso login --profile s"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_credential_process_is_asked_again_before_its_answer_ends() {
    let config = "[profile p]\ncredential_process = sh HOME/.aws/give.sh\n";
    let script = "echo x >> HOME/.aws/calls\necho '{\"Version\":1,\"AccessKeyId\":\"pid\",\
        \"SecretAccessKey\":\"hush\",\"SessionToken\":\"t\",\"Expiration\":\"1970-01-01T01:00:00Z\"}'\n";
    let (source, clock, home) = source(
        "s3://p@team",
        &[("config", config), ("give.sh", script)],
        &[],
    );
    let calls = || {
        fs::read_to_string(home.path().join(".aws/calls"))
            .expect("calls")
            .lines()
            .count()
    };
    for (now, want) in [(0, 1), (3000, 1), (3600 - MARGIN, 2)] {
        clock.0.store(now, Ordering::Relaxed);
        let found = source.get().await.expect("credentials");
        assert_eq!((found.credential.id.as_str(), calls()), ("pid", want));
    }
}

#[test]
fn profiles_are_read_as_the_aws_tools_write_them() {
    let mut profiles = Profiles::default();
    profiles.add(
        "# mine\n[default]\nregion=us-west-2 # west\n\n[profile minio]\nendpoint_url = http://x:1\n\
         services = local\ns3 =\n  addressing_style = virtual\nregion = eu-1\n\
         [services local]\ns3 = \n  endpoint_url = http://y:2\n",
    );
    profiles.add("[minio]\naws_access_key_id = a\naws_secret_access_key = hush\nregion = other\n");
    let minio = profiles.get("minio").expect("a profile");
    assert_eq!(minio.value("region"), Some("eu-1"));
    assert_eq!(minio.value("s3.addressing_style"), Some("virtual"));
    let secret = minio.secret("aws_secret_access_key");
    assert_eq!(secret.map(Secret::reveal), Some("hush"));
    assert_eq!(profiles.endpoint("minio"), Some("http://y:2"));
    let default = profiles.get("default").expect("a profile");
    assert_eq!(default.value("region"), Some("us-west-2"));
    assert!(!format!("{profiles:?}").contains("hush"));
}
