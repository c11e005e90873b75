use super::*;
use crate::store::Location;

fn url(bucket: &str, region: &str, query: &str) -> Result<String> {
    let location = Location::parse(&format!("s3://team?{query}"))?;
    let options = Options::gather(&location, [])?;
    address(&Bucket::parse(bucket)?, region, &options)
}

#[test]
fn addresses_are_those_of_amazons_documents() {
    const POINT: &str = "arn:aws:s3:us-west-2:123456789012:accesspoint/finance-docs";
    const DIRECTORY: &str = "bucket-base-name--usw2-az1--x-s3";
    for (bucket, region, query, want) in [
        // S3 User Guide, "Virtual hosting of general purpose buckets".
        (
            "amzn-s3-demo-bucket1",
            "us-west-2",
            "",
            "https://amzn-s3-demo-bucket1.s3.us-west-2.amazonaws.com",
        ),
        (
            "amzn-s3-demo-bucket1",
            "us-west-2",
            "addressing=path",
            "https://s3.us-west-2.amazonaws.com/amzn-s3-demo-bucket1",
        ),
        (
            "example.com",
            "eu-west-1",
            "",
            "https://s3.eu-west-1.amazonaws.com/example.com",
        ),
        // "Using dual-stack endpoints from the REST API".
        (
            "bucketname",
            "us-west-2",
            "dual-stack=yes",
            "https://bucketname.s3.dualstack.us-west-2.amazonaws.com",
        ),
        (
            "bucketname",
            "us-west-2",
            "dual-stack=yes&addressing=path",
            "https://s3.dualstack.us-west-2.amazonaws.com/bucketname",
        ),
        // AWS General Reference, "Amazon S3 endpoints and quotas"; "FIPS endpoints".
        (
            "team",
            "us-east-2",
            "fips=yes",
            "https://team.s3-fips.us-east-2.amazonaws.com",
        ),
        (
            "team",
            "us-east-2",
            "fips=yes&dual-stack=yes",
            "https://team.s3-fips.dualstack.us-east-2.amazonaws.com",
        ),
        (
            "team",
            "us-gov-west-1",
            "",
            "https://team.s3.us-gov-west-1.amazonaws.com",
        ),
        (
            "team",
            "us-gov-east-1",
            "fips=yes",
            "https://team.s3-fips.us-gov-east-1.amazonaws.com",
        ),
        (
            "team",
            "cn-northwest-1",
            "dual-stack=yes",
            "https://team.s3.dualstack.cn-northwest-1.amazonaws.com.cn",
        ),
        (
            "team",
            "eusc-de-east-1",
            "",
            "https://team.s3.eusc-de-east-1.amazonaws.eu",
        ),
        // "Configuring fast, secure file transfers using Transfer Acceleration".
        (
            "bucketname",
            "eu-west-1",
            "accelerate=yes",
            "https://bucketname.s3-accelerate.amazonaws.com",
        ),
        (
            "bucketname",
            "eu-west-1",
            "accelerate=yes&dual-stack=yes",
            "https://bucketname.s3-accelerate.dualstack.amazonaws.com",
        ),
        // "Using access points": finance-docs of account 123456789012 in us-west-2.
        (
            POINT,
            "us-west-2",
            "",
            "https://finance-docs-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
        ),
        (
            POINT,
            "us-west-2",
            "fips=yes&dual-stack=yes",
            "https://finance-docs-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com",
        ),
        // "Access point aliases".
        (
            "my-access-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
            "us-west-2",
            "",
            "https://my-access-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias.s3.us-west-2.amazonaws.com",
        ),
        // "Regional and Zonal endpoints for directory buckets".
        (
            DIRECTORY,
            "us-west-2",
            "",
            "https://bucket-base-name--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
        ),
    ] {
        assert_eq!(url(bucket, region, query).expect(bucket), want);
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    const POINT: &str = "arn:aws:s3:us-west-2:123456789012:accesspoint/finance-docs";
    for (bucket, query) in [
        ("te.am", "accelerate=yes"),
        ("team", "accelerate=yes&fips=yes"),
        ("team", "accelerate=yes&addressing=path"),
        (POINT, "addressing=path"),
        (POINT, "accelerate=yes"),
        ("team--usw2-az1--x-s3", "accelerate=yes"),
        ("team--usw2-az1--x-s3", "addressing=path"),
    ] {
        let error = url(bucket, "us-west-2", query).expect_err(query);
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn arns_are_taken_apart() {
    let point = Bucket::parse("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/test");
    let want = Bucket::AccessPoint {
        name: "test".to_owned(),
        account: "123456789012".to_owned(),
        region: "cn-north-1".to_owned(),
    };
    assert_eq!(point.expect("an access point"), want);
    for (arn, kind) in [
        ("arn:aws:s3:::team", ErrorKind::Invalid),
        ("arn:aws:s3:us-west-2:12:accesspoint/x", ErrorKind::Invalid),
        (
            "arn:aws:s3:us-west-2:123456789012:accesspoint/a.b",
            ErrorKind::Invalid,
        ),
        (
            "arn:aws:iam::123456789012:accesspoint/test",
            ErrorKind::Invalid,
        ),
        ("arn:aws:s3", ErrorKind::Invalid),
        (
            "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
            ErrorKind::Unsupported,
        ),
        (
            "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/test",
            ErrorKind::Unsupported,
        ),
        ("team--op-s3", ErrorKind::Unsupported),
    ] {
        assert_eq!(Bucket::parse(arn).expect_err(arn).kind(), kind, "{arn}");
    }
}
