//! What Azure's refusals mean. The codes are those of its lists of storage and of Blob
//! service error codes.

use super::answer::Asked;
use super::wire::code;
use crate::error::{Error, ErrorKind};
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::element;
use crate::store::adapter::http::Refusal;

/// What went wrong, in our words where they say more, and what to do.
pub(super) fn explain(asked: &Asked<'_>, refusal: &Refusal) -> Error {
    let (code, status) = (code(refusal), refusal.status.as_u16());
    let meaning = meaning(asked, code.unwrap_or_default(), status);
    // Behind the first line stand the id of the request and the time.
    let said = element(refusal, "Message").and_then(|text| text.lines().next());
    asked.refused(refusal, meaning, code, said)
}

fn meaning(
    asked: &Asked<'_>,
    code: &str,
    status: u16,
) -> (ErrorKind, &'static str, Option<&'static str>) {
    use ErrorKind::{Archived, Denied, Invalid, Missing, Unavailable, Unsupported};
    match (code, status) {
        ("ContainerNotFound", _) => (
            Missing,
            "no such container",
            Some("make the container first, or check its name and the account's"),
        ),
        ("BlobNotFound", _) => (Missing, "no such file", None),
        ("ContainerBeingDeleted" | "ContainerDisabled" | "AccountBeingCreated", _) => {
            (Unavailable, "the container is not ready", None)
        }
        ("AuthenticationFailed" | "AuthorizationFailure" | "InvalidAuthenticationInfo", _) => (
            Denied,
            "the credentials are wrong, or no longer good",
            Some(
                "check the key or the shared access signature, its times, the clock of this \
                 machine, and the account's network rules",
            ),
        ),
        ("NoAuthenticationInformation" | "PublicAccessNotPermitted", _) | ("", 401) => (
            Denied,
            "the service wants credentials",
            Some(
                "leave out the option anonymous, and set AZURE_STORAGE_KEY or sign in with az login",
            ),
        ),
        (
            "AuthorizationPermissionMismatch"
            | "InsufficientAccountPermissions"
            | "AuthorizationServiceMismatch"
            | "AuthorizationResourceTypeMismatch",
            _,
        ) => (Denied, "access denied", Some(right(asked.act))),
        ("AuthorizationProtocolMismatch" | "AuthorizationSourceIPMismatch", _) => (
            Denied,
            "the shared access signature is not for this way in",
            Some("it allows other addresses or another protocol: make another one"),
        ),
        ("KeyBasedAuthenticationNotPermitted", _) => (
            Denied,
            "the account takes no keys",
            Some("sign in with az login, or use a managed identity or a service principal"),
        ),
        ("AccountIsDisabled", _) => (Denied, "the account is switched off", None),
        (
            "LeaseIdMissing"
            | "LeaseIdMismatchWithBlobOperation"
            | "LeaseAlreadyPresent"
            | "LeaseIdMismatchWithContainerOperation",
            _,
        ) => (
            Denied,
            "somebody holds a lease on it",
            Some("wait for its end, or break it: az storage blob lease break"),
        ),
        ("BlobImmutableDueToPolicy" | "BlobImmutableDueToLegalHold", _) => (
            Denied,
            "a policy of the container forbids to change it",
            Some("git pail rewrites one file with every push: exempt this prefix from the policy"),
        ),
        ("BlobArchived" | "BlobBeingRehydrated", _) => (
            Archived,
            "the file lies in an archive",
            Some(
                "move it to another tier first (az storage blob set-tier), and keep lifecycle \
                 rules away from this prefix",
            ),
        ),
        (
            "BlobUsesCustomerSpecifiedEncryption" | "BlobDoesNotUseCustomerSpecifiedEncryption",
            _,
        ) => (Denied, "it is encrypted with another key", None),
        ("InvalidBlobType", _) => (
            Invalid,
            "it is no block blob",
            Some("another program has written it"),
        ),
        ("InvalidBlobOrBlock", _) => (
            Invalid,
            "another program has begun to upload it",
            Some("git pail doctor lists what was begun, and throws it away"),
        ),
        ("InvalidBlockList", _) => (Missing, "the upload has ended", None),
        ("RequestBodyTooLarge" | "BlockCountExceedsLimit" | "BlockListTooLong", _) | (_, 413) => {
            (Invalid, "it is too large for the service", None)
        }
        ("InvalidRange", _) | (_, 416) => {
            (Invalid, "the range lies behind the end of the file", None)
        }
        ("FeatureVersionMismatch" | "UnsupportedHttpVerb" | "UnsupportedHeader", _)
        | (_, 405 | 501) => (
            Unsupported,
            "the service cannot do this",
            Some("git pail doctor tells what the service lacks"),
        ),
        (
            "ServerBusy" | "InternalError" | "OperationTimedOut" | "Md5Mismatch"
            | "IngressOverLimit" | "EgressOverLimit" | "TooManyRequests",
            _,
        )
        | ("", 408 | 429) => (Unavailable, "the service cannot do it now", None),
        (_, 401 | 403) => (Denied, "access denied", Some(right(asked.act))),
        (_, 404) => (Missing, "not found", None),
        (_, 409 | 429 | 500..) => (Unavailable, "the service cannot do it now", None),
        _ => (Invalid, "the service refuses it", None),
    }
}

/// Which right is needed: that of a role, and that of a shared access signature.
fn right(act: Act) -> &'static str {
    match act {
        Act::Look | Act::Read | Act::ListParts => {
            "the role Storage Blob Data Reader is needed, or a shared access signature with r"
        }
        Act::List | Act::ListUploads => {
            "the role Storage Blob Data Reader is needed, or a shared access signature with r and \
             l for the container"
        }
        Act::Write => {
            "the role Storage Blob Data Contributor is needed, or a shared access signature with \
             r, w and c"
        }
        Act::Settings => "the role Storage Blob Data Reader is needed, or the account's key",
        Act::Recall => {
            "the role Storage Blob Data Contributor is needed, or a shared access signature with w"
        }
        Act::Make => "the role Storage Blob Data Contributor for the account is needed, or its key",
        Act::Delete => {
            "the role Storage Blob Data Contributor is needed, or a shared access signature with \
             w and d"
        }
    }
}
