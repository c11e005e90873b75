//! What the bucket does by itself: lifecycle, versions, object lock.

use super::list::document;
use super::{S3, refusal};
use crate::error::Result;
use crate::store::adapter::asked::Act;
use crate::store::adapter::http::Refusal;
use crate::store::rules::below;
use crate::store::{Does, Lifecycle, Lock, Rules, Seen};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What S3 answers to GetBucketLifecycleConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleConfiguration {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(default)]
    status: String,
    /// The older spelling of a filter.
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    filter: Option<Filter>,
    #[serde(default)]
    expiration: Option<Expiration>,
    #[serde(default)]
    transition: Vec<Transition>,
    #[serde(default)]
    noncurrent_version_expiration: Option<Noncurrent>,
    #[serde(default)]
    abort_incomplete_multipart_upload: Option<Abort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    and: Option<And>,
    #[serde(default)]
    tag: Option<Tag>,
    #[serde(default)]
    object_size_greater_than: Option<u64>,
    #[serde(default)]
    object_size_less_than: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct And {
    #[serde(default)]
    prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tag {}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Expiration {
    #[serde(default)]
    days: Option<u64>,
    #[serde(default)]
    date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transition {
    #[serde(default)]
    days: Option<u64>,
    #[serde(default)]
    storage_class: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Noncurrent {
    #[serde(default)]
    noncurrent_days: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Abort {
    #[serde(default)]
    days_after_initiation: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersioningConfiguration {
    #[serde(default)]
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectLockConfiguration {
    #[serde(default)]
    rule: Option<LockRule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockRule {
    default_retention: DefaultRetention,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DefaultRetention {
    #[serde(default)]
    mode: String,
    #[serde(default)]
    days: Option<u64>,
    #[serde(default)]
    years: Option<u64>,
}

/// Asks for all three.
pub(super) async fn ask(store: &S3) -> Result<Rules> {
    let none = |code: Option<&str>| code == Some("NoSuchLifecycleConfiguration");
    let lifecycle = setting(store, "lifecycle", none).await?;
    let versions = setting(store, "versioning", |_| false).await?;
    let no_lock = |code: Option<&str>| code == Some("ObjectLockConfigurationNotFoundError");
    let lock = setting(store, "object-lock", no_lock).await?;
    let root = match store.shared.location.prefix() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    Ok(Rules {
        lifecycle: map(lifecycle, |all| read(&all, &root)),
        versions: map(versions, |all: VersioningConfiguration| {
            // Where they are suspended, those that are there stay.
            all.status == "Enabled"
        }),
        lock: map(lock, locked),
    })
}

/// One setting of the bucket; what is refused is hidden, what fails is an error.
async fn setting<T: DeserializeOwned + Default>(
    store: &S3,
    name: &str,
    none: impl Fn(Option<&str>) -> bool,
) -> Result<Seen<T>> {
    let asked = store.asked(Act::Settings, "");
    let open = store.opened().await?;
    Ok(
        match document(open, "", &format!("{name}="), &asked).await? {
            Ok(found) => Seen::Is(found),
            Err(refused) if none(refusal::code(&refused)) => Seen::Is(T::default()),
            Err(refused) if hides(&refused) => {
                Seen::Hidden(refusal::explain(&asked, &refused).to_string())
            }
            Err(refused) => return Err(refusal::explain(&asked, &refused)),
        },
    )
}

/// Whether somebody does not tell: it is forbidden, or this service has no such thing.
fn hides(refused: &Refusal) -> bool {
    matches!(refused.status.as_u16(), 400 | 401 | 403 | 404 | 405 | 501)
}

fn map<T, U>(seen: Seen<T>, with: impl FnOnce(T) -> U) -> Seen<U> {
    match seen {
        Seen::Is(one) => Seen::Is(with(one)),
        Seen::Hidden(why) => Seen::Hidden(why),
    }
}

/// What the rules in force do with keys below `root`.
fn read(all: &LifecycleConfiguration, root: &str) -> Vec<Lifecycle> {
    let mut out = Vec::new();
    for (number, rule) in all.rule.iter().enumerate() {
        if rule.status != "Enabled" {
            continue;
        }
        let filter = rule.filter.as_ref();
        let and = filter.and_then(|filter| filter.and.as_ref());
        let prefix = and
            .and_then(|and| and.prefix.as_deref())
            .or(filter.and_then(|filter| filter.prefix.as_deref()))
            .or(rule.prefix.as_deref());
        let Some(below) = below(prefix.unwrap_or(""), root) else {
            continue;
        };
        let some = and.is_some()
            || filter.is_some_and(|filter| {
                let sizes = [
                    filter.object_size_greater_than,
                    filter.object_size_less_than,
                ];
                filter.tag.is_some() || sizes.iter().any(Option::is_some)
            });
        let one = |days: Option<u64>, does: Does| Lifecycle {
            name: match rule.id.as_str() {
                "" => format!("number {}", number + 1),
                id => id.to_owned(),
            },
            below: below.clone(),
            some,
            days,
            does,
        };
        let expiration = rule.expiration.as_ref();
        // What is left deletes the marks of deleted files only.
        let expiration = expiration.filter(|one| one.days.is_some() || one.date.is_some());
        out.extend(expiration.map(|found| one(found.days, Does::Deletes)));
        let archives = rule
            .transition
            .iter()
            .filter(|found| ["GLACIER", "DEEP_ARCHIVE"].contains(&found.storage_class.as_str()));
        out.extend(archives.map(|found| {
            let class = found.storage_class.clone();
            one(found.days, Does::Archives(class))
        }));
        let versions = rule.noncurrent_version_expiration.as_ref();
        out.extend(versions.map(|found| one(found.noncurrent_days, Does::DeletesVersions)));
        let abort = rule.abort_incomplete_multipart_upload.as_ref();
        out.extend(abort.map(|found| one(found.days_after_initiation, Does::Aborts)));
    }
    out
}

fn locked(all: ObjectLockConfiguration) -> Option<Lock> {
    let DefaultRetention { mode, days, years } = all.rule?.default_retention;
    let time = match (days, years) {
        (Some(days), _) => format!("{days} days"),
        (None, Some(years)) => format!("{years} years"),
        (None, None) => "some time".to_owned(),
    };
    Some(Lock {
        words: format!(
            "object lock keeps each version for {time} ({})",
            mode.to_lowercase()
        ),
        replaces: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of the examples of "Examples of S3 Lifecycle configurations" in the S3
    /// User Guide.
    const RULES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
          <Rule><ID>all</ID><Filter/><Status>Enabled</Status>
            <Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>
            <Transition><Days>90</Days><StorageClass>GLACIER</StorageClass></Transition>
            <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>
            <NoncurrentVersionExpiration><NoncurrentDays>10</NoncurrentDays></NoncurrentVersionExpiration>
          </Rule>
          <Rule><Filter><And><Prefix>team/repo/lfs/</Prefix>
              <Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>
            <Status>Enabled</Status><Expiration><Days>365</Days></Expiration></Rule>
          <Rule><ID>old</ID><Prefix>team/</Prefix><Status>Enabled</Status>
            <Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>
          <Rule><ID>marks</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>
            <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>
          <Rule><ID>off</ID><Filter/><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule>
          <Rule><ID>elsewhere</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status>
            <Expiration><Days>1</Days></Expiration></Rule>
        </LifecycleConfiguration>"#;

    #[test]
    fn rules_that_touch_the_prefix_are_told_with_what_they_do() {
        let all: LifecycleConfiguration = quick_xml::de::from_str(RULES).unwrap();
        let found = read(&all, "team/repo/");
        let told: Vec<_> = found.iter().map(Lifecycle::told).collect();
        assert_eq!(
            told,
            [
                (
                    "all",
                    "",
                    false,
                    Some(90),
                    Does::Archives("GLACIER".to_owned())
                ),
                ("all", "", false, Some(10), Does::DeletesVersions),
                ("all", "", false, Some(7), Does::Aborts),
                ("number 2", "lfs/", true, Some(365), Does::Deletes),
                ("old", "", false, None, Does::Deletes),
            ]
        );
    }

    #[test]
    fn a_lock_is_told_by_its_mode_and_time() {
        let xml = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>\
                   <Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention>\
                   </Rule></ObjectLockConfiguration>";
        let lock = locked(quick_xml::de::from_str(xml).unwrap()).unwrap();
        assert!(lock.words.contains("30 days (governance)"), "{lock:?}");
        let none = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>\
                    </ObjectLockConfiguration>";
        assert_eq!(locked(quick_xml::de::from_str(none).unwrap()), None);
    }
}
