//! What the container does by itself, as far as the interface for data tells it.

use super::Azure;
use super::wire::Call;
use crate::error::{ErrorKind, Result};
use crate::store::adapter::asked::Act;
use crate::store::{Lock, Rules, Seen};
use http::{HeaderMap, Method};

const ELSEWHERE: &str = "Azure tells it to its management interface only";

/// Asks for the properties of the container: whether its blobs may be replaced and deleted.
pub(super) async fn ask(store: &Azure) -> Result<Rules> {
    let asked = store.asked(Act::Settings, "");
    let call = Call::new(Method::GET, "").query("restype", "container");
    let lock = match store.send_whole(call).await {
        Ok(answer) => Seen::Is(lock(answer.headers())),
        Err(trouble) => {
            let error = asked.explain(trouble);
            match error.kind() {
                ErrorKind::Denied | ErrorKind::Unsupported | ErrorKind::Invalid => {
                    Seen::Hidden(error.to_string())
                }
                _ => return Err(error),
            }
        }
    };
    Ok(Rules {
        lifecycle: Seen::Hidden(ELSEWHERE.to_owned()),
        versions: Seen::Hidden(ELSEWHERE.to_owned()),
        lock,
    })
}

fn lock(headers: &HeaderMap) -> Option<Lock> {
    let said = |name: &str| headers.get(name).is_some_and(|value| value == "true");
    let what = if said("x-ms-has-immutability-policy") {
        "an immutability policy keeps blobs from being replaced and deleted"
    } else if said("x-ms-has-legal-hold") {
        "a legal hold keeps blobs from being replaced and deleted"
    } else {
        return None;
    };
    Some(Lock {
        words: what.to_owned(),
        replaces: said("x-ms-immutable-storage-with-versioning-enabled"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_told_by_the_headers_of_get_container_properties() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let pairs = pairs.iter().map(|(name, value)| {
                let value = http::HeaderValue::from_static(value);
                (http::HeaderName::from_static(name), value)
            });
            pairs.collect()
        };
        let none = headers(&[
            ("x-ms-has-immutability-policy", "false"),
            ("x-ms-has-legal-hold", "false"),
        ]);
        assert_eq!(lock(&none), None);
        let policy = headers(&[("x-ms-has-immutability-policy", "true")]);
        assert!(!lock(&policy).unwrap().replaces);
        let hold = headers(&[
            ("x-ms-has-legal-hold", "true"),
            ("x-ms-immutable-storage-with-versioning-enabled", "true"),
        ]);
        assert!(lock(&hold).unwrap().replaces);
    }
}
