//! What the bucket does by itself: lifecycle and versions, as the XML interface tells them.

use super::Google;
use super::list::document;
use super::wire::Call;
use crate::error::{ErrorKind, Result};
use crate::store::adapter::asked::Act;
use crate::store::rules::below;
use crate::store::{Does, Lifecycle, Rules, Seen};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleConfiguration {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(default)]
    action: Action,
    #[serde(default)]
    condition: Condition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    #[serde(default)]
    delete: Option<Empty>,
    #[serde(default)]
    abort_incomplete_multipart_upload: Option<Empty>,
}

#[derive(Debug, Deserialize)]
struct Empty {}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    #[serde(default)]
    age: Option<u64>,
    #[serde(default)]
    is_live: Option<bool>,
    #[serde(default)]
    number_of_newer_versions: Option<u64>,
    #[serde(default)]
    days_since_noncurrent_time: Option<u64>,
    #[serde(default)]
    noncurrent_time_before: Option<String>,
    #[serde(default)]
    days_since_custom_time: Option<u64>,
    #[serde(default)]
    custom_time_before: Option<String>,
    #[serde(default)]
    matches_storage_class: Vec<String>,
    #[serde(default)]
    matches_prefix: Vec<String>,
    #[serde(default)]
    matches_suffix: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersioningConfiguration {
    #[serde(default)]
    status: String,
}

/// Asks for both.
pub(super) async fn ask(store: &Google) -> Result<Rules> {
    let root = &store.shared.root;
    let lifecycle = match setting::<LifecycleConfiguration>(store, "lifecycle").await? {
        Seen::Is(all) => Seen::Is(read(&all, root)),
        Seen::Hidden(why) => Seen::Hidden(why),
    };
    let versions = match setting::<VersioningConfiguration>(store, "versioning").await? {
        Seen::Is(all) => Seen::Is(all.status == "Enabled"),
        Seen::Hidden(why) => Seen::Hidden(why),
    };
    Ok(Rules {
        lifecycle,
        versions,
        lock: Seen::Hidden(
            "this interface of Google's does not tell retention policies".to_owned(),
        ),
    })
}

/// One setting of the bucket; what is refused is hidden, what fails is an error.
async fn setting<T: DeserializeOwned>(store: &Google, name: &'static str) -> Result<Seen<T>> {
    let asked = store.asked(Act::Settings, "");
    let call = Call::new(Method::GET, "").query(name, "");
    match document(store, call, &asked).await {
        Ok(found) => Ok(Seen::Is(found)),
        Err(error) => match error.kind() {
            ErrorKind::Denied | ErrorKind::Unsupported | ErrorKind::Invalid => {
                Ok(Seen::Hidden(error.to_string()))
            }
            _ => Err(error),
        },
    }
}

/// What the rules do with keys below `root`.
fn read(all: &LifecycleConfiguration, root: &str) -> Vec<Lifecycle> {
    let mut out = Vec::new();
    for (number, Rule { action, condition }) in all.rule.iter().enumerate() {
        let aborts = action.abort_incomplete_multipart_upload.is_some();
        if action.delete.is_none() && !aborts {
            // Every class is read at once.
            continue;
        }
        let old_only = condition.is_live == Some(false)
            || condition.number_of_newer_versions.is_some()
            || condition.days_since_noncurrent_time.is_some()
            || condition.noncurrent_time_before.is_some();
        let some = !condition.matches_suffix.is_empty()
            || !condition.matches_storage_class.is_empty()
            || condition.days_since_custom_time.is_some()
            || condition.custom_time_before.is_some();
        let everything = [String::new()];
        let prefixes = match &condition.matches_prefix[..] {
            [] => &everything[..],
            some => some,
        };
        for below in prefixes.iter().filter_map(|prefix| below(prefix, root)) {
            out.push(Lifecycle {
                name: format!("number {}", number + 1),
                below,
                some,
                days: condition.age.or(condition.days_since_noncurrent_time),
                does: match (aborts, old_only) {
                    (true, _) => Does::Aborts,
                    (false, true) => Does::DeletesVersions,
                    (false, false) => Does::Deletes,
                },
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of "Object Lifecycle Management" in Google's reference of its XML API.
    const RULES: &str = r#"<?xml version="1.0" ?>
        <LifecycleConfiguration>
          <Rule><Action><Delete/></Action>
            <Condition><Age>30</Age><IsLive>true</IsLive></Condition></Rule>
          <Rule><Action><Delete/></Action>
            <Condition><NumberOfNewerVersions>3</NumberOfNewerVersions></Condition></Rule>
          <Rule><Action><SetStorageClass>ARCHIVE</SetStorageClass></Action>
            <Condition><Age>365</Age></Condition></Rule>
          <Rule><Action><Delete/></Action>
            <Condition><Age>1</Age><MatchesPrefix>tmp/</MatchesPrefix>
              <MatchesPrefix>team/repo/lfs/</MatchesPrefix><MatchesSuffix>.zip</MatchesSuffix></Condition></Rule>
          <Rule><Action><AbortIncompleteMultipartUpload/></Action>
            <Condition><Age>7</Age></Condition></Rule>
        </LifecycleConfiguration>"#;

    #[test]
    fn rules_that_touch_the_prefix_are_told_with_what_they_do() {
        let all: LifecycleConfiguration = quick_xml::de::from_str(RULES).unwrap();
        let found = read(&all, "team/repo/");
        let told: Vec<_> = found.iter().map(Lifecycle::told).collect();
        assert_eq!(
            told,
            [
                ("number 1", "", false, Some(30), Does::Deletes),
                ("number 2", "", false, None, Does::DeletesVersions),
                ("number 4", "lfs/", true, Some(1), Does::Deletes),
                ("number 5", "", false, Some(7), Does::Aborts),
            ]
        );
    }
}
