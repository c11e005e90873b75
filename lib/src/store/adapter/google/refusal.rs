//! What Google's refusals mean. The codes are those of
//! <https://cloud.google.com/storage/docs/xml-api/reference-status>.

use super::answer::Asked;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::{code, element};
use crate::store::adapter::http::Refusal;

/// What went wrong, in our words where they say more, and what to do.
pub(super) fn explain(asked: &Asked<'_>, refusal: &Refusal) -> Error {
    let (code, status) = (code(refusal), refusal.status.as_u16());
    let meaning = meaning(asked, code.unwrap_or_default(), status);
    // The details name the right that is lacking, and say more than the message.
    let said = element(refusal, "Details").or_else(|| element(refusal, "Message"));
    asked.refused(refusal, meaning, code, said)
}

fn meaning(
    asked: &Asked<'_>,
    code: &str,
    status: u16,
) -> (ErrorKind, &'static str, Option<String>) {
    use ErrorKind::{Denied, Invalid, Missing, Unavailable, Unsupported};
    let hint = |text: &str| Some(text.to_owned());
    match (code, status) {
        ("NoSuchBucket", _) => (
            Missing,
            "no such bucket",
            hint("make the bucket first, or check its name"),
        ),
        ("NoSuchKey", _) => (Missing, "no such file", None),
        ("NoSuchUpload", _) => (Missing, "the upload has ended", None),
        ("UserProjectMissing", _) => (
            Invalid,
            "whoever asks must pay for this bucket",
            hint("name the project that pays: ?project=<name>"),
        ),
        ("UserProjectAccessDenied" | "UserProjectAccountProblem" | "UserProjectInvalid", _) => (
            Denied,
            "the project cannot pay",
            hint(
                "the account needs serviceusage.services.use on the project, which needs a billing account",
            ),
        ),
        ("AccountProblem" | "UserAccountProblem" | "BillingDisabled", _) => (
            Denied,
            "the bucket's project has a problem with its account",
            hint("look at its billing in Google's console"),
        ),
        ("ResourceIsEncryptedWithCustomerEncryptionKey", _) => (
            Denied,
            "the file is encrypted with a key that its writer keeps",
            hint("name that key: ?sse=customer&sse-customer-key-file=<path>"),
        ),
        ("CustomerEncryptionKeyIsIncorrect", _) => (
            Denied,
            "the file is encrypted with another key",
            hint("check the option sse-customer-key-file"),
        ),
        ("ResourceNotEncryptedWithCustomerEncryptionKey", _) => (
            Invalid,
            "the file is not encrypted with a key of your own",
            hint("leave out sse=customer"),
        ),
        (code, 400 | 403) if code.starts_with("CloudKms") => (
            Denied,
            "the key of Cloud KMS cannot be used",
            hint(
                "the bucket's service agent needs roles/cloudkms.cryptoKeyEncrypterDecrypter on it",
            ),
        ),
        (
            "ObjectUnderActiveHold"
            | "RetentionPolicyNotMet"
            | "ObjectLockedByBucketRetentionPolicy",
            _,
        ) => (
            Denied,
            "the bucket keeps this file from being changed",
            hint("keep retention policies and holds away from this prefix"),
        ),
        ("BadDigest" | "CrcMismatch" | "IncompleteBody" | "RequestTimeout", _) | (_, 408) => {
            (Unavailable, "it did not arrive whole", None)
        }
        ("InvalidRange", _) | (_, 416) => {
            (Invalid, "the range lies behind the end of the file", None)
        }
        ("EntityTooLarge", _) | (_, 413) => (Invalid, "it is too large for the service", None),
        (_, 401) => (
            Denied,
            "the service does not know the credentials",
            hint("sign in again: gcloud auth application-default login"),
        ),
        (_, 403) => (Denied, "access denied", Some(right(asked))),
        (_, 404) => (Missing, "not found", None),
        (_, 405 | 501) => (Unsupported, "the service cannot do this", None),
        ("SlowDown", 429) => (
            Unavailable,
            "the service asks for fewer requests",
            hint("Google takes about one write a second to one file; wait, and try again"),
        ),
        (_, 409 | 429 | 500..) => (Unavailable, "the service cannot do it now", None),
        _ => (Invalid, "the service refuses it", None),
    }
}

/// Which right is needed, and the smallest role that has it.
fn right(asked: &Asked<'_>) -> String {
    let (right, role) = match asked.act {
        Act::Look | Act::Read => ("storage.objects.get", "objectViewer"),
        Act::List => ("storage.objects.list", "objectViewer"),
        Act::Write => (
            "storage.objects.create, and storage.objects.delete to overwrite,",
            "objectUser",
        ),
        Act::ListParts => ("storage.multipartUploads.listParts", "objectUser"),
        Act::ListUploads => ("storage.multipartUploads.list", "objectUser"),
        Act::Delete => ("storage.objects.delete", "objectUser"),
        Act::Settings => ("storage.buckets.get", "legacyBucketReader"),
        // Nothing is brought back: what Google calls an archive is read at once.
        Act::Recall => ("storage.objects.update", "objectUser"),
        Act::Make => ("storage.buckets.create", "admin"),
    };
    let bucket = asked.location.bucket();
    format!(
        "the account needs {right} on the bucket {bucket}: the role roles/storage.{role} has it"
    )
}
