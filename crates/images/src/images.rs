//! From the name of a base or of an image to a root.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Rights};
use crate::digest::Digest;
use crate::error::{ImageError, PullError};
use crate::host::{HostUserland, Wanted, config};
use crate::layout::Layout;
use crate::manifest::{
    Choice, Configuration, Document, INDEX_DEPTH_MAX, Manifest, architecture, choose, read_configuration,
    read_document,
};
use crate::python::{Interpreter, KnownBase, listed};
use crate::recipe::{Below, Book, Found, follow};
use crate::reference::Reference;
use crate::registry::Registry;
use crate::root::{Root, RootConfig};
use crate::settings::{Credentials, Settings, Standing};
use crate::source::Source;
use crate::unpack::{Kind, UnpackError, unpack};

/// How long a registry that did not answer is not asked again.
const PAUSE: Duration = Duration::from_mins(1);
/// How deep recipes may lie upon each other.
const DEPTH_MAX: usize = 4;

/// Gives roots, and keeps what they are made of.
#[derive(Debug, Clone)]
pub struct Images {
    cache: Cache,
    settings: Settings,
    book: Book,
    /// Registries that did not answer, with what they said, and when.
    silent: Arc<Mutex<BTreeMap<String, (Instant, String)>>>,
}

/// What an image of a registry stood for when it was last asked.
#[derive(Debug, Serialize, Deserialize)]
struct Pulled {
    manifest: Digest,
}

impl Images {
    /// Keeps everything in `cache`, a folder that nobody else may look into. The files with recipes that the
    /// settings name are read.
    pub fn new(cache: &Utf8Path, settings: Settings) -> Result<Self, ImageError> {
        let opened =
            Cache::open(cache).map_err(|source| ImageError::Cache { folder: cache.to_owned(), source })?;
        let mut book = Book::built_in()?;
        for path in settings.recipe_files.iter().rev() {
            book.read(path)?;
        }
        Ok(Self { cache: opened, settings, book, silent: Arc::default() })
    }

    /// Returns the same with the recipes of one more file, such as a charm's `charmproof-images.toml`, which
    /// need not exist. They are more important than all others.
    pub fn with_recipes(&self, path: &Utf8Path) -> Result<Self, ImageError> {
        let mut more = self.clone();
        more.book.read(path)?;
        Ok(more)
    }

    /// Returns the root of a machine or of a charm container on a base such as `ubuntu`, `24.04`.
    pub fn base(&self, name: &str, channel: &str) -> Result<Root, ImageError> {
        let version = channel.split('/').next().unwrap_or_default();
        let base = format!("{name}@{version}");
        match self.settings.roots.get(&base) {
            Some(given) => self.given(&base, given),
            None => self.stood_in(name, version, &base),
        }
    }

    /// Refuses a base that there can be no root for here, without making one.
    pub fn check_base(&self, name: &str, channel: &str) -> Result<(), ImageError> {
        let version = channel.split('/').next().unwrap_or_default();
        let base = format!("{name}@{version}");
        if self.settings.roots.contains_key(&base) {
            return Ok(());
        }
        self.known(name, version, &base).map(drop)
    }

    /// Returns the root of a workload container: an image's reference, `oci:FOLDER`, `oci-archive:FILE`,
    /// `docker-archive:FILE`, a folder, a tar file, or `recipe:NAME`.
    pub fn workload(&self, reference: &str, credentials: Option<&Credentials>) -> Result<Root, ImageError> {
        self.at_depth(reference, credentials, 0)
    }

    fn at_depth(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        depth: usize,
    ) -> Result<Root, ImageError> {
        let source = Source::read(reference)
            .map_err(|why| ImageError::Reference { reference: reference.to_owned(), why })?;
        match source {
            Source::Path(path) => self.path(&path, &format!("`{reference}`")),
            Source::Layout { folder, tag } => {
                let layout = Layout::folder(&folder, reference)?;
                self.of_layout(&layout, tag.as_deref(), reference)
            }
            Source::OciArchive { file, tag } => {
                let layout = Layout::archive(&file, reference)?;
                self.of_layout(&layout, tag.as_deref(), reference)
            }
            Source::DockerArchive { file, image } => {
                let layout = Layout::archive(&file, reference)?;
                self.of_saved(&layout, image.as_deref(), reference)
            }
            Source::Recipe(name) => match self.book.named(&name) {
                Some(found) => self.by_recipe(found, "latest", reference, depth),
                None => Err(ImageError::Reference {
                    reference: reference.to_owned(),
                    why: format!("there is no recipe `{name}`, only {}", self.book.names()),
                }),
            },
            Source::Image(image) => self.image(&image, reference, credentials, depth),
        }
    }

    fn image(
        &self,
        image: &Reference,
        asked: &str,
        credentials: Option<&Credentials>,
        depth: usize,
    ) -> Result<Root, ImageError> {
        let found = self.book.find(image);
        if let Some(found) = found
            && (!found.is_built_in() || self.settings.standing == Standing::Always)
        {
            return self.by_recipe(found, image.tag(), asked, depth);
        }
        match (self.pull(image, credentials), found) {
            (Err(ImageError::Pull { source, .. }), Some(found)) if source.is_unreachable() => {
                let mut root = self.by_recipe(found, image.tag(), asked, depth)?;
                root.warnings.push(format!("{source}; therefore the recipe"));
                Ok(root)
            }
            (answer, _) => answer,
        }
    }

    // ---------------------------------------------------------------- what is given

    fn given(&self, base: &str, given: &str) -> Result<Root, ImageError> {
        let mut root = match Source::read(given) {
            Ok(Source::Path(path)) => self.path(&path, &format!("`{base}`"))?,
            Ok(_) => self.workload(given, None)?,
            Err(why) => return Err(ImageError::Reference { reference: given.to_owned(), why }),
        };
        for (name, value) in config().env {
            root.config.env.entry(name).or_insert(value);
        }
        Ok(root)
    }

    /// A folder is used where it lies; a tar file is unpacked once, for as long as it does not change.
    fn path(&self, path: &Utf8Path, wanted_for: &str) -> Result<Root, ImageError> {
        let there = |source| ImageError::NotThere {
            path: path.to_owned(),
            wanted_for: wanted_for.to_owned(),
            source,
        };
        let path = path.canonicalize_utf8().map_err(there)?;
        let metadata = fs_err::metadata(&path).map_err(there)?;
        // What has the marks of an image is one, and no root.
        if metadata.is_dir() && path.join("oci-layout").is_file() {
            return self.of_layout(&Layout::folder(&path, path.as_str())?, None, path.as_str());
        }
        let layer = if metadata.is_dir() {
            path
        } else {
            match Layout::archive(&path, path.as_str()) {
                Ok(layout) if layout.has("oci-layout") => {
                    return self.of_layout(&layout, None, path.as_str());
                }
                Ok(layout) if layout.has("manifest.json") => {
                    return self.of_saved(&layout, None, path.as_str());
                }
                // It has too many entries for an image, or is compressed.
                Ok(_) | Err(_) => {}
            }
            let changed =
                metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let key = Digest::of(format!("tree {path} {} {changed:?}", metadata.len()).as_bytes());
            self.layer(&key, path.as_str(), |folder| {
                let file = fs_err::File::open(&path)?;
                unpack(file, folder, Kind::Tree, self.cache.rights(), self.settings.limits).map(drop)
            })?
        };
        let config = RootConfig { work_dir: "/".into(), ..RootConfig::default() };
        Ok(Root { layers: vec![layer], binds: Vec::new(), config, warnings: Vec::new() })
    }

    fn of_layout(&self, layout: &Layout, tag: Option<&str>, place: &str) -> Result<Root, ImageError> {
        let manifest = layout.image(tag)?;
        let configuration = configuration(&layout.blob(&manifest.config)?, place)?;
        self.put_together(&configuration, manifest.layers.len(), place, |index, folder| {
            let descriptor = &manifest.layers[index];
            let reader =
                layout.open(descriptor).map_err(|error| UnpackError::Damaged { why: error.to_string() })?;
            self.unpack_layer(reader, folder, &configuration.layers[index])
        })
    }

    fn of_saved(&self, layout: &Layout, image: Option<&str>, place: &str) -> Result<Root, ImageError> {
        let saved = layout.saved(image)?;
        let configuration = configuration(&saved.configuration, place)?;
        self.put_together(&configuration, saved.layers.len(), place, |index, folder| {
            let reader = layout
                .open_named(&saved.layers[index])
                .map_err(|error| UnpackError::Damaged { why: error.to_string() })?;
            self.unpack_layer(reader, folder, &configuration.layers[index])
        })
    }

    /// Makes a root of layers, of which only those are unpacked that are not there yet.
    fn put_together(
        &self,
        configuration: &Configuration,
        count: usize,
        place: &str,
        fill: impl Fn(usize, &Utf8Path) -> Result<(), UnpackError>,
    ) -> Result<Root, ImageError> {
        let broken = |why: String| ImageError::Broken { place: place.to_owned(), why };
        if configuration.layers.len() != count {
            let named = configuration.layers.len();
            return Err(broken(format!("its manifest has {count} layers and its configuration {named}")));
        }
        let most = self.settings.limits.layers;
        if count == 0 || count > most {
            return Err(broken(format!("it has {count} layers, and between 1 and {most} are possible")));
        }
        let mut layers = Vec::new();
        for (index, digest) in configuration.layers.iter().enumerate() {
            let layer = self.layer(digest, place, |folder| fill(index, folder))?;
            // An empty layer may be named twice, which an overlay does not like.
            layers.retain(|other| *other != layer);
            layers.insert(0, layer);
        }
        Ok(Root { layers, binds: Vec::new(), config: configuration.root.clone(), warnings: Vec::new() })
    }

    fn layer(
        &self,
        key: &Digest,
        place: &str,
        fill: impl FnOnce(&Utf8Path) -> Result<(), UnpackError>,
    ) -> Result<Utf8PathBuf, ImageError> {
        let layer = self.cache.layer(key, fill);
        layer.map_err(|source| ImageError::Unpack { place: place.to_owned(), source })
    }

    fn unpack_layer(
        &self,
        reader: impl std::io::Read,
        folder: &Utf8Path,
        expected: &Digest,
    ) -> Result<(), UnpackError> {
        let found = unpack(reader, folder, Kind::Layer, self.cache.rights(), self.settings.limits)?;
        if found != *expected {
            return Err(UnpackError::Digest { found: found.to_string(), expected: expected.to_string() });
        }
        Ok(())
    }

    // ---------------------------------------------------------------- what stands in

    fn host(&self) -> HostUserland<'_> {
        HostUserland { cache: &self.cache, root: Utf8Path::new("/") }
    }

    /// Returns what is known of a base, and its Python on this host.
    fn known(&self, name: &str, version: &str, base: &str) -> Result<(KnownBase, Interpreter), ImageError> {
        let known = KnownBase::find(name, version)
            .ok_or_else(|| ImageError::UnknownBase { base: base.to_owned(), known: KnownBase::all() })?;
        let (major, minor) = known.python;
        let no_python = || ImageError::NoPython {
            base: base.to_owned(),
            wanted: format!("{major}.{minor}"),
            found: listed(&self.settings.interpreters),
        };
        let program = self.settings.interpreters.get(&known.python).ok_or_else(no_python)?;
        Ok((known, Interpreter::at(known.python, program).map_err(|_| no_python())?))
    }

    fn stood_in(&self, name: &str, version: &str, base: &str) -> Result<Root, ImageError> {
        let (known, interpreter) = self.known(name, version, base)?;
        let host = self.host();
        let mut root = self.upon_host(
            base,
            &Wanted {
                interpreter: Some(&interpreter),
                base: Some(known),
                os_release: self.settings.os_release,
                is_machine: true,
            },
        )?;
        if !host.is(known) {
            root.warnings.push(format!(
                "{base} is stood in for by {}, this host's own userland, with Python {}",
                host.name(),
                interpreter.name()
            ));
        }
        if self.cache.rights() == Rights::User {
            root.warnings.push(format!(
                "{base} has the host's /usr, read-only: without root, no packages can be installed in it"
            ));
        }
        Ok(root)
    }

    /// Returns a root whose lowest layer is this host's userland.
    fn upon_host(&self, base: &str, wanted: &Wanted<'_>) -> Result<Root, ImageError> {
        let host = self.host();
        if let Some(why) = host.objection() {
            return Err(ImageError::HostUnusable { base: base.to_owned(), why: why.to_owned() });
        }
        let made = host
            .layer(wanted)
            .map_err(|error| ImageError::HostUnusable { base: base.to_owned(), why: error.to_string() })?;
        Ok(Root { layers: made.layers, binds: made.binds, config: config(), warnings: Vec::new() })
    }

    fn by_recipe(&self, found: Found<'_>, tag: &str, asked: &str, depth: usize) -> Result<Root, ImageError> {
        let of_recipe = |source| ImageError::Recipe { recipe: found.name.to_owned(), source };
        let below = match found.recipe.base.as_deref().unwrap_or("host") {
            "host" => {
                let wanted = Wanted {
                    interpreter: None,
                    base: None,
                    os_release: self.settings.os_release,
                    is_machine: false,
                };
                Below { root: self.upon_host(found.name, &wanted)?, is_host: true }
            }
            base if is_base(base) => {
                let (name, channel) = base.split_once('@').unwrap_or((base, ""));
                let root = self.base(name, channel)?;
                let is_host = root.is_upon_host();
                Below { root, is_host }
            }
            _ if depth >= DEPTH_MAX => {
                return Err(of_recipe(crate::error::RecipeError::Value {
                    key: "base".to_owned(),
                    why: "recipes lie upon each other without end".to_owned(),
                }));
            }
            image => {
                let root = self.at_depth(image, None, depth + 1)?;
                let is_host = root.is_upon_host();
                Below { root, is_host }
            }
        };
        let mut root = follow(found, tag, below, &self.cache, &self.settings).map_err(of_recipe)?;
        let whose = if found.is_built_in() { "charmproof's recipe" } else { "the recipe" };
        let what = found.recipe.summary.as_ref().map_or(String::new(), |summary| format!(": {summary}"));
        root.warnings
            .insert(0, format!("the image {asked} is stood in for by {whose} `{}`{what}", found.name));
        Ok(root)
    }

    // ---------------------------------------------------------------- what registries have

    /// Returns an image of a registry. Where that does not answer, what it gave before will do.
    fn pull(&self, image: &Reference, credentials: Option<&Credentials>) -> Result<Root, ImageError> {
        let name = image.to_string();
        let kept: Option<Pulled> = self.cache.note(&name);
        let wanted = image.digest().map_or_else(|| image.tag().to_owned(), Digest::to_string);
        let fresh = if image.digest().is_some() && kept.is_some() {
            // A digest always stands for the same.
            None
        } else {
            Some(self.ask(image, credentials, &wanted))
        };
        match fresh {
            Some(Ok((digest, manifest))) => {
                let root = self.pulled(&manifest, image, credentials, &name)?;
                let noted = self.cache.keep_note(&name, &Pulled { manifest: digest });
                noted.map_err(|source| self.cache_error(source))?;
                Ok(root)
            }
            Some(Err(source)) if !source.is_unreachable() => {
                Err(ImageError::Pull { reference: name, source })
            }
            gone => {
                let manifest = kept.and_then(|pulled| {
                    let bytes = fs_err::read(self.cache.blob_path(&pulled.manifest)).ok()?;
                    match read_document(&bytes) {
                        Ok(Document::Manifest(manifest)) => Some(manifest),
                        Ok(Document::Index(_)) | Err(_) => None,
                    }
                });
                match (manifest, gone) {
                    (Some(manifest), gone) => {
                        let mut root = self.pulled(&manifest, image, credentials, &name)?;
                        if let Some(Err(error)) = gone {
                            root.warnings
                                .push(format!("{error}; {name} is what it was when it was last pulled"));
                        }
                        Ok(root)
                    }
                    (None, Some(Err(source))) => Err(ImageError::Pull { reference: name, source }),
                    (None, _) => {
                        // It was pulled by its digest once, and is not whole any more.
                        let (_, manifest) = self
                            .ask(image, credentials, &wanted)
                            .map_err(|source| ImageError::Pull { reference: name.clone(), source })?;
                        self.pulled(&manifest, image, credentials, &name)
                    }
                }
            }
        }
    }

    /// Asks for the manifest, unless the registry just did not answer.
    fn ask(
        &self,
        image: &Reference,
        credentials: Option<&Credentials>,
        wanted: &str,
    ) -> Result<(Digest, Manifest), PullError> {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, why)) = silent().get(image.registry())
            && since.elapsed() < PAUSE
        {
            return Err(PullError::Unreachable { registry: image.registry().to_owned(), why: why.clone() });
        }
        let registry = Registry::new(image, credentials, &self.settings.insecure_registries);
        let answer = self.resolve(&registry, image, wanted);
        match &answer {
            Err(PullError::Unreachable { why, .. }) => {
                silent().insert(image.registry().to_owned(), (Instant::now(), why.clone()));
            }
            Ok(_) | Err(_) => {
                silent().remove(image.registry());
            }
        }
        answer
    }

    fn resolve(
        &self,
        registry: &Registry<'_>,
        image: &Reference,
        wanted: &str,
    ) -> Result<(Digest, Manifest), PullError> {
        let wrong = |why: String| PullError::Wrong {
            registry: image.registry().to_owned(),
            what: image.to_string(),
            why,
        };
        let (mut digest, mut bytes) = registry.document(wanted)?;
        for _ in 0..=INDEX_DEPTH_MAX {
            match read_document(&bytes).map_err(wrong)? {
                Document::Manifest(manifest) => {
                    self.cache.keep_blob(&digest, &bytes)?;
                    return Ok((digest, manifest));
                }
                Document::Index(images) => match choose(&images, None, architecture()) {
                    Choice::One(chosen) => {
                        (digest, bytes) = registry.document(&chosen.digest.to_string())?;
                    }
                    Choice::NoTag(offered) | Choice::NoPlatform(offered) => {
                        let machine = architecture();
                        return Err(wrong(format!("it has nothing for linux/{machine}, only for {offered}")));
                    }
                },
            }
        }
        Err(wrong("its indexes name each other".to_owned()))
    }

    /// Makes a root of a manifest. Only what is not there yet is fetched.
    fn pulled(
        &self,
        manifest: &Manifest,
        image: &Reference,
        credentials: Option<&Credentials>,
        name: &str,
    ) -> Result<Root, ImageError> {
        let failed = |source| ImageError::Pull { reference: name.to_owned(), source };
        let registry = Registry::new(image, credentials, &self.settings.insecure_registries);
        let kept = fs_err::read(self.cache.blob_path(&manifest.config.digest)).ok();
        let kept = kept.filter(|bytes| Digest::of(bytes) == manifest.config.digest);
        let bytes = kept.map_or_else(|| registry.blob(&manifest.config).map_err(failed), Ok)?;
        self.cache.keep_blob(&manifest.config.digest, &bytes).map_err(|source| self.cache_error(source))?;
        let configuration = configuration(&bytes, name)?;
        // What the registry said is kept aside: within a layer there are only errors of unpacking.
        let refused = Mutex::new(None);
        let root = self.put_together(&configuration, manifest.layers.len(), name, |index, folder| {
            let descriptor = &manifest.layers[index];
            let limit = self.settings.limits.bytes;
            if descriptor.size > limit {
                return Err(UnpackError::TooMuch { what: "bytes", most: limit });
            }
            let _lock = self.cache.lock(&format!("download-{}", descriptor.digest.short()))?;
            let file =
                self.cache.folder().join("temporary").join(format!("download-{}", descriptor.digest.hex()));
            registry.fetch(descriptor, &file).map_err(|error| {
                let why = error.to_string();
                *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                UnpackError::Damaged { why }
            })?;
            self.unpack_layer(fs_err::File::open(&file)?, folder, &configuration.layers[index])?;
            // The layer is what is kept.
            Ok(fs_err::remove_file(&file)?)
        });
        match (root, refused.into_inner().unwrap_or_else(PoisonError::into_inner)) {
            (Err(_), Some(source)) => Err(failed(source)),
            (root, _) => root,
        }
    }

    fn cache_error(&self, source: std::io::Error) -> ImageError {
        ImageError::Cache { folder: self.cache.folder().to_owned(), source }
    }
}

fn configuration(bytes: &[u8], place: &str) -> Result<Configuration, ImageError> {
    read_configuration(bytes).map_err(|why| ImageError::Broken { place: place.to_owned(), why })
}

/// Whether a recipe's `base` is a base of charms, and not an image with a digest.
fn is_base(text: &str) -> bool {
    matches!(text.split_once('@'), Some((name, channel)) if !name.contains(['/', ':']) && !channel.contains(':'))
}
