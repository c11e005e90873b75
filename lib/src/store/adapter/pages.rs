//! Listings that come page by page.

use super::asked::{Asked, Place};
use crate::error::Result;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

/// All that a listing finds, until an error. `turn` asks for the page at a mark of the
/// service, at first for the one without, and gives what it holds and the mark of the next.
pub(super) fn pages<'a, P, T, M, F>(
    asked: Asked<'a, P>,
    turn: impl Fn(Option<M>) -> F + Send + 'a,
) -> BoxStream<'a, Result<T>>
where
    P: Place + Sync,
    T: Send + 'a,
    M: Clone + PartialEq + Send + 'a,
    F: Future<Output = Result<(Vec<T>, Option<M>)>> + Send + 'a,
{
    let pages = stream::try_unfold(Some(None), move |at: Option<Option<M>>| {
        let page = at.map(|mark| (mark.clone(), turn(mark)));
        async move {
            let Some((mark, page)) = page else {
                return Ok(None);
            };
            let (found, next) = page.await?;
            // A service that starts again would have us turn in a circle.
            if next.is_some() && next == mark {
                return Err(asked.nonsense("the listing does not go on"));
            }
            let found = stream::iter(found.into_iter().map(Ok));
            Ok(Some((found, next.map(Some))))
        }
    });
    pages.try_flatten().boxed()
}
