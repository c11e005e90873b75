use super::*;
use crate::store::Location;
use std::collections::BTreeMap;

async fn find(url: &str, config: &str, vars: &[(&str, &str)]) -> Result<Settings> {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("config");
    std::fs::write(&file, config).expect("a file");
    let mut env: BTreeMap<_, _> = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    env.insert(
        "AWS_CONFIG_FILE".to_owned(),
        file.to_string_lossy().into_owned(),
    );
    let location = Location::parse(url).expect(url);
    let options = Options::gather(&location, []).expect(url);
    let Location::S3(location) = location else {
        panic!("{url}");
    };
    Settings::find(&location.with_profile(&options), &options, &env).await
}

async fn url(url: &str, config: &str, vars: &[(&str, &str)]) -> String {
    let settings = find(url, config, vars).await.expect("settings");
    format!("{} {}", settings.place.bucket_url, settings.place.region)
}

#[tokio::test]
async fn amazon_is_asked_where_the_region_is() {
    let config = "[default]\nregion = eu-west-1\n[profile far]\nregion=cn-north-1\n";
    for (text, vars, want) in [
        (
            "s3://team",
            &[][..],
            "https://team.s3.eu-west-1.amazonaws.com eu-west-1",
        ),
        (
            "s3://te.am",
            &[],
            "https://s3.eu-west-1.amazonaws.com/te.am eu-west-1",
        ),
        (
            "s3://team?addressing=path",
            &[],
            "https://s3.eu-west-1.amazonaws.com/team eu-west-1",
        ),
        (
            "s3://team?region=us-2",
            &[("AWS_REGION", "us-1")],
            "https://team.s3.us-2.amazonaws.com us-2",
        ),
        (
            "s3://team",
            &[("AWS_DEFAULT_REGION", "us-1")],
            "https://team.s3.us-1.amazonaws.com us-1",
        ),
        (
            "s3://far@team",
            &[],
            "https://team.s3.cn-north-1.amazonaws.com.cn cn-north-1",
        ),
        (
            "s3://team",
            &[("AWS_PROFILE", "far")],
            "https://team.s3.cn-north-1.amazonaws.com.cn cn-north-1",
        ),
    ] {
        assert_eq!(url(text, config, vars).await, want, "{text}");
    }
    assert_eq!(
        url("s3://team", "", &[]).await,
        "https://team.s3.us-east-1.amazonaws.com us-east-1"
    );
    let missing = find("s3://none@team", config, &[])
        .await
        .expect_err("an error");
    assert!(
        missing
            .hint()
            .is_some_and(|hint| hint.contains("default, far")),
        "{missing:?}"
    );
}

#[tokio::test]
async fn an_endpoint_comes_from_the_url_the_environment_or_the_profile() {
    let config =
        "[default]\nendpoint_url = https://profile.example/\ns3 =\n  addressing_style = virtual\n";
    let s3 = ("AWS_ENDPOINT_URL_S3", "https://env.example:9000");
    let any = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000");
    for (text, vars, want) in [
        (
            "s3://team/x",
            &[][..],
            "https://team.profile.example us-east-1",
        ),
        (
            "s3://team/x?addressing=path",
            &[],
            "https://profile.example/team us-east-1",
        ),
        (
            "s3://team/x?addressing=path",
            &[any, s3],
            "https://env.example:9000/team us-east-1",
        ),
        (
            "s3://team/x?addressing=path",
            &[any],
            "http://127.0.0.1:9000/team us-east-1",
        ),
        (
            "s3+https://host.example/team/x",
            &[any, s3],
            "https://host.example/team us-east-1",
        ),
        (
            "s3+https://team.host.example/x?addressing=virtual",
            &[],
            "https://team.host.example us-east-1",
        ),
        (
            "s3+http://[::1]:9000/team/x",
            &[],
            "http://[::1]:9000/team us-east-1",
        ),
        (
            "s3://team/x",
            &[any, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "https://team.s3.us-east-1.amazonaws.com us-east-1",
        ),
    ] {
        assert_eq!(url(text, config, vars).await, want, "{text}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_used_names_where_it_stands() {
    for (value, words) in [
        ("http://192.0.2.1", "plain HTTP"),
        ("ftp://x", "scheme"),
        ("nonsense", "no URL"),
        ("https://a:b@host", "scheme, host and port"),
    ] {
        let error = find("s3://team", "", &[("AWS_ENDPOINT_URL_S3", value)])
            .await
            .expect_err(value);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("AWS_ENDPOINT_URL_S3"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let vars = [("AWS_ENDPOINT_URL_S3", "http://192.0.2.1")];
    assert_eq!(
        url("s3://team?allow-http=true", "", &vars).await,
        "http://192.0.2.1/team us-east-1"
    );
    for hard in ["s3+https://xn--a/team", "s3+https://1.2.3.4.5/team"] {
        assert_eq!(
            find(hard, "", &[]).await.expect_err(hard).kind(),
            ErrorKind::Invalid
        );
    }
    assert!(
        find("s3://team", "", &[("AWS_REGION", "a/b")])
            .await
            .is_err()
    );
}
