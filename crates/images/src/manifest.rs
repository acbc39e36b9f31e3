//! What an image consists of: index, manifest and configuration, as OCI and Docker write them. Pure.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::Deserialize;

use crate::digest::Digest;
use crate::root::RootConfig;

/// The most that any of these documents may take; registries have the same limit.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// The annotation with the tag of an image in a layout.
const TAG: &str = "org.opencontainers.image.ref.name";
/// The annotation with its whole name.
const NAME: &str = "io.containerd.image.name";
/// How deep an index may name further ones.
pub(crate) const INDEX_DEPTH_MAX: usize = 3;

/// Something with a digest that an index or a manifest names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    variant: Option<String>,
}

/// An index or a manifest, whichever a digest turned out to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Document {
    /// Images for several platforms, or with several tags.
    Index(Vec<Descriptor>),
    /// One image.
    Manifest(Manifest),
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// What became of choosing among the images of an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    One(&'a Descriptor),
    /// None has that tag; those that there are.
    NoTag(String),
    /// None is for this machine; those that there are.
    NoPlatform(String),
}

/// The configuration of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) root: RootConfig,
    /// The digests of the layers as plain archives, lowest first.
    pub(crate) layers: Vec<Digest>,
}

/// Reads an index or a manifest. The answer to nonsense is one fragment.
pub(crate) fn read_document(bytes: &[u8]) -> Result<Document, String> {
    #[derive(Deserialize)]
    struct Either {
        #[serde(default)]
        manifests: Option<Vec<Descriptor>>,
        #[serde(default)]
        config: Option<Descriptor>,
        #[serde(default)]
        layers: Option<Vec<Descriptor>>,
        #[serde(default, rename = "schemaVersion")]
        version: Option<u32>,
    }
    let either: Either =
        serde_json::from_slice(bytes).map_err(|error| format!("its index or manifest is wrong: {error}"))?;
    match (either.manifests, either.config, either.layers) {
        (Some(manifests), None, None) => Ok(Document::Index(manifests)),
        (None, Some(config), Some(layers)) => Ok(Document::Manifest(Manifest { config, layers })),
        (_, _, _) if either.version == Some(1) => {
            Err("its manifest is of Docker's first version, which is not read; push the image anew".into())
        }
        (_, _, _) => Err("its manifest names neither images nor layers".into()),
    }
}

/// Chooses among the images of an index by tag, where one is asked for, and by the machine.
pub(crate) fn choose<'a>(images: &'a [Descriptor], tag: Option<&str>, architecture: &str) -> Choice<'a> {
    let named = |image: &&Descriptor| {
        tag.is_none_or(|tag| {
            let is = |key: &str| image.annotations.get(key).is_some_and(|name| name == tag);
            is(TAG) || is(NAME)
        })
    };
    let tagged: Vec<&Descriptor> = images.iter().filter(named).collect();
    if tagged.is_empty() {
        let tags: Vec<&str> =
            images.iter().filter_map(|image| image.annotations.get(TAG)).map(String::as_str).collect();
        return Choice::NoTag(listed(&tags));
    }
    if let ([image], None, None) = (images, tag, &tagged[0].platform) {
        return Choice::One(image);
    }
    let fits = |image: &&&Descriptor| {
        image.platform.as_ref().is_none_or(|platform| {
            platform.os == "linux"
                && platform.architecture == architecture
                && (architecture != "arm" || platform.variant.as_deref() != Some("v5"))
        })
    };
    if let Some(image) = tagged.iter().find(fits) {
        return Choice::One(image);
    }
    let platforms: Vec<String> = tagged
        .iter()
        .filter_map(|image| image.platform.as_ref())
        .map(|platform| format!("{}/{}", platform.os, platform.architecture))
        .collect();
    let platforms: Vec<&str> = platforms.iter().map(String::as_str).collect();
    Choice::NoPlatform(listed(&platforms))
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().take(10).map(|word| word.escape_debug().to_string()).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Returns this machine's architecture as images name it.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Reads the configuration of an image. The answer to nonsense is one fragment.
pub(crate) fn read_configuration(bytes: &[u8]) -> Result<Configuration, String> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(default)]
        config: Option<Inner>,
        rootfs: Layers,
    }
    #[derive(Deserialize)]
    struct Layers {
        #[serde(default)]
        diff_ids: Vec<Digest>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Inner {
        #[serde(default)]
        env: Option<Vec<String>>,
        #[serde(default)]
        entrypoint: Option<Vec<String>>,
        #[serde(default)]
        cmd: Option<Vec<String>>,
        #[serde(default)]
        user: Option<String>,
        #[serde(default)]
        working_dir: Option<String>,
    }
    let whole: Whole = serde_json::from_slice(bytes)
        .map_err(|error| format!("its configuration is none of an image: {error}"))?;
    let inner = whole.config.unwrap_or_default();
    let env = inner.env.unwrap_or_default();
    let variables = env.iter().filter_map(|variable| variable.split_once('='));
    let work_dir = inner.working_dir.filter(|folder| folder.starts_with('/'));
    Ok(Configuration {
        root: RootConfig {
            env: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            entrypoint: inner.entrypoint.unwrap_or_default(),
            cmd: inner.cmd.unwrap_or_default(),
            user: inner.user.filter(|user| !user.is_empty()),
            work_dir: Utf8PathBuf::from(work_dir.unwrap_or_else(|| "/".to_owned())),
        },
        layers: whole.rootfs.diff_ids,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn digest(text: &str) -> String {
        Digest::of(text.as_bytes()).to_string()
    }

    fn image(name: &str, platform: Option<(&str, &str)>, tag: Option<&str>) -> serde_json::Value {
        let mut image = json!({"digest": digest(name), "size": 1, "mediaType": "x"});
        if let Some((os, architecture)) = platform {
            image["platform"] = json!({"os": os, "architecture": architecture});
        }
        if let Some(tag) = tag {
            image["annotations"] = json!({TAG: tag});
        }
        image
    }

    fn check(images: &[serde_json::Value], tag: Option<&str>, expected: &str) {
        let Document::Index(images) =
            read_document(json!({"manifests": images}).to_string().as_bytes()).unwrap()
        else {
            panic!("no index");
        };
        let shown = match choose(&images, tag, "amd64") {
            Choice::One(image) => image.digest.to_string(),
            Choice::NoTag(tags) => format!("no tag: {tags}"),
            Choice::NoPlatform(platforms) => format!("no platform: {platforms}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_image_for_this_machine_is_chosen() {
        let arm = image("arm", Some(("linux", "arm64")), None);
        let amd = image("amd", Some(("linux", "amd64")), None);
        let attestation = image("attestation", Some(("unknown", "unknown")), None);
        check(&[arm.clone(), attestation.clone(), amd], None, &digest("amd"));
        check(&[arm, attestation], None, "no platform: linux/arm64, unknown/unknown");
        check(&[image("only", None, Some("7"))], None, &digest("only"));
        let tagged = [image("six", None, Some("6")), image("seven", None, Some("7"))];
        check(&tagged, Some("7"), &digest("seven"));
        check(&tagged, Some("8"), "no tag: 6, 7");
        check(&[], None, "no tag: nothing");
    }

    #[test]
    fn a_configuration_is_read() {
        let text = json!({
            "architecture": "amd64",
            "config": {"Env": ["PATH=/bin", "odd", "A=b=c"], "Cmd": ["sh"], "User": "", "WorkingDir": "srv"},
            "rootfs": {"type": "layers", "diff_ids": [digest("layer")]},
        });
        let configuration = read_configuration(text.to_string().as_bytes()).unwrap();
        assert_eq!(configuration.layers, [Digest::of(b"layer")]);
        assert_eq!(
            configuration.root,
            RootConfig {
                env: [("PATH", "/bin"), ("A", "b=c")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                cmd: vec!["sh".into()],
                work_dir: "/".into(),
                ..RootConfig::default()
            }
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "{", "[]", "{}", "{\"manifests\": 7}", "{\"layers\": []}", "null"] {
            assert!(read_document(text.as_bytes()).is_err(), "{text}");
            assert!(read_configuration(text.as_bytes()).is_err(), "{text}");
        }
        let evil = json!({"manifests": [{"digest": "sha256:../../../etc/passwd", "size": 1}]});
        assert!(read_document(evil.to_string().as_bytes()).unwrap_err().contains("no digest"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = read_document(text.as_bytes());
            let _ = read_configuration(text.as_bytes());
        }
    }
}
