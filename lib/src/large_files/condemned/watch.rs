//! What an uploader does so that gc takes nothing that it relies on.

use super::{Condemned, CondemnedList};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::Ids;
use crate::large_files::Swapper;
use crate::large_files::lfs::Oid;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a list that was read counts, in seconds: an hour. Together with the time of a
/// push this has to be less than [`super::HOLD`].
const FRESH: i64 = 3_600;

/// How often it is looked whether an object that is being deleted is gone, each time after
/// twice the time, from a second on: two minutes in all.
const LOOKS: u32 = 7;

/// Who uploads to one place, and what it knows of the list there.
#[derive(Debug)]
pub struct Watch {
    store: Arc<dyn Store>,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    lease: bool,
    known: Mutex<Option<Known>>,
}

/// The list, and when it was read, by this machine's clock.
#[derive(Debug)]
struct Known {
    list: Option<CondemnedList>,
    read: i64,
}

impl Known {
    fn is_fresh(&self, now: i64) -> bool {
        (0..FRESH).contains(&now.saturating_sub(self.read))
    }

    fn names(&self, oid: &Oid) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| list.since(oid).is_some() || list.is_going(oid))
    }
}

impl Watch {
    /// Nothing is known yet. `lease` tells whether the user consents to one, where the
    /// bucket cannot compare and swap.
    pub fn new(
        store: Arc<dyn Store>,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
        lease: bool,
    ) -> Self {
        Self {
            store,
            ids,
            clock,
            lease,
            known: Mutex::default(),
        }
    }

    /// Makes sure that nobody deletes an object that is found in the bucket, or sent there,
    /// after this: for an hour by itself, and for the rest of [`super::HOLD`] because it is
    /// not on the list. To be asked before it is looked for.
    ///
    /// Costs one GET in all, which finds nothing where nothing was ever condemned; and one GET
    /// and one PUT for each group of objects that has to be struck off.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if somebody is deleting it and does not come to an end;
    /// [`ErrorKind::Corrupt`] if the list is broken; those of the store.
    pub async fn spare(&self, oid: &Oid) -> Result<()> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let now_known = match known.take().filter(|known| known.is_fresh(now)) {
            Some(known) => known,
            None => self.read().await?,
        };
        let now_known = known.insert(now_known);
        let mut looks = 0;
        while now_known.names(oid) {
            if looks == LOOKS {
                return Err(going(oid));
            }
            if looks > 0 {
                tokio::time::sleep(Duration::from_secs(1 << (looks - 1))).await;
            }
            looks += 1;
            let read = self.clock.now();
            let list = self.condemned().spare(oid).await;
            let list = list.map_err(|error| error.context(format_args!("cannot keep {oid}")))?;
            *now_known = Known {
                list: Some(list),
                read,
            };
        }
        Ok(())
    }

    async fn read(&self) -> Result<Known> {
        let read = self.clock.now();
        let list = match self.condemned().read().await {
            Ok(list) => list,
            // S3 says so of a file that is not there, too, if it must not tell which are.
            Err(error) if error.kind() == ErrorKind::Denied => None,
            Err(error) => return Err(error),
        };
        Ok(Known { list, read })
    }

    fn condemned(&self) -> Condemned<'_> {
        Condemned {
            swapper: Swapper {
                store: &*self.store,
                ids: &*self.ids,
                lease: self.lease,
            },
            leased: false,
        }
    }
}

fn going(oid: &Oid) -> Error {
    let message = format!("`git pail lfs gc` is deleting {oid}, which this push needs");
    Error::new(ErrorKind::Unavailable, message).with_hint(
        "nothing was pushed; push again when gc has ended; one that died is finished by running it again after an hour",
    )
}
