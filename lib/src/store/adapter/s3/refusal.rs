//! What S3's refusals mean. The codes are those of its list of error responses, and a few
//! that other services add.

use super::answer::Asked;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::{element, is_code, one_line, unescape};
use crate::store::adapter::http::Refusal;

/// S3's name for what is wrong, such as `KMS.DisabledException`.
pub(super) fn code(refusal: &Refusal) -> Option<&str> {
    element(refusal, "Code").filter(|code| is_code(code, "."))
}

/// What went wrong, in our words where they say more, and what to do.
pub(super) fn explain(asked: &Asked<'_>, refusal: &Refusal) -> Error {
    let (code, status) = (code(refusal), refusal.status.as_u16());
    let meaning = meaning(asked, refusal, code.unwrap_or_default(), status);
    asked.refused(refusal, meaning, code, element(refusal, "Message"))
}

fn meaning(
    asked: &Asked<'_>,
    refusal: &Refusal,
    code: &str,
    status: u16,
) -> (ErrorKind, &'static str, Option<String>) {
    use ErrorKind::{Archived, Denied, Invalid, Missing, Unavailable, Unsupported};
    let hint = |text: &str| Some(text.to_owned());
    match (code, status) {
        ("NoSuchBucket", _) => (
            Missing,
            "no such bucket",
            hint("make the bucket first, or check its name and the endpoint"),
        ),
        ("NoSuchKey", _) => (Missing, "no such file", None),
        ("NoSuchUpload", _) => (Missing, "the upload has ended", None),
        ("InvalidAccessKeyId", _) => (
            Denied,
            "the service does not know the access key",
            hint("check the access key, and that it belongs to this service"),
        ),
        ("SignatureDoesNotMatch", _) => (
            Denied,
            "the secret key is wrong",
            hint("check the secret key; it may have lost a character when it was copied"),
        ),
        ("ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" | "ExpiredTokenException", _) => {
            (
                Denied,
                "the session has ended",
                hint("sign in again to get new credentials"),
            )
        }
        ("RequestTimeTooSkewed" | "RequestExpired", _) => (
            Denied,
            "the clock of this machine is wrong",
            Some(clocks(refusal)),
        ),
        (
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "IllegalLocationConstraintException"
            | "IncorrectEndpoint"
            | "InvalidRegionName",
            _,
        )
        | ("", 301 | 302 | 307 | 308) => (
            Invalid,
            "the bucket lies in another region",
            Some(region_hint(refusal)),
        ),
        ("AuthorizationHeaderMalformed", _) if region(refusal).is_some() => (
            Invalid,
            "the request was signed for another region",
            Some(region_hint(refusal)),
        ),
        ("", 400) if header_region(refusal).is_some() => (
            Invalid,
            "the request was refused, perhaps for its region",
            Some(region_hint(refusal)),
        ),
        ("QuotaExceeded" | "ServiceQuotaExceeded" | "XMinioStorageFull" | "StorageFull", _)
        | (_, 507) => (
            Denied,
            "the bucket is full",
            hint("make room, or raise the quota"),
        ),
        ("AccessControlListNotSupported", _) => (
            Unsupported,
            "the bucket takes no access control lists",
            hint("leave out the option acl: a bucket policy says who may read"),
        ),
        (code, _) if code.starts_with("KMS.") => (
            Denied,
            "the key service does not give the key",
            hint(
                "check that the key is there, enabled, in the bucket's region, and that its policy allows kms:GenerateDataKey and kms:Decrypt",
            ),
        ),
        ("AccessDenied", _) if says(refusal, "kms:") => (
            Denied,
            "the key service does not give the key",
            hint("the key's policy must allow kms:GenerateDataKey and kms:Decrypt"),
        ),
        ("InvalidRequest", _) if says(refusal, "Server Side Encryption") => (
            Invalid,
            "the file is encrypted with a key that was not sent",
            hint("name the key's file with the options sse=customer and sse-customer-key-file"),
        ),
        ("InvalidStorageClass", _) => (
            Invalid,
            "the service does not know the storage class",
            hint("the option storage-class has the service's own words, such as STANDARD_IA"),
        ),
        // The same code says that there is nothing to bring back.
        ("InvalidObjectState", _) if asked.act == Act::Recall => {
            (Invalid, "it does not lie in an archive", None)
        }
        ("InvalidObjectState", _) => (
            Archived,
            "the file lies in an archive",
            hint(
                "restore it from the archive first, and keep lifecycle rules away from this prefix",
            ),
        ),
        (
            "SlowDown"
            | "ServiceUnavailable"
            | "InternalError"
            | "RequestTimeout"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "BadDigest"
            | "IncompleteBody"
            | "XAmzContentSHA256Mismatch"
            | "OperationAborted"
            | "ConditionalRequestConflict",
            _,
        )
        | ("", 408 | 409 | 429) => (Unavailable, "the service cannot do it now", None),
        ("NotImplemented" | "MethodNotAllowed", _) | (_, 405 | 501) => (
            Unsupported,
            "the service cannot do this",
            hint("git pail doctor tells what the service lacks"),
        ),
        ("EntityTooLarge" | "MaxMessageLengthExceeded", _) | (_, 413) => {
            (Invalid, "it is too large for the service", None)
        }
        ("InvalidRange", _) | (_, 416) => {
            (Invalid, "the range lies behind the end of the file", None)
        }
        (
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "InvalidPayer"
            | "NotSignedUp",
            _,
        )
        | (_, 401 | 403) => (Denied, "access denied", Some(right(asked))),
        (_, 404) => (Missing, "not found", None),
        (_, 409 | 429 | 500..) => (Unavailable, "the service cannot do it now", None),
        _ => (Invalid, "the service refuses it", None),
    }
}

/// Whether the service's own words hold some others.
fn says(refusal: &Refusal, words: &str) -> bool {
    element(refusal, "Message").is_some_and(|message| message.contains(words))
}

/// Which right is needed, in the words of a bucket policy.
fn right(asked: &Asked<'_>) -> String {
    let (bucket, prefix) = (asked.location.bucket(), asked.location.prefix());
    let slash = if prefix.is_empty() { "" } else { "/" };
    let files = format!("{bucket}/{prefix}{slash}*");
    match asked.act {
        Act::Look | Act::Read => format!(
            "the bucket's policy must allow s3:GetObject on {files} and s3:ListBucket on {bucket} \
             (without it a file that is not there is denied, too)"
        ),
        Act::Write => format!("the bucket's policy must allow s3:PutObject on {files}"),
        Act::List => format!("the bucket's policy must allow s3:ListBucket on {bucket}"),
        Act::ListParts => {
            format!("the bucket's policy must allow s3:ListMultipartUploadParts on {files}")
        }
        Act::ListUploads => {
            format!("the bucket's policy must allow s3:ListBucketMultipartUploads on {bucket}")
        }
        Act::Delete => format!("the bucket's policy must allow s3:DeleteObject on {files}"),
        Act::Recall => format!("the bucket's policy must allow s3:RestoreObject on {files}"),
        Act::Make => format!("the account's policy must allow s3:CreateBucket on {bucket}"),
        Act::Settings => format!(
            "the bucket's policy must allow s3:GetLifecycleConfiguration, s3:GetBucketVersioning \
             and s3:GetBucketObjectLockConfiguration on {bucket}"
        ),
    }
}

fn header_region(refusal: &Refusal) -> Option<&str> {
    let value = refusal.headers.get("x-amz-bucket-region")?;
    value
        .to_str()
        .ok()
        .filter(|text| crate::store::options::is_region(text))
}

pub(super) fn region(refusal: &Refusal) -> Option<&str> {
    let named = element(refusal, "Region").or_else(|| element(refusal, "BucketRegion"));
    header_region(refusal).or(named.filter(|text| crate::store::options::is_region(text)))
}

fn region_hint(refusal: &Refusal) -> String {
    let host = element(refusal, "Endpoint");
    let host = host.filter(|host| host.len() < 256 && host.chars().all(|c| c.is_ascii_graphic()));
    match (region(refusal), host) {
        (Some(region), _) => format!("add ?region={region} to the URL, or set AWS_REGION={region}"),
        (None, Some(host)) => {
            format!("the service says to use {host}; add its region to the URL: ?region=<name>")
        }
        (None, None) => "add the bucket's region to the URL: ?region=<name>".to_owned(),
    }
}

fn clocks(refusal: &Refusal) -> String {
    let time = |name| element(refusal, name).map(|text| one_line(&unescape(text)));
    match (time("RequestTime"), time("ServerTime")) {
        (Some(ours), Some(theirs)) => {
            format!("set the clock: it is {theirs} there, and the request said {ours}")
        }
        _ => "set the clock of this machine".to_owned(),
    }
}
