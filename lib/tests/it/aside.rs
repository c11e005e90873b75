//! Alternatives that lie aside: who reads their list, who does not, and what becomes of it.

use crate::it::world::{
    self, MONTH, SMALL, WHO, collect, copy, fetch_at, late, maintain, push_ok, remote, sound,
};
use pail::format::keys;
use pail::format::settings::SettingEdit;
use pail::maintenance::{Severity, When, Workshop, gc};
use pail::store::adapter::memory::Memory;
use pail::store::{Limits, Store};
use pail::transaction::{Cache, Snapshot, read_aside};
use pail::{Key, Remote};
use std::sync::Arc;
use testkit::git::Git;
use testkit::repo::Repo;
use testkit::seed::Chance;
use testkit::tap::{Call, Tap, Tapped};

const MAIN: &str = "main:refs/heads/main";

/// So many pushes that came at once and were then maintained leave a list aside.
pub(crate) const ENOUGH: usize = 16;

/// A bucket with a list aside, and the repository behind it: so many pushes of some bytes each,
/// maintained once.
pub(crate) async fn listed(pushes: usize, bytes: usize) -> (tempfile::TempDir, Repo, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let remote = remote(Arc::new(memory.clone()), 1000, SMALL);
    let mut chance = Chance::new(7);
    for _ in 0..pushes {
        repo.commit("f", chance.bytes(bytes));
        push_ok(&remote, &repo, &[MAIN]).await;
    }
    maintain(&remote, &repo).await.unwrap();
    (dir, repo, memory)
}

/// What the bucket names aside.
pub(crate) async fn names(store: &Arc<dyn Store>) -> Vec<String> {
    let at = newest(store).await;
    let listed = read_aside(&**store, &Cache::default(), &at).await.unwrap();
    listed.into_iter().map(|pack| pack.name).collect()
}

async fn newest(store: &Arc<dyn Store>) -> Snapshot {
    let at = Snapshot::read(&**store, &Cache::default(), None).await;
    at.unwrap().unwrap()
}

/// Writes down what is asked for.
#[derive(Debug, Default)]
struct Asked(std::sync::Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Tap for Asked {
    async fn before(&self, call: &Call) -> pail::Result<()> {
        self.0.lock().unwrap().push(call.key.clone());
        Ok(())
    }

    async fn after(&self, _: &Call) -> pail::Result<()> {
        Ok(())
    }
}

/// Lets a reader with the first so many pushes catch up; answers what it asked for after the
/// manifest.
async fn catch_up(store: &Arc<dyn Store>, repo: &Repo, behind: usize) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let reader = Repo::init_with(&Git::new(), dir.path().join("reader"), &["--bare"]);
    let source = repo.path().display().to_string();
    repo.ok(&["update-ref", "refs/heads/old", &format!("main~{behind}")]);
    reader.ok(&["fetch", "-q", &source, "refs/heads/old:refs/heads/main"]);
    repo.ok(&["update-ref", "-d", "refs/heads/old"]);
    let at = newest(store).await;
    let tapped = Tapped::new(Arc::clone(store), Arc::new(Asked::default()));
    let remote = remote(Arc::new(tapped.clone()), 5, Limits::default());
    fetch_at(&remote, &reader, at, false).await.unwrap();
    reader.ok(&["cat-file", "-e", &repo.head()]);
    reader.ok(&["rev-list", "--objects", "--quiet", &repo.head()]);
    tapped.tap().0.lock().unwrap().clone()
}

fn reads_list(asked: &[String]) -> bool {
    asked.iter().any(|key| key.starts_with("pail/aside/"))
}

/// Bytes of the packs among these keys.
fn bytes(memory: &Memory, asked: &[String]) -> usize {
    let files = memory.files();
    let packs = asked.iter().filter(|key| key.ends_with(".pack"));
    let size = |key: &String| files[key].len();
    packs.map(size).sum()
}

#[tokio::test]
async fn who_is_far_behind_reads_the_list_and_saves_what_it_lists() {
    const SIZE: usize = 100_000;
    let (_dir, repo, memory) = listed(ENOUGH, SIZE).await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    sound(&store).await.unwrap();
    let list = names(&store).await;
    assert!(list.len() >= 6, "{list:?}");
    let named = newest(&store).await.manifest.packs.len();
    assert!(named <= 4, "{named} packs in the manifest");

    let asked = catch_up(&store, &repo, 1).await;
    assert!(!reads_list(&asked), "{asked:?}");
    let asked = catch_up(&store, &repo, 6).await;
    assert!(reads_list(&asked), "{asked:?}");
    let came = bytes(&memory, &asked);
    assert!(came < 7 * SIZE, "{came} bytes for six pushes");
    let asked = catch_up(&store, &repo, 15).await;
    assert!(bytes(&memory, &asked) < 17 * SIZE);

    // A clone takes what the manifest names.
    let counted = Tapped::new(Arc::clone(&store), Arc::new(Asked::default()));
    let whole: Arc<dyn Store> = Arc::new(counted.clone());
    let dir = tempfile::tempdir().unwrap();
    world::clone(&whole, &dir.path().join("clone")).await;
    assert!(!reads_list(&counted.tap().0.lock().unwrap()));
}

#[tokio::test]
async fn without_the_list_or_what_it_names_readers_take_more_and_lack_nothing() {
    const SIZE: usize = 100_000;
    let (_dir, repo, memory) = listed(ENOUGH, SIZE).await;
    let whole: Arc<dyn Store> = Arc::new(memory.clone());
    let at = newest(&whole).await;
    let list = keys::aside(&at.manifest.aside.as_ref().unwrap().id).unwrap();
    let mut gone: Vec<Vec<Key>> = vec![vec![list.clone()]];
    let packs = names(&whole).await;
    gone.push(packs.iter().map(|name| keys::pack(name).unwrap()).collect());
    for gone in gone {
        let hurt = copy(&memory).await;
        for key in &gone {
            hurt.delete(key).await.unwrap();
        }
        let store: Arc<dyn Store> = Arc::new(hurt.clone());
        let asked = catch_up(&store, &repo, 6).await;
        assert!(reads_list(&asked));
        let came: Vec<String> = asked
            .into_iter()
            .filter(|key| !gone.iter().any(|one| one.as_str() == *key))
            .collect();
        assert!(bytes(&hurt, &came) > 15 * SIZE, "the merged pack");
    }

    // The check tells it, and that nothing is lost.
    let hurt = copy(&memory).await;
    hurt.delete(&list).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(hurt.clone());
    let checked = remote(Arc::clone(&store), 6, SMALL)
        .fsck(None)
        .await
        .unwrap();
    let told: Vec<_> = checked
        .findings
        .iter()
        .filter(|one| one.subject == list.as_str())
        .collect();
    assert_eq!(told.len(), 1, "{:?}", checked.findings);
    assert_eq!(
        (told[0].severity, told[0].code),
        (Severity::Warning, "aside")
    );
    assert!(checked.hurt.is_empty());
    // One that is packed anew mends it.
    let again = remote(Arc::clone(&store), 8, SMALL);
    let workshop = tempfile::tempdir().unwrap();
    let workshop = Workshop::open(workshop.path(), &at.manifest.repository, world::git(&repo));
    gc(
        again.context(),
        &workshop.unwrap().unwrap(),
        WHO,
        When::Always,
    )
    .await
    .unwrap();
    sound(&store).await.unwrap();
}

#[tokio::test]
async fn the_check_looks_at_what_lies_aside() {
    let (_dir, _repo, memory) = listed(ENOUGH, 1000).await;
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let remote = remote(Arc::clone(&store), 6, SMALL);
    let sound = remote.fsck(None).await.unwrap();
    assert!(sound.findings.is_empty(), "{:?}", sound.findings);
    let at = newest(&store).await;
    let list = names(&store).await;
    assert_eq!(
        sound.checked.packs,
        (at.manifest.packs.len() + list.len()) as u64
    );
    let key = keys::pack(&list[0]).unwrap();
    memory.delete(&key).await.unwrap();
    let checked = remote.fsck(None).await.unwrap();
    let codes: Vec<_> = checked
        .findings
        .iter()
        .map(|one| (one.code, &*one.subject))
        .collect();
    assert_eq!(codes, [("missing-file", key.as_str())]);
    assert!(
        checked.hurt.is_empty(),
        "its objects are in the merged pack"
    );
}

/// A retention of no time at all.
async fn at_once(remote: &Remote) {
    let edit = SettingEdit::Set("retention", 0.into());
    let done = remote.change_settings("config", vec![edit], Vec::new(), WHO.to_owned());
    done.await.unwrap();
}

#[tokio::test]
async fn gc_takes_what_nothing_needs_out_of_packs_that_lie_aside_too() {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::init(dir.path().join("work"));
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let writer = remote(Arc::clone(&store), 1000, SMALL);
    let mut secret = String::new();
    for number in 0..ENOUGH {
        // In the middle: it lies aside in the end.
        if number == ENOUGH - 6 {
            secret = repo.switch("side").commit("s", "secret\n");
            push_ok(&writer, &repo, &["side:refs/heads/side"]).await;
            push_ok(&writer, &repo, &[":refs/heads/side"]).await;
            repo.switch("main");
        }
        repo.commit("f", format!("{number}\n"));
        push_ok(&writer, &repo, &[MAIN]).await;
    }
    maintain(&writer, &repo).await.unwrap();
    assert!(holds_aside(&store, &secret).await);
    at_once(&writer).await;
    let later = late(Arc::clone(&store), 3, MONTH);
    assert_eq!(collect(&later, &repo).await.unwrap().garbage, 3);
    assert!(!holds_aside(&store, &secret).await);
    let ledger = sound(&store).await.unwrap();
    let gone = ledger.snapshot.manifest.condemned.len();
    assert!(
        gone > ENOUGH / 2,
        "what lay aside is condemned, too: {gone}"
    );
    maintain(&late(Arc::clone(&store), 4, 2 * MONTH), &repo)
        .await
        .unwrap();
    let ledger = sound(&store).await.unwrap();
    assert_eq!(ledger.snapshot.manifest.condemned, []);
    // Every pack that is left is named.
    let manifest = ledger.snapshot.manifest;
    let mut named: Vec<String> = manifest
        .packs
        .iter()
        .map(|pack| pack.name.clone())
        .collect();
    named.extend(names(&store).await);
    for (key, _) in memory
        .files()
        .into_iter()
        .filter(|(key, _)| key.ends_with(".pack"))
    {
        assert!(named.iter().any(|name| key.contains(&**name)), "{key}");
    }
}

/// Whether one of the packs that lie aside has this commit.
async fn holds_aside(store: &Arc<dyn Store>, id: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let all = Repo::init_with(&Git::new(), dir.path().join("all"), &["--bare"]);
    let at = newest(store).await;
    let listed = read_aside(&**store, &Cache::default(), &at).await.unwrap();
    for pack in listed {
        let key = keys::pack(&pack.name).unwrap();
        let pail::store::Got::Found(body) =
            store.get(&key, pail::store::Want::all()).await.unwrap()
        else {
            panic!("{key} is gone");
        };
        let chunks: Vec<bytes::Bytes> = futures_util::TryStreamExt::try_collect(body.bytes)
            .await
            .unwrap();
        all.git()
            .ok_with(&["index-pack", "--stdin"], &chunks.concat());
    }
    all.id(&format!("{id}^{{commit}}")).is_some()
}
