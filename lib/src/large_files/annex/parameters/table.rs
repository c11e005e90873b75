//! The table of parameters.

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Whether it is ours. Those of git-annex itself are read here and not listed as ours.
    pub ours: bool,
}

const fn ours(name: &'static str, help: &'static str) -> Parameter {
    Parameter {
        name,
        help,
        ours: true,
    }
}

const fn common(name: &'static str) -> Parameter {
    Parameter {
        name,
        help: "",
        ours: false,
    }
}

/// Every parameter that is read, in the order in which they are documented.
pub const ALL: &[Parameter] = &[
    ours(
        "url",
        "where the content lies: s3://bucket/prefix, s3+https://host/bucket, az://account/container, gs://bucket, file:///path; options as its query",
    ),
    ours(
        "fileprefix",
        "what stands before every name in the bucket; default annex/ with url=, nothing with bucket= and for trees",
    ),
    ours(
        "compress",
        "zstd: what gets smaller by it is stored in compressed form, which git-annex's own remotes cannot read; default no",
    ),
    ours("bucket", "name of the bucket, instead of url="),
    ours("host", "the S3 service; default s3.amazonaws.com"),
    ours("port", "its port, if it is not the usual one"),
    ours(
        "protocol",
        "https (the default) or http, which shows everything to the network",
    ),
    ours(
        "requeststyle",
        "path if the service wants the bucket in the path of addresses",
    ),
    ours("region", "what requests are signed for"),
    ours(
        "datacenter",
        "where the bucket is at Amazon: a region, US or EU",
    ),
    ours("signature", "v4 (the default) or anonymous"),
    ours(
        "storageclass",
        "the class of what is stored, such as STANDARD_IA",
    ),
    ours(
        "partsize",
        "size of the parts in which large files move; default 8MiB, 32MiB at most",
    ),
    ours(
        "restore",
        "yes: what lies in an archive is asked back when it is wanted; default no",
    ),
    ours("public", "yes if everyone may read what is stored"),
    ours(
        "publicurl",
        "address by which everyone can read what is stored",
    ),
    ours(
        "metadata",
        "name=value,…: what x-amz-meta-name=value is to git-annex's own remote",
    ),
    ours(
        "x-amz-tagging",
        "name=value&…: tags of each file that is stored",
    ),
    common("exporttree"),
    common("importtree"),
    common("annexobjects"),
    common("encryption"),
    common("onlyencryptcreds"),
    common("name"),
];
