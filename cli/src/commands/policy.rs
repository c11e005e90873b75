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
    if write {
        files.extend([
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ]);
    }
    let mut statements = vec![
        json!({
            "Effect": "Allow",
            "Action": files,
            "Resource": format!("arn:aws:s3:::{bucket}/{below}"),
        }),
        json!({
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": format!("arn:aws:s3:::{bucket}"),
            "Condition": {"StringLike": {"s3:prefix": below}},
        }),
    ];
    if write {
        // This action knows no condition s3:prefix (Service Authorization Reference, "Actions
        // defined by Amazon S3"): with one it would never be allowed.
        statements.push(json!({
            "Effect": "Allow",
            "Action": ["s3:ListBucketMultipartUploads"],
            "Resource": format!("arn:aws:s3:::{bucket}"),
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
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

/// A custom role, and the condition of its binding. Lists are asked of the bucket, so that
/// names outside of the prefix can be seen.
fn google(bucket: &str, prefix: &str, write: bool) -> Value {
    let prefix = prefix.trim_matches('/');
    let condition = (!prefix.is_empty()).then(|| {
        let below = format!("projects/_/buckets/{bucket}/objects/{prefix}/");
        let below = below.replace('\\', "\\\\").replace('\'', "\\'");
        json!({
            "title": "below the prefix",
            "expression": format!(
                "resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith('{below}')"
            ),
        })
    });
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
        "condition": condition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_of_the_prefix_stands_with_actions_that_know_it_only() {
        let place = Location::parse("s3://bucket/team/repo").unwrap();
        let policy = policy(&place, Access::Write).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = statement["Action"].as_array().unwrap();
            let conditioned = statement.get("Condition").is_some();
            assert_eq!(conditioned, actions == &["s3:ListBucket"], "{statement}");
        }
        let place = Location::parse("gs://bucket/team/repo").unwrap();
        let policy = super::policy(&place, Access::Write).unwrap();
        let expression = policy["condition"]["expression"].as_str().unwrap();
        assert!(
            expression.contains("startsWith('projects/_/buckets/bucket/objects/team/repo/')"),
            "{expression}"
        );
        let place = Location::parse("gs://bucket").unwrap();
        assert_eq!(
            super::policy(&place, Access::Read).unwrap()["condition"],
            Value::Null
        );
    }

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
