//! Where an image is to come from, as a user writes it. Pure.

use camino::Utf8PathBuf;

use crate::reference::Reference;

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder with an OCI layout, and the tag in it.
    Layout { folder: Utf8PathBuf, tag: Option<String> },
    /// A file with an OCI layout, and the tag in it.
    OciArchive { file: Utf8PathBuf, tag: Option<String> },
    /// A file as `docker save` writes it, and the image in it.
    DockerArchive { file: Utf8PathBuf, image: Option<String> },
    /// A folder that is a root filesystem, or a tar file of one.
    Path(Utf8PathBuf),
    /// A recipe, by its name.
    Recipe(String),
    /// An image of a registry; recipes may have a say in it.
    Image(Reference),
}

impl Source {
    /// Reads what a user wrote. The answer to nonsense is one fragment.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".into());
        }
        let path_and_tag = |rest: &str| -> Result<(Utf8PathBuf, Option<String>), String> {
            let (path, tag) = match rest.split_once(':') {
                Some((path, tag)) if !tag.is_empty() => (path, Some(tag.to_owned())),
                Some((path, _)) => (path, None),
                None => (rest, None),
            };
            if path.is_empty() {
                return Err("a path has to follow the colon".into());
            }
            Ok((path.into(), tag))
        };
        if text.starts_with('/') || text.starts_with("./") || text.starts_with("../") {
            return Ok(Self::Path(text.into()));
        }
        if let Some(rest) = text.strip_prefix("docker://") {
            return Ok(Self::Image(Reference::read(rest)?));
        }
        if let Some((scheme, rest)) = text.split_once(':') {
            match scheme {
                "oci" => {
                    let (folder, tag) = path_and_tag(rest)?;
                    return Ok(Self::Layout { folder, tag });
                }
                "oci-archive" => {
                    let (file, tag) = path_and_tag(rest)?;
                    return Ok(Self::OciArchive { file, tag });
                }
                "docker-archive" => {
                    let (file, image) = path_and_tag(rest)?;
                    return Ok(Self::DockerArchive { file, image });
                }
                "dir" | "file" => return Ok(Self::Path(path_and_tag(rest)?.0)),
                "recipe" => return Ok(Self::Recipe(rest.to_owned())),
                _ => {}
            }
        }
        Ok(Self::Image(Reference::read(text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match Source::read(text) {
            Ok(source) => format!("{source:?}"),
            Err(why) => why,
        };
        assert!(shown.contains(expected), "`{text}` gave {shown}");
    }

    #[test]
    fn sources_are_told_apart() {
        check("oci:/srv/images:jammy", "Layout { folder: \"/srv/images\", tag: Some(\"jammy\") }");
        check("oci:images", "Layout { folder: \"images\", tag: None }");
        check("oci-archive:/x.tar", "OciArchive { file: \"/x.tar\", tag: None }");
        check(
            "docker-archive:/x.tar:redis:7",
            "DockerArchive { file: \"/x.tar\", image: Some(\"redis:7\") }",
        );
        check("/srv/root", "Path(\"/srv/root\")");
        check("./root.tar.gz", "Path(\"./root.tar.gz\")");
        check("recipe:redis", "Recipe(\"redis\")");
        check("redis:7", "repository: \"library/redis\"");
        check("localhost:5000/redis", "registry: \"localhost:5000\"");
        check("docker://ghcr.io/a/b", "registry: \"ghcr.io\"");
        check("oci:", "a path has to follow");
        check("  ", "it is empty");
        check("Redis", "lower case");
    }
}
