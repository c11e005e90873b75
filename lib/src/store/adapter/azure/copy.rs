//! Copies that the service makes by itself, within one account: Copy Blob From URL. It is done
//! when it is answered; the older Copy Blob shows an empty blob until it is.

use super::wire::{Call, Trouble, VERSION};
use super::{Azure, sas};
use crate::error::Result;
use crate::key::Key;
use crate::store::adapter::address::address;
use crate::store::adapter::asked::Act;
use crate::store::credentials::azure::Access;
use crate::store::{Copied, Store, Whereabouts};
use http::Method;

/// Most bytes that the service copies so.
const MOST: u64 = 256 << 20;

pub(super) async fn whereabouts(store: &Azure, key: &Key) -> Result<Option<Whereabouts>> {
    let settings = store.settings().await?;
    Ok(Some(Whereabouts {
        service: settings.service.clone(),
        bucket: store.shared.location.container().to_owned(),
        name: store.name(key)?,
    }))
}

/// Copies, and looks what came of it.
pub(super) async fn copy(
    store: &Azure,
    from: &Whereabouts,
    size: u64,
    key: &Key,
) -> Result<Copied> {
    let service = &store.settings().await?.service;
    if *service != from.service || size > MOST {
        return Ok(Copied::NotHere);
    }
    let asked = store.asked(Act::Write, key.as_str());
    let name = store.name(key)?;
    let call = Call::new(Method::PUT, &name)
        .header("x-ms-requires-sync", "true")
        .describe(true);
    let call = readable(store, from, call).await?;
    match store.send_whole(call).await {
        Ok(_) => {}
        // Whatever the service has against it: reading and writing says better what it is.
        Err(Trouble::Refused(refusal)) if !is_weak(refusal.status.as_u16()) => {
            return Ok(Copied::NotHere);
        }
        Err(trouble) => return Err(asked.explain(trouble)),
    }
    let found = store.head(key).await?;
    Ok(match found {
        Some(info) if info.size == size => Copied::Done,
        _ => Copied::NotHere,
    })
}

/// Whether waiting may help.
fn is_weak(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

/// Names the other blob, and lets the service read it with what we have.
async fn readable<'a>(store: &Azure, from: &Whereabouts, call: Call<'a>) -> Result<Call<'a>> {
    let shared = &*store.shared;
    let container = format!("{}/{}", from.service, from.bucket);
    let url = address(&container, &from.name, &[]);
    let access = shared.source.get(&from.service).await?;
    Ok(match access.as_ref().map(|found| &found.credential) {
        None => call.header("x-ms-copy-source", url),
        Some(Access::Bearer(token)) => call.header("x-ms-copy-source", url).secret(
            "x-ms-copy-source-authorization",
            format!("Bearer {}", token.reveal()),
        ),
        Some(Access::Sas(query)) => {
            call.secret("x-ms-copy-source", format!("{url}?{}", query.reveal()))
        }
        Some(Access::Key(key)) => {
            let blob = format!(
                "{}/{}/{}",
                shared.location.account(),
                from.bucket,
                from.name
            );
            let query = sas::read(key, &blob, VERSION, shared.clock.now())?;
            call.secret("x-ms-copy-source", format!("{url}?{}", query.reveal()))
        }
    })
}
