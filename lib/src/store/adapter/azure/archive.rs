//! Files in the archive tier, asked back:
//! <https://learn.microsoft.com/en-us/rest/api/storageservices/set-blob-tier>.

use super::Azure;
use super::wire::{Call, Trouble, code};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Recall, Recalled, Speed};
use http::{Method, StatusCode};

/// Moves a blob to the tier "hot", where it stays: Azure has no copy that goes away again.
pub(super) async fn recall(store: &Azure, key: &Key, recall: Recall) -> Result<Recalled> {
    let asked = store.asked(Act::Recall, key.as_str());
    let name = store.name(key)?;
    let priority = match recall.speed {
        Speed::Usual | Speed::Slow => "Standard",
        Speed::Fast => "High",
    };
    let call = Call::new(Method::PUT, &name)
        .query("comp", "tier")
        .header("x-ms-access-tier", "Hot")
        .header("x-ms-rehydrate-priority", priority);
    match store.send_whole(call).await {
        Ok(answer) if answer.status() == StatusCode::ACCEPTED => Ok(Recalled::Asked),
        Ok(_) => Ok(Recalled::Here),
        Err(Trouble::Refused(refused)) if code(&refused) == Some("BlobBeingRehydrated") => {
            Ok(Recalled::Coming)
        }
        Err(trouble) => Err(asked.explain(trouble)),
    }
}
