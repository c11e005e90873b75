//! Files in an archive, asked back:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html>.

use super::raw::Call;
use super::{S3, refusal};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::{Recall, Recalled, Speed};
use http::{Method, StatusCode};

/// Asks for a copy that can be read for some days.
pub(super) async fn recall(store: &S3, key: &Key, recall: Recall) -> Result<Recalled> {
    let asked = store.asked(Act::Recall, key.as_str());
    let path = store.path(key)?;
    let open = store.opened().await?;
    let call = Call::new(Method::POST, path.as_ref(), "restore=").body(document(recall));
    match call.send(open, &asked).await? {
        Ok(answer) if answer.status() == StatusCode::ACCEPTED => Ok(Recalled::Asked),
        Ok(_) => Ok(Recalled::Here),
        Err(refused) if refusal::code(&refused) == Some("RestoreAlreadyInProgress") => {
            Ok(Recalled::Coming)
        }
        Err(refused) => Err(refusal::explain(&asked, &refused)),
    }
}

fn document(recall: Recall) -> String {
    let tier = match recall.speed {
        Speed::Usual => "Standard",
        Speed::Slow => "Bulk",
        Speed::Fast => "Expedited",
    };
    format!(
        "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>{}</Days>\
         <GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters></RestoreRequest>",
        recall.days
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_that_of_restoring_an_object() {
        // "RestoreObject", request syntax and the example of a restore for ten days.
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct RestoreRequest {
            days: u32,
            glacier_job_parameters: Parameters,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Parameters {
            tier: String,
        }
        for (speed, tier) in [
            (Speed::Usual, "Standard"),
            (Speed::Slow, "Bulk"),
            (Speed::Fast, "Expedited"),
        ] {
            let text = document(Recall { days: 10, speed });
            let read: RestoreRequest = quick_xml::de::from_str(&text).unwrap();
            assert_eq!(read.days, 10);
            assert_eq!(read.glacier_job_parameters.tier, tier);
        }
    }
}
