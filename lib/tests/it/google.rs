//! The adapter for Google Cloud Storage, against the fake that testkit has of it.

mod answers;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use pail::ids::{Ids, SystemIds};
use pail::store::adapter::google::Google;
use pail::store::layer::Retry;
use pail::store::{
    Copied, Does, Env, Got, Location, Options, Precondition, Put, Seen, Store, SystemEnv, Version,
    Want,
};
use pail::transaction::{Writes, probe};
use pail::{Error, ErrorKind, Key};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::conformance::{conformance, races};
use testkit::google::{self, Atomicity, Conditions, Rules};

const TOKEN: &str = "ya29.the-token-that-may-write";

fn env(token: &str) -> Arc<dyn Env> {
    let pairs = [
        ("GOOGLE_OAUTH_ACCESS_TOKEN", token),
        ("NO_GCE_CHECK", "true"),
        ("CLOUDSDK_CONFIG", "/none"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Arc::new(BTreeMap::from(pairs))
}

/// A store at an address, with what the query says.
fn at(endpoint: &str, path: &str, query: &str, token: &str) -> Google {
    let host = endpoint.trim_start_matches("http://");
    let location = Location::parse(&format!("gs+http://{host}/{path}?{query}")).unwrap();
    let options = Options::gather(&location, []).unwrap();
    let Location::Google(location) = location else {
        panic!("{location}");
    };
    Google::open(&location, &options, env(token))
}

/// A fresh prefix of a service.
fn store(service: &google::Google) -> Google {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    at(
        &service.endpoint(),
        &format!("pail-test/it/{next}"),
        "",
        TOKEN,
    )
}

/// The bucket itself, with options.
fn with(service: &google::Google, query: &str) -> Google {
    at(&service.endpoint(), "pail-test", query, TOKEN)
}

fn start(rules: Rules) -> google::Google {
    google::Google::start(rules)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn put(store: &dyn Store, name: &str, body: &'static str) -> Version {
    let put = store
        .put(&key(name), bytes(body), Precondition::Always)
        .await;
    match put.unwrap() {
        Put::Written(version) => version,
        Put::Lost => panic!("{name}"),
    }
}

async fn read(store: &dyn Store, name: &str) -> Result<Vec<u8>, Error> {
    match store.get(&key(name), Want::all()).await? {
        Got::Found(body) => {
            let chunks: Vec<Bytes> = body.bytes.try_collect().await?;
            Ok(chunks.concat())
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// No error may show a secret, however it is printed.
fn hides(error: &Error) {
    let shown = format!("{error} {error:?} {error:#?} {:?}", error.hint());
    for hidden in ["ya29", "Bearer", "authorization", "hushhush"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
}

#[tokio::test]
async fn google_keeps_the_whole_contract() {
    let service = start(Rules::default());
    conformance(|| Arc::new(store(&service))).await;
    conformance(|| Arc::new(Retry::new(store(&service), Arc::new(SystemIds)))).await;
}

#[tokio::test]
async fn a_copy_goes_on_until_it_is_whole_and_has_what_the_options_say() {
    let service = start(Rules {
        rewritten: 1000,
        ..Rules::default()
    });
    let there = store(&service);
    let whole = testkit::seed::Chance::new(3).bytes(2500);
    let put = there
        .put(&key("f"), whole.clone().into(), Precondition::Always)
        .await;
    assert!(matches!(put, Ok(Put::Written(_))), "{put:?}");
    let from = there.whereabouts(&key("f")).await.unwrap().unwrap();
    let here = with(
        &service,
        "storage-class=nearline&acl=public-read&metadata=team=red",
    );
    let copied = here.copy(&from, 2500, &key("copy")).await.unwrap();
    assert_eq!(copied, Copied::Done);
    let object = service.object("copy").unwrap();
    assert!(object.body == whole);
    let said = object.attributes;
    assert_eq!(said.class.as_deref(), Some("NEARLINE"));
    assert_eq!(said.acl.as_deref(), Some("publicRead"));
    assert_eq!(said.metadata["team"], "red");
}

#[tokio::test]
async fn short_pages_are_all_turned() {
    let service = start(Rules {
        page: 3,
        ..Rules::default()
    });
    let store = store(&service);
    let names: Vec<String> = (0..10).map(|n| format!("d/f {n}")).collect();
    for name in &names {
        put(&store, name, "x").await;
    }
    let all = |after| {
        let listed = store.list("d/", after).map_ok(|file| file.key);
        listed.try_collect::<Vec<_>>()
    };
    assert_eq!(all(None).await.unwrap(), names);
    assert_eq!(all(Some("d/f 4")).await.unwrap(), names[5..]);
    for name in &names {
        let upload = store.begin(&key(name)).await.unwrap();
        upload.part(0, bytes("x")).await.unwrap();
    }
    let open: Vec<_> = store.unfinished("d/").try_collect().await.unwrap();
    assert_eq!(open.len(), 10);
    let upload = store.begin(&key("big")).await.unwrap();
    for number in 0..7 {
        upload.part(number, bytes("x")).await.unwrap();
    }
    let token = upload.token().unwrap();
    let taken = store.resume(&key("big"), token).await.unwrap().unwrap();
    assert_eq!(taken.parts, (0..7).map(|number| (number, 1)).collect());
}

#[tokio::test]
async fn a_service_whose_check_and_write_are_two_steps_fails_the_contract() {
    let rules = Rules {
        atomicity: Atomicity::TwoSteps,
        ..Rules::default()
    };
    let service = start(rules);
    let raced = tokio::spawn(async move { races(|| Arc::new(store(&service))).await });
    assert!(raced.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn the_probe_finds_out_who_ignores_conditions() {
    let service = start(Rules::default());
    let writes = probe(&store(&service), &SystemIds, false).await.unwrap();
    assert_eq!(writes, Writes::Swap);
    assert_eq!(service.names(), [""; 0], "nothing is left behind");
    let service = start(Rules {
        conditions: Conditions::Ignored,
        ..Rules::default()
    });
    let error = probe(&store(&service), &SystemIds, false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_write_too_soon_is_a_definite_no() {
    let service = start(Rules {
        pause: Some(Duration::from_secs(3600)),
        ..Rules::default()
    });
    let store = store(&service);
    let version = put(&store, "f", "one").await;
    for when in [
        Precondition::Always,
        Precondition::Absent,
        Precondition::Unchanged(&version),
    ] {
        let error = store.put(&key("f"), bytes("two"), when).await.unwrap_err();
        // InDoubt would say that it may have landed.
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{when:?}: {error}");
        assert!(error.pause().is_some(), "the one who asks must wait");
    }
    assert_eq!(read(&store, "f").await.unwrap(), b"one");
}

#[tokio::test]
async fn what_the_options_say_of_a_file_is_sent_with_it() {
    let service = start(Rules::default());
    let query = "storage-class=nearline&acl=public-read&metadata=team=core,site=a b";
    let store = with(&service, query);
    put(&store, "one", "x").await;
    let upload = store.begin(&key("parts")).await.unwrap();
    upload.part(0, bytes("x")).await.unwrap();
    upload.complete().await.unwrap();
    for name in ["one", "parts"] {
        let said = service.object(name).unwrap().attributes;
        assert_eq!(said.class.as_deref(), Some("NEARLINE"), "{name}");
        assert_eq!(said.acl.as_deref(), Some("public-read"), "{name}");
        assert_eq!(said.metadata["team"], "core", "{name}");
        assert_eq!(said.metadata["site"], "a b", "{name}");
    }
    // What is written again and again has the bucket's own class.
    let again = store
        .put(&key("again"), bytes("x"), Precondition::Absent)
        .await;
    assert!(matches!(again.unwrap(), Put::Written(_)));
    let said = service.object("again").unwrap().attributes;
    assert_eq!((said.class, said.metadata.len()), (None, 2));
    let odd = with(&service, "storage-class=GLACIER");
    let refused = odd.put(&key("odd"), bytes("x"), Precondition::Always).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn keys_of_the_user_and_of_the_key_service_are_sent_along() {
    let service = start(Rules::default());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    // 32 bytes of zeros, and their SHA-256.
    std::fs::write(&file, [0; 32]).unwrap();
    let digest = "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=";
    let query = format!("sse=customer&sse-customer-key-file={}", file.display());
    let own = with(&service, &query);
    let version = put(&own, "own", "secret").await;
    let said = service.object("own").unwrap().attributes;
    assert_eq!(said.key_digest.as_deref(), Some(digest));
    assert_eq!(read(&own, "own").await.unwrap(), b"secret");
    let again = own
        .put(
            &key("own"),
            bytes("more"),
            Precondition::Unchanged(&version),
        )
        .await;
    assert!(matches!(again.unwrap(), Put::Written(_)));
    let upload = own.begin(&key("parts")).await.unwrap();
    upload.part(0, bytes("x")).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(own.head(&key("parts")).await.unwrap().unwrap().size, 1);
    let error = read(&with(&service, ""), "own").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    std::fs::write(&file, "short").unwrap();
    let error = read(&with(&service, &query), "own").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");

    let name = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
    let kms = with(&service, &format!("sse=kms&sse-kms-key={name}"));
    put(&kms, "kms", "x").await;
    let said = service.object("kms").unwrap().attributes;
    assert_eq!(said.kms_key.as_deref(), Some(name));
    for query in ["sse=kms", "sse=dsse"] {
        let error = read(&with(&service, query), "kms").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn who_asks_pays_where_the_bucket_wants_it() {
    let service = start(Rules {
        requester_pays: Some("my-project".to_owned()),
        ..Rules::default()
    });
    let error = read(&with(&service, ""), "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.hint().unwrap().contains("?project="), "{error:?}");
    let error = read(&with(&service, "requester-pays=true"), "f")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no project"), "{error}");
    let error = read(&with(&service, "project=other"), "f")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let paying = with(&service, "requester-pays=true&project=my-project");
    put(&paying, "f", "x").await;
    assert_eq!(read(&paying, "f").await.unwrap(), b"x");
    assert_eq!(paying.list("", None).count().await, 1);
    paying.delete(&key("f")).await.unwrap();
}

#[tokio::test]
async fn tokens_are_judged_and_never_shown() {
    let service = start(Rules::default());
    service.write("f", "x");
    let other = |token| at(&service.endpoint(), "pail-test", "", token);
    let expired = other("ya29.expired");
    // Perhaps there is a new one by now.
    let error = read(&expired, "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    hides(&error);
    let error = read(&expired, "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.hint().unwrap().contains("gcloud"), "{error:?}");
    hides(&error);
    let reader = other(service.reader_token());
    assert_eq!(read(&reader, "f").await.unwrap(), b"x");
    for when in [Precondition::Always, Precondition::Absent] {
        let error = reader.put(&key("g"), bytes("x"), when).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(
            error.to_string().contains("storage.objects.create"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("roles/storage.objectUser"));
        hides(&error);
    }
    let error = reader.delete(&key("f")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let used = reader.credentials_used().unwrap();
    assert_eq!(used, "the environment (GOOGLE_OAUTH_ACCESS_TOKEN)");
    assert!(!format!("{reader:?} {}", reader.describe()).contains("ya29"));
}

#[tokio::test]
async fn a_public_bucket_is_read_without_credentials() {
    let service = start(Rules {
        public: true,
        ..Rules::default()
    });
    service.write("f", "open");
    let anonymous = with(&service, "anonymous=true");
    assert_eq!(read(&anonymous, "f").await.unwrap(), b"open");
    assert_eq!(anonymous.list("", None).count().await, 1);
    assert_eq!(anonymous.credentials_used(), None);
    let error = anonymous
        .put(&key("g"), bytes("x"), Precondition::Absent)
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let service = start(Rules::default());
    let store = at(&service.endpoint(), "other-bucket/repo", "", TOKEN);
    let error = read(&store, "f").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("cannot read f in gs+http://127.0.0.1:"),
        "{text}"
    );
    assert!(
        text.contains("/other-bucket/repo: no such bucket"),
        "{text}"
    );
    let listed = store.list("", None).next().await.unwrap().unwrap_err();
    assert_eq!(listed.kind(), ErrorKind::Missing, "{listed}");
}

#[tokio::test]
async fn what_others_wrote_under_odd_names_is_listed() {
    let service = start(Rules::default());
    for name in [
        "repo//double",
        "repo/a\\b",
        "repo/./x",
        "repo/",
        "repo/é +&=",
    ] {
        service.write(name, "x");
    }
    let store = at(&service.endpoint(), "pail-test/repo", "", TOKEN);
    let listed: Vec<_> = store
        .list("", None)
        .map_ok(|file| file.key)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed, ["", "./x", "/double", "a\\b", "é +&="]);
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused() {
    let location = Location::parse("gs://pail-test/repo?endpoint=http://storage.example").unwrap();
    let options = Options::gather(&location, []).unwrap();
    let opened = pail::store::open(&location, &options, env(TOKEN));
    let error = match opened {
        Ok(store) => store.head(&key("f")).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}

#[tokio::test]
async fn many_clients_over_one_object_a_second_lose_nothing() {
    // A hundredth of Google's pause: what matters is that most attempts meet it.
    let service = start(Rules {
        pause: Some(Duration::from_millis(10)),
        ..Rules::default()
    });
    let store = store(&service);
    put(&store, "count", "0").await;
    let clients = (0..4).map(|_| async {
        let mut done = 0;
        while done < 5 {
            let Got::Found(body) = store.get(&key("count"), Want::all()).await.unwrap() else {
                panic!("no count");
            };
            let version = body.info.version;
            let text: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
            let count: u32 = String::from_utf8(text.concat()).unwrap().parse().unwrap();
            let next = Bytes::from((count + 1).to_string());
            match store
                .put(&key("count"), next, Precondition::Unchanged(&version))
                .await
            {
                Ok(Put::Written(_)) => done += 1,
                Ok(Put::Lost) => {}
                // A no: nothing has to be read back.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    future::join_all(clients).await;
    assert_eq!(read(&store, "count").await.unwrap(), b"20");
}

/// A conditional write, until the service has time for it: a refusal for now is a no.
async fn patiently(store: &Google, name: &str, body: &'static str, when: Precondition<'_>) -> Put {
    loop {
        match store.put(&key(name), bytes(body), when).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tokio::time::sleep(Duration::from_millis(1200)).await;
            }
            done => return done.unwrap(),
        }
    }
}

/// Against Google itself, with the credentials of whoever runs it: see `docs/guide/google.md`.
#[tokio::test]
#[ignore = "needs a bucket at Google, named in PAIL_TEST_GOOGLE_BUCKET"]
async fn google_itself_keeps_its_promises() {
    let env: Arc<dyn Env> = Arc::new(SystemEnv);
    let bucket = env.var("PAIL_TEST_GOOGLE_BUCKET");
    let bucket = bucket.expect("PAIL_TEST_GOOGLE_BUCKET names a bucket");
    let fresh = SystemIds.hex().unwrap();
    let location = Location::parse(&format!("gs://{bucket}/pail-test/{fresh}")).unwrap();
    let options = Options::gather(&location, []).unwrap();
    let Location::Google(location) = location else {
        panic!("{location}");
    };
    let store = Google::open(&location, &options, env);
    let names = ["a b/ü+%20", "cas", "large", "race"];
    let Put::Written(first) = patiently(&store, "cas", "one", Precondition::Absent).await else {
        panic!("a fresh prefix");
    };
    assert_eq!(
        patiently(&store, "cas", "two", Precondition::Absent).await,
        Put::Lost
    );
    let over = Precondition::Unchanged(&first);
    let won = patiently(&store, "cas", "three", over).await;
    assert!(matches!(won, Put::Written(_)), "{won:?}");
    assert_eq!(patiently(&store, "cas", "four", over).await, Put::Lost);
    assert_eq!(read(&store, "cas").await.unwrap(), b"three");
    let info = store.head(&key("cas")).await.unwrap().unwrap();
    assert_eq!(won, Put::Written(info.version.clone()));
    let unless = Want {
        range: None,
        unless: Some(info.version),
    };
    let known = store.get(&key("cas"), unless).await.unwrap();
    assert!(matches!(known, Got::NotModified), "{known:?}");
    let race = key("race");
    let rivals = (0..8).map(|_| store.put(&race, Bytes::new(), Precondition::Absent));
    let answers = future::join_all(rivals).await;
    let won = answers
        .iter()
        .filter(|put| matches!(put, Ok(Put::Written(_))));
    assert_eq!(won.count(), 1, "{answers:?}");
    put(&store, names[0], "odd").await;
    let part = Bytes::from(vec![7; 5 << 20]);
    let upload = store.begin(&key("large")).await.unwrap();
    upload.part(1, bytes("end")).await.unwrap();
    upload.part(0, part).await.unwrap();
    upload.complete().await.unwrap();
    let Got::Found(body) = store
        .get(&key("large"), Want::range((5 << 20) - 1..(5 << 20) + 9))
        .await
        .unwrap()
    else {
        panic!("it was completed");
    };
    let tail: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
    assert_eq!(tail.concat(), b"\x07end");
    let listed = store.list("", None).map_ok(|file| file.key);
    assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap(), names);
    for name in names {
        while let Err(error) = store.delete(&key(name)).await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tokio::time::sleep(Duration::from_millis(1200)).await;
        }
    }
}

#[tokio::test]
async fn the_rules_of_a_bucket_are_told_to_those_who_may_see_them() {
    let delete = "<Rule><Action><Delete/></Action><Condition><Age>30</Age>\
                  <MatchesPrefix>team/</MatchesPrefix></Condition></Rule>";
    let service = start(Rules {
        lifecycle: delete.to_owned(),
        versioning: true,
        ..Rules::default()
    });
    let at = |path: &str, token: &str| at(&service.endpoint(), path, "", token);
    let rules = at("pail-test/team/repo", TOKEN).rules().await.unwrap();
    let Seen::Is(lifecycle) = &rules.lifecycle else {
        panic!("{rules:?}");
    };
    let told = (&*lifecycle[0].below, lifecycle[0].days, &lifecycle[0].does);
    assert_eq!(told, ("", Some(30), &Does::Deletes));
    assert_eq!(rules.versions, Seen::Is(true));
    let other = at("pail-test/other", TOKEN).rules().await.unwrap();
    assert_eq!(other.lifecycle, Seen::Is(Vec::new()));
    let reader = Rules::default().reader;
    let hidden = at("pail-test/team/repo", &reader).rules().await.unwrap();
    let Seen::Hidden(why) = hidden.lifecycle else {
        panic!("{hidden:?}");
    };
    assert!(why.contains("access denied"), "{why}");
}
