//! The least rights that reading and writing need, as each cloud writes them.

use super::stop::invalid;
use pail::Result;
use pail::store::Location;
use serde_json::{Value, json};

/// What is to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Access {
    /// Clone, fetch, ls-remote, fsck.
    Read,
    /// All of that; push, maintenance, doctor.
    Write,
}

/// The policy for a place.
///
/// # Errors
///
/// [`pail::ErrorKind::Invalid`] for a folder, which has none.
pub(super) fn policy(location: &Location, access: Access) -> Result<Value> {
    let write = access == Access::Write;
    match location {
        Location::S3(place) => Ok(s3(place.bucket(), place.prefix(), write)),
        Location::Azure(place) => Ok(azure(place.account(), place.container(), write)),
        Location::Google(place) => Ok(google(place.bucket(), place.prefix(), write)),
        _ => Err(invalid(
            "a folder has no policy",
            "the rights of the file system decide: who pushes must be able to write the folder",
        )),
    }
}

/// An IAM policy. Listing is needed by readers, too: without it S3 answers "forbidden" for a
/// manifest that is not there.
fn s3(bucket: &str, prefix: &str, write: bool) -> Value {
    let prefix = prefix.trim_matches('/');
    let below = if prefix.is_empty() {
        "*".to_owned()
    } else {
        format!("{prefix}/*")
    };
    let mut files = vec!["s3:GetObject"];
    let mut lists = vec!["s3:ListBucket"];
    if write {
        files.extend([
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ]);
        lists.push("s3:ListBucketMultipartUploads");
    }
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": files,
                "Resource": format!("arn:aws:s3:::{bucket}/{below}"),
            },
            {
                "Effect": "Allow",
                "Action": lists,
                "Resource": format!("arn:aws:s3:::{bucket}"),
                "Condition": {"StringLike": {"s3:prefix": below}},
            },
        ],
    })
}

/// A role definition for one container. Azure has no rights below that.
fn azure(account: &str, container: &str, write: bool) -> Value {
    const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    let mut actions = vec![format!("{BLOBS}/read")];
    if write {
        actions.extend(["write", "add/action", "delete"].map(|verb| format!("{BLOBS}/{verb}")));
    }
    json!({
        "Name": if write { "git-pail writer" } else { "git-pail reader" },
        "IsCustom": true,
        "Description": format!("What git-pail needs in {account}/{container}"),
        "Actions": [],
        "DataActions": actions,
        "AssignableScopes": [format!(
            "/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.Storage/storageAccounts/{account}/blobServices/default/containers/{container}"
        )],
    })
}

/// A custom role, and the condition of its binding.
fn google(bucket: &str, prefix: &str, write: bool) -> Value {
    let mut permissions = vec!["storage.objects.get", "storage.objects.list"];
    if write {
        permissions.extend([
            "storage.objects.create",
            "storage.objects.delete",
            "storage.multipartUploads.abort",
            "storage.multipartUploads.create",
            "storage.multipartUploads.list",
            "storage.multipartUploads.listParts",
        ]);
    }
    json!({
        "role": {
            "title": if write { "git-pail writer" } else { "git-pail reader" },
            "includedPermissions": permissions,
        },
        "bindTo": format!("projects/_/buckets/{bucket}"),
        "prefix": prefix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_may_not_write_and_neither_may_leave_the_prefix() {
        let place = Location::parse("s3://bucket/team/repo").unwrap();
        let text = |access| policy(&place, access).unwrap().to_string();
        let (read, write) = (text(Access::Read), text(Access::Write));
        for one in [&read, &write] {
            assert!(one.contains("arn:aws:s3:::bucket/team/repo/*"), "{one}");
            assert!(one.contains(r#""s3:prefix":"team/repo/*""#), "{one}");
        }
        assert!(!read.contains("Put") && !read.contains("Delete"), "{read}");
        assert!(write.contains("s3:PutObject") && write.contains("s3:DeleteObject"));
        let folder = Location::parse("/tmp/x").unwrap();
        assert!(policy(&folder, Access::Read).is_err());
    }
}
