use super::*;
use crate::ids::SystemIds;
use crate::progress::Quiet;
use crate::store::adapter::memory::Memory;
use crate::store::layer::{Count, Verb};
use crate::store::{Limits, Wanted, download, upload};
use futures_util::TryStreamExt;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;

/// What happens to the next requests of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing was done.
    Before,
    /// It was done, and the answer says otherwise.
    After,
    /// A body or a listing breaks before its first item, or after it.
    Broken(usize),
    /// Denied: waiting does not help.
    Denied,
    /// Each takes a tenth of a second, and what would be more than so many at a time is
    /// refused.
    Bears(u32),
    /// Nothing was done, and the service wants to be left alone for so many seconds.
    Busy(u64),
}

#[derive(Debug, Clone)]
struct Faulty {
    store: Memory,
    fault: Fault,
    left: Arc<AtomicU32>,
    load: Arc<Load>,
}

/// What a service bears, and what it had to.
#[derive(Debug, Default)]
struct Load {
    now: AtomicU32,
    most: AtomicU32,
    refused: AtomicU32,
}

fn weak() -> Error {
    Error::new(ErrorKind::Unavailable, "it broke")
}

/// The largest numbers, or the smallest.
#[derive(Debug)]
struct Chance(bool);

impl Ids for Chance {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        Ok(())
    }

    fn below(&self, bound: u64) -> Result<u64> {
        Ok(if self.0 { bound - 1 } else { 0 })
    }
}

impl Faulty {
    fn strikes(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        self.left.fetch_update(order, order, less).is_ok()
    }

    async fn around<T: Send>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let order = Ordering::SeqCst;
        if let Fault::Bears(most) = self.fault {
            if self.load.now.load(order) >= most {
                self.load.refused.fetch_add(1, order);
                return Err(weak().with_pause(Duration::ZERO));
            }
            let now = self.load.now.fetch_add(1, order) + 1;
            self.load.most.fetch_max(now, order);
            tokio::time::sleep(Duration::from_millis(100)).await;
            let done = request.await;
            self.load.now.fetch_sub(1, order);
            return done;
        }
        match self.strikes().then_some(self.fault) {
            Some(Fault::Before) => Err(weak()),
            Some(Fault::Busy(secs)) => Err(weak().with_pause(Duration::from_secs(secs))),
            Some(Fault::Denied) => Err(Error::new(ErrorKind::Denied, "no")),
            Some(Fault::After) => {
                request.await?;
                Err(weak())
            }
            _ => request.await,
        }
    }
}

#[async_trait]
impl Store for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn credentials_used(&self) -> Option<String> {
        self.store.credentials_used()
    }

    async fn head(&self, key: &Key) -> Result<Option<FileInfo>> {
        self.around(self.store.head(key)).await
    }

    async fn get(&self, key: &Key, want: Want) -> Result<Got> {
        let Fault::Broken(after) = self.fault else {
            return self.around(self.store.get(key, want)).await;
        };
        let got = self.store.get(key, want).await?;
        let Got::Found(Body { info, bytes }) = got else {
            return Ok(got);
        };
        let cut = self.strikes().then(|| Err(weak()));
        let bytes = match &cut {
            Some(_) => bytes.take(after).chain(stream::iter(cut)).boxed(),
            None => bytes,
        };
        Ok(Got::Found(Body { info, bytes }))
    }

    async fn put(&self, key: &Key, body: Bytes, when: Precondition<'_>) -> Result<Put> {
        self.around(self.store.put(key, body, when)).await
    }

    async fn begin(&self, key: &Key) -> Result<Box<dyn Upload>> {
        let upload = self.around(self.store.begin(key)).await?;
        let faulty = self.clone();
        Ok(Box::new(FaultyUpload { upload, faulty }))
    }

    async fn resume(&self, key: &Key, token: &str) -> Result<Option<Resumed>> {
        let found = self.around(self.store.resume(key, token)).await?;
        let faulty = self.clone();
        Ok(found.map(|Resumed { upload, parts }| Resumed {
            upload: Box::new(FaultyUpload { upload, faulty }),
            parts,
        }))
    }

    fn unfinished<'a>(&'a self, prefix: &'a str) -> BoxStream<'a, Result<Unfinished>> {
        let listed = self.store.unfinished(prefix);
        match self.fault {
            Fault::Broken(items) if self.strikes() => {
                let cut = stream::iter([Err(weak())]);
                listed.take(items).chain(cut).boxed()
            }
            _ => listed,
        }
    }

    async fn abandon(&self, key: &str, token: &str) -> Result<()> {
        self.around(self.store.abandon(key, token)).await
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxStream<'a, Result<Listed>> {
        let listed = self.store.list(prefix, after);
        match self.fault {
            Fault::Broken(items) if self.strikes() => {
                let cut = stream::iter([Err(weak())]);
                listed.take(items).chain(cut).boxed()
            }
            _ => listed,
        }
    }

    async fn rules(&self) -> Result<Rules> {
        self.around(self.store.rules()).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.around(self.store.delete(key)).await
    }

    async fn delete_many(&self, keys: &[Key]) -> Result<Vec<(Key, Error)>> {
        let mut failed = Vec::new();
        for key in keys {
            let done = self.delete(key).await;
            failed.extend(done.err().map(|error| (key.clone(), error)));
        }
        Ok(failed)
    }

    async fn whereabouts(&self, key: &Key) -> Result<Option<Whereabouts>> {
        self.store.whereabouts(key).await
    }

    async fn copy(&self, from: &Whereabouts, size: u64, key: &Key) -> Result<Copied> {
        self.around(self.store.copy(from, size, key)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn Upload>,
    faulty: Faulty,
}

#[async_trait]
impl Upload for FaultyUpload {
    fn token(&self) -> Option<&str> {
        self.upload.token()
    }

    async fn part(&self, number: u32, body: Bytes) -> Result<()> {
        self.faulty.around(self.upload.part(number, body)).await
    }

    async fn complete(&self) -> Result<()> {
        let done = self.faulty.around(self.upload.complete()).await;
        // As S3 says it of an upload that it does not know any more.
        done.map_err(|error| match error.kind() {
            ErrorKind::Invalid => Error::new(ErrorKind::Missing, "no such upload"),
            _ => error,
        })
    }

    async fn abort(&self) -> Result<()> {
        self.faulty.around(self.upload.abort()).await
    }
}

/// A store that fails `times` times in this way, and what was asked of it.
fn faulty(fault: Fault, times: u32) -> (Retry<Count<Faulty>>, crate::store::layer::Counts, Memory) {
    let memory = Memory::new();
    let store = Count::new(Faulty {
        store: memory.clone(),
        fault,
        left: Arc::new(AtomicU32::new(times)),
        load: Arc::default(),
    });
    let counts = store.counts();
    (Retry::new(store, Arc::new(SystemIds)), counts, memory)
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

async fn fill(memory: &Memory, names: &[&str]) {
    for name in names {
        let body = Bytes::from_static(b"body");
        let put = memory.put(&key(name), body, Precondition::Always).await;
        assert!(matches!(put, Ok(Put::Written(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_do_harm_is_asked_again_with_growing_waits() {
    // Chance at its largest and at its smallest: the waits are 100, 200, … ms, and nothing.
    let longest = BASE * ((1 << (TRIES - 1)) - 1);
    for (chance, wait) in [(Chance(true), longest), (Chance(false), Duration::ZERO)] {
        let start = Instant::now();
        let (store, counts, _) = faulty(Fault::Before, TRIES - 1);
        let store = Retry {
            ids: Arc::new(chance),
            ..store
        };
        assert_eq!(store.head(&key("a")).await.expect("an answer"), None);
        assert_eq!(counts.of(Verb::Head), u64::from(TRIES));
        let waited = start.elapsed();
        // The clock of the test goes in milliseconds.
        let clock = Duration::from_millis(u64::from(TRIES));
        assert!(waited >= wait && waited <= wait + clock, "{waited:?}");
    }

    let (store, counts, memory) = faulty(Fault::After, 2);
    let put = store
        .put(&key("a"), Bytes::new(), Precondition::Always)
        .await;
    assert!(matches!(put, Ok(Put::Written(_))));
    store.delete(&key("a")).await.expect("deleted");
    assert_eq!((counts.of(Verb::Put), counts.of(Verb::Delete)), (3, 1));
    assert!(memory.files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_many_files_those_are_asked_for_again_that_failed_for_the_moment() {
    let keys = ["a", "b", "c"].map(key);
    for (fault, times, gone) in [(Fault::Before, 2, 3), (Fault::Denied, 2, 1)] {
        let (store, _, memory) = faulty(fault, times);
        fill(&memory, &["a", "b", "c"]).await;
        let failed = store.delete_many(&keys).await.expect("an answer");
        assert_eq!(failed.len(), 3 - gone, "{failed:?}");
        assert_eq!(memory.files().len(), 3 - gone);
        assert!(
            failed
                .iter()
                .all(|(_, error)| error.kind() == ErrorKind::Denied)
        );
    }
    let (store, _, _) = faulty(Fault::Before, 99);
    let failed = store.delete_many(&keys).await.expect("an answer");
    let all_weak = |(_, error): &(Key, Error)| error.kind() == ErrorKind::Unavailable;
    assert!(
        failed.len() == 3 && failed.iter().all(all_weak),
        "{failed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let (store, counts, _) = faulty(Fault::Before, 99);
    let error = store.head(&key("a")).await.expect_err("an error");
    assert_eq!(
        (error.kind(), counts.total()),
        (ErrorKind::Unavailable, u64::from(TRIES))
    );
    let (store, counts, _) = faulty(Fault::Denied, 1);
    let error = store.head(&key("a")).await.expect_err("an error");
    assert_eq!((error.kind(), counts.total()), (ErrorKind::Denied, 1));
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_pause_gets_it_and_more_tries() {
    let start = Instant::now();
    let (store, counts, _) = faulty(Fault::Busy(7), TRIES_IF_BUSY - 1);
    store.head(&key("a")).await.expect("an answer");
    assert_eq!(counts.of(Verb::Head), u64::from(TRIES_IF_BUSY));
    let pauses = Duration::from_secs(7) * (TRIES_IF_BUSY - 1);
    assert!(start.elapsed() >= pauses, "{:?}", start.elapsed());

    let (store, counts, _) = faulty(Fault::Busy(0), 99);
    store.head(&key("a")).await.expect_err("an error");
    assert_eq!(counts.of(Verb::Head), u64::from(TRIES_IF_BUSY));

    // An hour is for the user to wait, who is told so.
    let (store, counts, _) = faulty(Fault::Busy(3600), 1);
    let error = store.head(&key("a")).await.expect_err("an error");
    assert_eq!(counts.of(Verb::Head), 1);
    assert!(error.hint().is_some_and(|hint| hint.contains("3600 s")));
}

#[tokio::test(start_paused = true)]
async fn a_conditional_write_is_sent_once() {
    for fault in [Fault::Before, Fault::After] {
        let (store, counts, _) = faulty(fault, 1);
        let error = store
            .put(&key("a"), Bytes::new(), Precondition::Absent)
            .await;
        assert_eq!(error.expect_err("an error").kind(), ErrorKind::Unavailable);
        let version = crate::store::Version::new("x");
        let lost = store
            .put(&key("b"), Bytes::new(), Precondition::Unchanged(&version))
            .await;
        assert_eq!(lost.expect("an answer"), Put::Lost);
        assert_eq!(counts.of(Verb::ConditionalPut), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_asked_for_again_until_its_first_byte_only() {
    let (store, counts, memory) = faulty(Fault::Broken(0), 2);
    fill(&memory, &["a"]).await;
    let Ok(Got::Found(body)) = store.get(&key("a"), Want::all()).await else {
        panic!("no body");
    };
    let chunks: Vec<Bytes> = body.bytes.try_collect().await.expect("a body");
    assert_eq!(
        (chunks.concat().as_slice(), counts.of(Verb::Get)),
        (&b"body"[..], 3)
    );

    let (store, counts, memory) = faulty(Fault::Broken(1), 1);
    fill(&memory, &["a"]).await;
    let Ok(Got::Found(body)) = store.get(&key("a"), Want::all()).await else {
        panic!("no body");
    };
    let broken = body
        .bytes
        .try_collect::<Vec<_>>()
        .await
        .expect_err("an error");
    assert_eq!(
        (broken.kind(), counts.of(Verb::Get)),
        (ErrorKind::Unavailable, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_after_the_last_file_that_came() {
    let names: Vec<String> = (0..500).map(|n| format!("{n:04}")).collect();
    for (items, times) in [(0, TRIES - 1), (1, 3), (100, 4), (500, 2)] {
        let (store, counts, memory) = faulty(Fault::Broken(items), times);
        for name in &names {
            fill(&memory, &[name]).await;
        }
        let listed = store.list("", None).map_ok(|file| file.key);
        assert_eq!(listed.try_collect::<Vec<_>>().await.expect("a list"), names);
        assert_eq!(counts.of(Verb::List), u64::from(times) + 1);
    }
    let (store, _, _) = faulty(Fault::Broken(0), 2);
    assert_eq!(store.list("", None).count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_cannot_go_on_fails() {
    let (store, _, memory) = faulty(Fault::Broken(1), 99);
    fill(&memory, &["a", "b"]).await;
    let listed: Vec<_> = store.list("", None).collect().await;
    assert!(matches!(listed.as_slice(), [Ok(_), Err(_)]), "{listed:?}");

    let (store, _, memory) = faulty(Fault::Broken(1), 1);
    fill(&memory, &["a", "b"]).await;
    let mut listed = store.list("", None);
    assert_eq!(
        listed.next().await.expect("a file").expect("a file").key,
        "a"
    );
    memory.delete(&key("a")).await.expect("deleted");
    let error = listed
        .next()
        .await
        .expect("an error")
        .expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(listed.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_a_body() {
    let (store, _, memory) = faulty(Fault::Before, 0);
    let put = memory
        .put(&key("a"), Bytes::new(), Precondition::Always)
        .await;
    assert!(matches!(put, Ok(Put::Written(_))));
    let Ok(Got::Found(body)) = store.get(&key("a"), Want::all()).await else {
        panic!("no body");
    };
    let chunks: Vec<Bytes> = body.bytes.try_collect().await.expect("a body");
    assert!(chunks.concat().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_ended_unheard_has_ended() {
    let (store, counts, memory) = faulty(Fault::Before, 0);
    let upload = store.begin(&key("big")).await.expect("an upload");
    upload
        .part(1, Bytes::from_static(b"two"))
        .await
        .expect("a part");
    upload
        .part(0, Bytes::from_static(b"one"))
        .await
        .expect("a part");
    upload.complete().await.expect("complete");
    assert_eq!(counts.of(Verb::Head), 0);
    assert_eq!(memory.files()["big"], "onetwo");

    for (fault, heads) in [(Fault::Before, 0), (Fault::After, 1)] {
        let memory = Memory::new();
        let left = Arc::new(AtomicU32::new(0));
        let faulty = Count::new(Faulty {
            store: memory.clone(),
            fault,
            left: Arc::clone(&left),
            load: Arc::default(),
        });
        let counts = faulty.counts();
        let store = Retry::new(faulty, Arc::new(SystemIds));
        let upload = store.begin(&key("big")).await.expect("an upload");
        upload
            .part(0, Bytes::from_static(b"body"))
            .await
            .expect("a part");
        left.store(1, Ordering::SeqCst);
        upload.complete().await.expect("complete");
        assert_eq!(memory.files()["big"], "body");
        assert_eq!(
            (counts.of(Verb::Complete), counts.of(Verb::Head)),
            (2, heads)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_somebody_ended_is_missing() {
    let (store, _, _) = faulty(Fault::Before, 0);
    let upload = store.begin(&key("big")).await.expect("an upload");
    upload
        .part(0, Bytes::from_static(b"body"))
        .await
        .expect("a part");
    upload.abort().await.expect("aborted");
    assert_eq!(
        upload.complete().await.expect_err("an error").kind(),
        ErrorKind::Missing
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_gets_fewer_requests_at_a_time_up_and_down() {
    let memory = Memory::new();
    let load = Arc::new(Load::default());
    let store = Count::new(Faulty {
        store: memory.clone(),
        fault: Fault::Bears(5),
        left: Arc::default(),
        load: Arc::clone(&load),
    });
    let counts = store.counts();
    let store = Retry::new(store, Arc::new(SystemIds));
    let limits = Limits {
        part: 1 << 10,
        parallel: 32,
    };
    let body = Bytes::from((0..=255).cycle().take(500 << 10).collect::<Vec<u8>>());
    let refused = || load.refused.swap(0, Ordering::SeqCst);
    upload(&store, &key("a"), &body, limits, &Quiet)
        .await
        .expect("uploaded");
    assert_eq!(
        counts.of(Verb::Part),
        500 + u64::from(load.refused.load(Ordering::SeqCst))
    );
    // 32 at once met a service that bears 5. From then on the number of requests under way
    // swings between 3 and 6, each swing of some 15 requests ending in a refusal or two.
    let up = refused();
    assert!((27..150).contains(&up), "{up}");
    // What was learnt going up holds going down.
    let files = [Wanted {
        key: key("a"),
        size: body.len() as u64,
    }];
    let came: Vec<_> = download(&store, &files, limits)
        .map_ok(|piece| piece.bytes)
        .try_collect()
        .await
        .expect("downloaded");
    assert_eq!(came.concat(), body);
    let down = refused();
    assert!(down < 100, "{down}");
    assert_eq!(load.most.load(Ordering::SeqCst), 5);
}
