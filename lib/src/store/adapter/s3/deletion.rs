//! Many files deleted by one request: DeleteObjects.

use super::raw::Call;
use super::{S3, refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::adapter::asked::Act;
use crate::store::adapter::document::read;
use crate::store::adapter::http::Refusal;
use crate::store::deletion::one_by_one;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode};
use md5::{Digest, Md5};
use quick_xml::escape::escape;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// Most files of one request.
pub(super) const MOST: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    deleted: Vec<Deleted>,
    #[serde(default)]
    error: Vec<Failed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    key: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Deletes files, as many at once as the service takes. One that does not know the request is
/// asked for each file from then on, and so is one that does not say what became of a file.
pub(super) async fn many(store: &S3, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
    let mut failed = Vec::new();
    for some in keys.chunks(MOST) {
        let singly = &store.shared.deletes_singly;
        if some.len() == 1 || singly.load(Ordering::Relaxed) {
            failed.extend(one_by_one(store, some).await);
            continue;
        }
        match at_once(store, some).await {
            Ok((refused, untold)) => {
                failed.extend(refused);
                failed.extend(one_by_one(store, &untold).await);
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => {
                // Who may delete nothing at all is told so for each.
                let unknown = error.kind() != ErrorKind::Denied;
                singly.fetch_or(unknown, Ordering::Relaxed);
                failed.extend(one_by_one(store, some).await);
            }
        }
    }
    Ok(failed)
}

/// One request: which it refused, and of which it said nothing.
async fn at_once(store: &S3, keys: &[Key]) -> Result<(Vec<(Key, Error)>, Vec<Key>)> {
    let asked = store.asked(Act::Delete, "");
    let mut names = HashMap::with_capacity(keys.len());
    let mut body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".to_owned();
    for key in keys {
        let name = store.path(key)?.to_string();
        body.push_str("<Object><Key>");
        body.push_str(&escape(name.as_str()));
        body.push_str("</Key></Object>");
        names.insert(name, key);
    }
    body.push_str("</Delete>");
    let sum = STANDARD.encode(Md5::digest(body.as_bytes()));
    let call = Call::new(Method::POST, "", "delete=")
        .header("content-md5", sum)
        .header("content-type", "application/xml")
        .body(body);
    let answer = call.send_whole(store.opened().await?, &asked).await?;
    let answer = answer.map_err(|refused| refusal::explain(&asked, &refused))?;
    let answer: Answer = read(&answer, &asked)?;
    for Deleted { key } in &answer.deleted {
        names.remove(key);
    }
    let mut refused = Vec::new();
    for Failed { key, code, message } in answer.error {
        let Some(key) = names.remove(&key) else {
            continue;
        };
        if code != "NoSuchKey" {
            let error = explain(store, key, &code, &message);
            refused.push((key.clone(), error));
        }
    }
    Ok((refused, names.into_values().cloned().collect()))
}

/// What the service says of one file means what it means elsewhere.
fn explain(store: &S3, key: &Key, code: &str, message: &str) -> Error {
    let (code, message) = (escape(code), escape(message));
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let said = Refusal {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.into(),
    };
    refusal::explain(&store.asked(Act::Delete, key.as_str()), &said)
}
