//! What `git annex info` shows.

use super::job::Job;
use super::settings::Settings;
use crate::conversation::Stop;
use pail::store::options::Service;

/// Tells of the place and of what new files get. No network.
pub(super) fn info(job: &Job, settings: &Settings) -> Result<(), Stop> {
    let place = &settings.place;
    let service = place.location.service();
    let mut fields = vec![("place", place.show("")), ("service", service.to_string())];
    if let Ok(options) = place.options(Vec::new()) {
        let limits = options.limits();
        let class = |class: String| ("storage class", class);
        fields.extend(options.storage_class.map(class));
        if service != Service::Folder {
            fields.push(("part size", crate::ui::bytes::human(limits.part)));
        }
    }
    for (name, value) in fields {
        job.say(format!("INFOFIELD {name}").as_bytes())?;
        job.say(format!("INFOVALUE {value}").as_bytes())?;
    }
    job.say(b"INFOEND")
}
