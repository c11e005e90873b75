//! `git pail config`: the repository's own settings.

use super::stop::{Stop, invalid, say, show};
use super::{json, repository};
use crate::ui::table::{Side, columns};
use pail::format::Manifest;
use pail::format::settings::{self, Kind, Setting, SettingEdit};
use serde::Serialize;
use serde_json::Value;

/// Show or change the settings of a repository
///
/// These settings are kept in the repository itself, so they hold for everybody who uses
/// it; `docs/reference/settings.md` lists them. Without a name shows all of them, with a
/// name that one, with values sets it. Times are written 14d, 36h, 90m or 30s.
///
/// With --json, one object: url, and settings, a list of name, value, set (whether it is
/// set, or the default holds) and default. A time is a number of seconds, or null for ever;
/// on and off are true and false.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Where: a URL, or the name of a remote
    url: String,
    /// The setting
    name: Option<String>,
    /// What it shall be
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    /// Go back to the default
    #[arg(long, requires = "name", conflicts_with = "values")]
    unset: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Out {
    url: String,
    settings: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    value: Value,
    set: bool,
    default: &'static str,
}

pub(super) async fn run(args: Args) -> Result<(), Stop> {
    let named = args.name.as_deref().map(settings::find).transpose()?;
    let edit = match named {
        Some(setting) if args.unset => Some(SettingEdit::Unset(setting.name)),
        Some(setting) if !args.values.is_empty() => {
            let value = settings::parse(setting, &args.values).map_err(|error| {
                let hint = error.hint().unwrap_or("see `git pail config --help`");
                invalid(error.to_string(), hint)
            })?;
            Some(SettingEdit::Set(setting.name, value))
        }
        _ => None,
    };
    let remote = repository::open(Some(&args.url)).await?;
    if let (Some(edit), Some(setting)) = (edit, named) {
        let asked = if args.unset {
            format!("{} unset", setting.name)
        } else {
            format!("{}={}", setting.name, args.values.join(" "))
        };
        let who = repository::committer().await?;
        remote
            .change_settings("config", vec![edit], vec![asked], who)
            .await?;
    }
    let at = remote.existing().await?;
    let chosen = settings::ALL
        .iter()
        .filter(|one| named.is_none_or(|named| named.name == one.name));
    let mut shown = Vec::new();
    for setting in chosen {
        shown.push(Shown {
            name: setting.name,
            value: value(setting, &at.manifest)?,
            set: at.manifest.settings.contains_key(setting.name),
            default: setting.default,
        });
    }
    if args.json {
        let url = remote.context().store.describe();
        return json::print(&Out {
            url,
            settings: shown,
        });
    }
    match &shown[..] {
        [one] if named.is_some() => say(&text(&one.value)),
        _ => show(columns(&[Side::Left; 3], &rows(&shown)).as_bytes()),
    }
}

fn value(setting: &Setting, manifest: &Manifest) -> pail::Result<Value> {
    Ok(match setting.kind {
        Kind::Patterns => manifest.protected()?.into(),
        Kind::Time => time(setting, manifest)?.map_or(Value::Null, Value::from),
        Kind::Switch => manifest.heeds_locks()?.into(),
    })
}

/// A time that holds, in seconds; `None` for ever.
fn time(setting: &Setting, manifest: &Manifest) -> pail::Result<Option<i64>> {
    match setting.name {
        name if name == settings::LOG_RETENTION.name => manifest.log_retention(),
        name if name == settings::UNFINISHED_UPLOADS.name => {
            manifest.unfinished_uploads().map(Some)
        }
        _ => manifest.retention().map(Some),
    }
}

/// A value as it would be written on the command line.
fn text(value: &Value) -> String {
    match value {
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Null => "forever".to_owned(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        other => other
            .as_i64()
            .map_or_else(|| other.to_string(), settings::show_time),
    }
}

fn rows(shown: &[Shown]) -> Vec<Vec<String>> {
    let mut rows = vec![["setting", "value", ""].map(str::to_owned).to_vec()];
    for one in shown {
        let note = if one.set { "" } else { "(default)" };
        rows.push(vec![one.name.to_owned(), text(&one.value), note.to_owned()]);
    }
    rows
}
