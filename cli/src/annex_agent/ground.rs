//! The bucket, container or folder of a remote: there, or made.

use pail::store::Store;
use pail::{Error, ErrorKind};

/// Does something with the bucket. If it is missing and may be made, makes it first; says
/// whether it did. One request more to make it, and those of doing it again.
///
/// Who may not make buckets may still use one: what matters is whether it is there then.
pub(super) async fn on(
    store: &dyn Store,
    may_make: bool,
    act: impl AsyncFn() -> Result<(), Error>,
) -> Result<bool, Error> {
    let missing = match act().await {
        Err(error) if error.kind() == ErrorKind::Missing && may_make => error,
        done => return done.map(|()| false),
    };
    let made = store.create().await;
    match (act().await, made) {
        (Ok(()), made) => Ok(made.is_ok()),
        (Err(error), Err(why)) if error.kind() == ErrorKind::Missing => {
            let hint = why.hint().or(missing.hint()).unwrap_or_default();
            let text = format!("{missing}; {why}");
            Err(Error::new(ErrorKind::Missing, text).with_hint(hint))
        }
        (Err(error), _) => Err(error),
    }
}
