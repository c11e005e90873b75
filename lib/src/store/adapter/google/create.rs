//! The bucket, made: <https://cloud.google.com/storage/docs/xml-api/put-bucket-create>.

use super::Google;
use super::wire::{Call, Trouble};
use crate::error::{ErrorKind, Result};
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::code;
use http::Method;

/// What the service says where there is such a bucket: whose it is, its first use tells.
const THERE: [&str; 2] = ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"];

/// Makes the bucket, where the project has its buckets.
pub(super) async fn create(store: &Google) -> Result<()> {
    let asked = store.asked(Act::Make, "");
    let Some(project) = store.settings().await?.project() else {
        let error = asked.error(ErrorKind::Invalid, "no project is named that it belongs to");
        return Err(error.with_hint("add ?project=<name> to the URL, or make the bucket first"));
    };
    let call = Call::new(Method::PUT, "").header("x-goog-project-id", project);
    match store.send_whole(call).await {
        Ok(_) => Ok(()),
        Err(Trouble::Refused(refused))
            if code(&refused).is_some_and(|code| THERE.contains(&code)) =>
        {
            Ok(())
        }
        Err(trouble) => Err(asked.explain(trouble)),
    }
}
