//! The services of the long tail, in one table.

#[cfg(feature = "long-tail")]
use super::LongTailLocation;

/// One service.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Service {
    /// How its URLs begin, before `://`.
    pub(in crate::store) scheme: &'static str,
    /// What people call it.
    pub(in crate::store) name: &'static str,
    /// What its URLs name.
    pub(in crate::store) place: Place,
    /// What opendal calls it.
    pub(in crate::store) opendal: &'static str,
    /// Settings that come from the environment, besides the place.
    pub(in crate::store) settings: &'static [Setting],
}

/// What stands behind the `://` of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Place {
    /// `host[:port]/folder`, reached by this scheme.
    Host(&'static str),
    /// `host/<version>/<account>/container/folder`, reached by this scheme.
    Container(&'static str),
    /// `bucket/folder`; the address is the option `endpoint`.
    Bucket,
    /// `/folder`: the account says the rest.
    Account,
}

/// A setting that opendal wants.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Setting {
    /// opendal's name for it.
    pub(in crate::store) field: &'static str,
    /// The variable of the environment that holds it.
    pub(in crate::store) variable: &'static str,
    /// Whether nothing works without it.
    pub(in crate::store) needed: bool,
}

const fn needed(field: &'static str, variable: &'static str) -> Setting {
    Setting {
        field,
        variable,
        needed: true,
    }
}

const fn optional(field: &'static str, variable: &'static str) -> Setting {
    Setting {
        field,
        variable,
        needed: false,
    }
}

const WEBDAV: &[Setting] = &[
    optional("username", "WEBDAV_USERNAME"),
    optional("password", "WEBDAV_PASSWORD"),
    optional("token", "WEBDAV_TOKEN"),
];
const WEB: &[Setting] = &[
    optional("username", "PAIL_HTTP_USERNAME"),
    optional("password", "PAIL_HTTP_PASSWORD"),
    optional("token", "PAIL_HTTP_TOKEN"),
];
const SWIFT: &[Setting] = &[needed("token", "OS_AUTH_TOKEN")];
const HDFS: &[Setting] = &[
    optional("user_name", "HADOOP_USER_NAME"),
    optional("delegation", "HADOOP_DELEGATION_TOKEN"),
];

/// Every service. The variables are those of each service's own programs, where it has any.
pub(in crate::store) const ALL: &[Service] = &[
    Service {
        scheme: "webdav+https",
        name: "WebDAV",
        place: Place::Host("https"),
        opendal: "webdav",
        settings: WEBDAV,
    },
    Service {
        scheme: "webdav+http",
        name: "WebDAV",
        place: Place::Host("http"),
        opendal: "webdav",
        settings: WEBDAV,
    },
    Service {
        scheme: "swift+https",
        name: "OpenStack Swift",
        place: Place::Container("https"),
        opendal: "swift",
        settings: SWIFT,
    },
    Service {
        scheme: "swift+http",
        name: "OpenStack Swift",
        place: Place::Container("http"),
        opendal: "swift",
        settings: SWIFT,
    },
    Service {
        scheme: "b2",
        name: "Backblaze B2",
        place: Place::Bucket,
        opendal: "b2",
        settings: &[
            needed("application_key_id", "B2_APPLICATION_KEY_ID"),
            needed("application_key", "B2_APPLICATION_KEY"),
            needed("bucket_id", "B2_BUCKET_ID"),
        ],
    },
    Service {
        scheme: "gdrive",
        name: "Google Drive",
        place: Place::Account,
        opendal: "gdrive",
        settings: &[
            optional("access_token", "GDRIVE_ACCESS_TOKEN"),
            optional("refresh_token", "GDRIVE_REFRESH_TOKEN"),
            optional("client_id", "GDRIVE_CLIENT_ID"),
            optional("client_secret", "GDRIVE_CLIENT_SECRET"),
        ],
    },
    Service {
        scheme: "onedrive",
        name: "OneDrive",
        place: Place::Account,
        opendal: "onedrive",
        settings: &[
            optional("access_token", "ONEDRIVE_ACCESS_TOKEN"),
            optional("refresh_token", "ONEDRIVE_REFRESH_TOKEN"),
            optional("client_id", "ONEDRIVE_CLIENT_ID"),
            optional("client_secret", "ONEDRIVE_CLIENT_SECRET"),
        ],
    },
    Service {
        scheme: "dropbox",
        name: "Dropbox",
        place: Place::Account,
        opendal: "dropbox",
        settings: &[
            optional("access_token", "DROPBOX_ACCESS_TOKEN"),
            optional("refresh_token", "DROPBOX_REFRESH_TOKEN"),
            optional("client_id", "DROPBOX_CLIENT_ID"),
            optional("client_secret", "DROPBOX_CLIENT_SECRET"),
        ],
    },
    Service {
        scheme: "oss",
        name: "Alibaba OSS",
        place: Place::Bucket,
        opendal: "oss",
        settings: &[
            needed("access_key_id", "ALIBABA_CLOUD_ACCESS_KEY_ID"),
            needed("access_key_secret", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            optional("security_token", "ALIBABA_CLOUD_SECURITY_TOKEN"),
        ],
    },
    Service {
        scheme: "cos",
        name: "Tencent COS",
        place: Place::Bucket,
        opendal: "cos",
        settings: &[
            needed("secret_id", "TENCENTCLOUD_SECRET_ID"),
            needed("secret_key", "TENCENTCLOUD_SECRET_KEY"),
            optional("security_token", "TENCENTCLOUD_TOKEN"),
        ],
    },
    Service {
        scheme: "obs",
        name: "Huawei OBS",
        place: Place::Bucket,
        opendal: "obs",
        settings: &[
            needed("access_key_id", "HUAWEICLOUD_SDK_AK"),
            needed("secret_access_key", "HUAWEICLOUD_SDK_SK"),
        ],
    },
    Service {
        scheme: "hdfs+https",
        name: "HDFS",
        place: Place::Host("https"),
        opendal: "webhdfs",
        settings: HDFS,
    },
    Service {
        scheme: "hdfs+http",
        name: "HDFS",
        place: Place::Host("http"),
        opendal: "webhdfs",
        settings: HDFS,
    },
    Service {
        scheme: "https",
        name: "a web server, read-only",
        place: Place::Host("https"),
        opendal: "http",
        settings: WEB,
    },
    Service {
        scheme: "http",
        name: "a web server, read-only",
        place: Place::Host("http"),
        opendal: "http",
        settings: WEB,
    },
];

impl Service {
    /// The one whose URLs begin so.
    pub(in crate::store) fn of(scheme: &str) -> Option<&'static Self> {
        ALL.iter().find(|service| service.scheme == scheme)
    }

    /// Where its secrets come from, in words.
    #[cfg(feature = "long-tail")]
    pub(in crate::store) fn credentials(&self, location: &LongTailLocation) -> Option<String> {
        if location.password.is_some() {
            return Some("the URL".to_owned());
        }
        let variables: Vec<&str> = self
            .settings
            .iter()
            .map(|setting| setting.variable)
            .collect();
        match self.place {
            _ if variables.is_empty() => None,
            _ => Some(format!("the environment ({})", variables.join(", "))),
        }
    }
}
