//! The bucket, made:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>.

use super::raw::Call;
use super::{S3, refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::store::adapter::asked::Act;
use http::Method;

/// What the service says where there is such a bucket: whose it is, its first use tells.
const THERE: [&str; 2] = ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"];

/// Makes the bucket, in the region that requests are signed for.
pub(super) async fn create(store: &S3) -> Result<()> {
    let asked = store.asked(Act::Make, "");
    let open = store.opened().await?;
    if open.wire.is_directory() {
        let what = format!(
            "{} is a directory bucket, which is not made from here",
            asked.location
        );
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    let call = Call::new(Method::PUT, "", "").body(document(&open.wire.place().region));
    match call.send(open, &asked).await? {
        Ok(_) => Ok(()),
        Err(refused) if refusal::code(&refused).is_some_and(|code| THERE.contains(&code)) => Ok(()),
        Err(refused) => Err(refusal::explain(&asked, &refused)),
    }
}

/// The oldest region is the one that must not be named.
fn document(region: &str) -> String {
    match region {
        "us-east-1" => String::new(),
        region => format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_named_but_for_the_oldest() {
        // "CreateBucket": the constraint is left out for us-east-1.
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct CreateBucketConfiguration {
            location_constraint: String,
        }
        assert_eq!(document("us-east-1"), "");
        let read: CreateBucketConfiguration =
            quick_xml::de::from_str(&document("eu-west-1")).unwrap();
        assert_eq!(read.location_constraint, "eu-west-1");
    }
}
