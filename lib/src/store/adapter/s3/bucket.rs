//! What the name of a bucket at Amazon stands for.

use crate::error::{Error, ErrorKind, Result};
use crate::store::options::is_region;

/// Whatever can stand where a bucket is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bucket {
    /// A bucket, or the alias of an access point, which is used like one.
    Named(String),
    /// An access point, by its ARN.
    AccessPoint {
        name: String,
        account: String,
        region: String,
    },
    /// A directory bucket of S3 Express One Zone, or an access point of one.
    Directory { name: String, zone: String },
}

impl Bucket {
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for what needs another protocol; [`ErrorKind::Invalid`]
    /// for an ARN that names no access point.
    pub(super) fn parse(name: &str) -> Result<Self> {
        if name.starts_with("arn:") {
            return arn(name);
        }
        let stem = name.strip_suffix("--x-s3");
        let stem = stem.or_else(|| name.strip_suffix("--xa-s3"));
        if let Some((_, zone)) = stem.and_then(|stem| stem.rsplit_once("--")) {
            return Ok(Self::Directory {
                name: name.to_owned(),
                zone: zone.to_owned(),
            });
        }
        for (suffix, what) in [
            ("--op-s3", "a bucket on an outpost"),
            ("--ol-s3", "an Object Lambda access point"),
            (".mrap", "a multi-region access point"),
        ] {
            if name.ends_with(suffix) {
                return Err(unsupported(what));
            }
        }
        Ok(Self::Named(name.to_owned()))
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

/// `arn:<partition>:s3:<region>:<account>:accesspoint/<name>`
fn arn(arn: &str) -> Result<Bucket> {
    let invalid = || {
        let what = "the ARN names no access point";
        Error::new(ErrorKind::Invalid, what)
            .with_hint("write s3://arn:aws:s3:<region>:<account>:accesspoint/<name>/<prefix>")
    };
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [_, _, service, region, account, resource] = parts.as_slice() else {
        return Err(invalid());
    };
    match *service {
        "s3" | "s3express" => {}
        "s3-object-lambda" => return Err(unsupported("an Object Lambda access point")),
        "s3-outposts" => return Err(unsupported("a bucket on an outpost")),
        _ => return Err(invalid()),
    }
    let name = resource.split_once(['/', ':']);
    let name = name.filter(|(kind, _)| *kind == "accesspoint");
    let (_, name) = name.ok_or_else(invalid)?;
    if region.is_empty() {
        return Err(unsupported("a multi-region access point"));
    }
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !digits || !is_region(region) || !(3..=50).contains(&name.len()) || !plain(name) {
        return Err(invalid());
    }
    Ok(Bucket::AccessPoint {
        name: (*name).to_owned(),
        account: (*account).to_owned(),
        region: (*region).to_owned(),
    })
}

fn unsupported(what: &str) -> Error {
    let text = format!("{what} cannot be used: its requests are signed and sent in another way");
    Error::new(ErrorKind::Unsupported, text).with_hint("name the bucket itself")
}
