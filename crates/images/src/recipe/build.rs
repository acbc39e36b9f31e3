//! Follows a recipe.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::files::{read_version, with_sources, with_tag, write_files, write_users};
use super::steps::{Step, Steps};
use super::{Found, Recipe, apt};
use crate::cache::Cache;
use crate::digest::Digest;
use crate::error::RecipeError;
use crate::farm;
use crate::python::{Interpreter, listed};
use crate::root::{Bind, Root};
use crate::settings::Settings;
use crate::skeleton::Skeleton;

/// Changes whenever recipes are followed in another way than before.
const FORMAT: &str = "recipe 1";
/// Where Python packages are seen.
const ENVIRONMENT: &str = "/opt/charmproof/venv";
/// The versions that most packages have wheels for, the best first.
const PREFERRED: [(u32, u32); 6] = [(3, 12), (3, 11), (3, 10), (3, 13), (3, 14), (3, 9)];

/// What a recipe is made upon.
pub(crate) struct Below {
    pub(crate) root: Root,
    /// Whether its lowest layer is this host's userland, so that programs of the host run there.
    pub(crate) is_host: bool,
}

/// Makes the root that a recipe describes, or returns the one that was made.
pub(crate) fn follow(
    found: Found<'_>,
    tag: &str,
    below: Below,
    cache: &Cache,
    settings: &Settings,
) -> Result<Root, RecipeError> {
    let mut recipe = found.recipe.clone();
    with_sources(&mut recipe, found.folder)?;
    with_tag(&mut recipe, tag);
    for (key, is_used) in [("python", !recipe.python.is_empty()), ("apt", !recipe.apt.is_empty())] {
        if is_used && !below.is_host {
            return Err(RecipeError::Value {
                key: key.to_owned(),
                why:
                    "packages are taken from this host, so `base` has to be `host` or a base it stands in for"
                        .to_owned(),
            });
        }
    }
    let Below { mut root, .. } = below;
    let environment =
        if recipe.python.is_empty() { None } else { Some(environment(&recipe, cache, settings)?) };
    let mut binds = Vec::new();
    let mut key = vec![FORMAT.to_owned(), serde_json::to_string(&recipe).map_err(std::io::Error::from)?];
    if let Some((interpreter, folder)) = &environment {
        binds.extend(interpreter.binds());
        binds.push(Bind { source: folder.join("venv"), target: ENVIRONMENT.into() });
        key.push(folder.to_string());
    }
    key.extend(root.layers.iter().map(Utf8PathBuf::to_string));
    let key = Digest::of(serde_json::to_string(&key).map_err(std::io::Error::from)?.as_bytes());
    let layer = cache.layer::<RecipeError>(&key, |folder| {
        let layer = Skeleton { layer: folder, below: &root.layers, rights: cache.rights() };
        if !recipe.apt.is_empty() {
            let work = cache.folder().join("temporary").join(format!("steps-{}", key.short()));
            crate::cache::remove(&work)?;
            fs_err::create_dir(&work)?;
            let steps = Steps::begin(builder(settings)?, work.clone(), folder)?;
            apt::install(&recipe.apt, folder, cache, &steps, settings.limits)?;
            crate::cache::remove(&work)?;
        }
        layer.begin()?;
        write_users(&recipe.users, &layer)?;
        if let Some((_, folder)) = &environment {
            link_programs(&folder.join("venv/bin"), &layer)?;
        }
        write_files(&recipe, &layer)?;
        for bind in &binds {
            layer.mount_point(&bind.target)?;
        }
        // Where `/usr` is links to the host's, folders of the layer get those that they cover.
        Ok(farm::unfold_above(folder, &root.layers)?)
    })?;
    root.layers.insert(0, layer);
    root.binds.extend(binds.into_iter().filter(|bind| !root.binds.contains(bind)).collect::<Vec<_>>());
    describe(&recipe, &mut root);
    Ok(root)
}

/// Puts what the recipe says of processes over what lies below says.
fn describe(recipe: &Recipe, root: &mut Root) {
    root.config.env.extend(recipe.env.clone());
    if !recipe.entrypoint.is_empty() || !recipe.cmd.is_empty() {
        root.config.entrypoint.clone_from(&recipe.entrypoint);
        root.config.cmd.clone_from(&recipe.cmd);
    }
    if recipe.user.is_some() {
        root.config.user.clone_from(&recipe.user);
    }
    if let Some(folder) = &recipe.work_dir {
        root.config.work_dir = folder.into();
    }
}

fn builder(settings: &Settings) -> Result<&crate::settings::Builder, RecipeError> {
    settings.builder.as_ref().ok_or(RecipeError::NoProgram {
        program: "charmproof's sandbox".to_owned(),
        hint: "whoever asks for this root gave nothing to follow recipes with",
    })
}

/// Returns the interpreter for a recipe.
fn choose(
    recipe: &Recipe,
    interpreters: &BTreeMap<(u32, u32), Utf8PathBuf>,
) -> Result<Interpreter, RecipeError> {
    let wanted: Vec<(u32, u32)> = if recipe.python_versions.is_empty() {
        PREFERRED.to_vec()
    } else {
        recipe.python_versions.iter().filter_map(|version| read_version(version)).collect()
    };
    let found = wanted.iter().find_map(|version| Some((*version, interpreters.get(version)?)));
    let (version, program) = found.ok_or_else(|| RecipeError::NoPython {
        wanted: wanted.iter().map(|(a, b)| format!("Python {a}.{b}")).collect::<Vec<_>>().join(" or "),
        found: listed(interpreters),
    })?;
    Ok(Interpreter::at(version, program)?)
}

/// Returns the interpreter, and the folder with the packages of a recipe in `venv`.
fn environment(
    recipe: &Recipe,
    cache: &Cache,
    settings: &Settings,
) -> Result<(Interpreter, Utf8PathBuf), RecipeError> {
    let interpreter = choose(recipe, &settings.interpreters)?;
    let mut wanted = recipe.python.clone();
    wanted.sort();
    let key = format!("{FORMAT} {interpreter:?} {wanted:?}");
    let key = Digest::of(key.as_bytes());
    let folder = cache.environment::<RecipeError>(&key, |folder| {
        let builder = builder(settings)?;
        let uv = builder.uv.as_deref().ok_or(RecipeError::NoProgram {
            program: "uv".to_owned(),
            hint: "`charmproof doctor` says how charmproof finds it",
        })?;
        // Where it lies may be a link to a place that steps do not see.
        let uv = &uv.canonicalize_utf8().unwrap_or_else(|_| uv.to_owned());
        fs_err::create_dir_all(&builder.uv_cache)?;
        let steps = Steps::begin(builder, folder.join("making"), folder)?;
        let prefix = folder.join("venv");
        let variables = [
            ("UV_CACHE_DIR", builder.uv_cache.as_str()),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_NO_PROGRESS", "1"),
            // The cache may lie in another tree than the environment, where no hard link reaches.
            ("UV_LINK_MODE", "copy"),
            // The environment is read-only where it is used.
            ("UV_COMPILE_BYTECODE", "1"),
        ];
        let run = |what: &'static str, arguments: &[String]| {
            steps.run(&Step {
                what,
                program: uv,
                arguments,
                variables: &variables,
                visible: &[&interpreter.prefix, &interpreter.program, uv],
                writable: &[&builder.uv_cache],
            })
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let python = interpreter.program.as_str();
        run(
            "making a Python environment",
            &words(&["venv", "--relocatable", "--no-project", "--python", python, prefix.as_str()]),
        )?;
        let inside = prefix.join("bin/python");
        let mut install = words(&["pip", "install", "--python", inside.as_str(), "--"]);
        install.extend(wanted.iter().cloned());
        run("installing Python packages", &install)?;
        // Home, temporary files and the log: of no use any more.
        Ok(crate::cache::remove(&folder.join("making"))?)
    })?;
    Ok((interpreter, folder))
}

/// Puts the programs of an environment where they are looked for.
fn link_programs(programs: &Utf8Path, layer: &Skeleton<'_>) -> Result<(), RecipeError> {
    let mut names: Vec<String> = Vec::new();
    for entry in programs.read_dir_utf8()? {
        names.push(entry?.file_name().to_owned());
    }
    names.sort();
    for name in names {
        let (place, program) = (format!("/usr/local/bin/{name}"), format!("{ENVIRONMENT}/bin/{name}"));
        if name.starts_with("activate") || name.ends_with(".bat") {
            continue;
        }
        if name.starts_with("python") {
            // Python looks for its environment beside the name that it was called by.
            layer.write(&place, format!("#!/bin/sh\nexec {program} \"$@\"\n").as_bytes(), 0o755)?;
        } else {
            layer.link(&place, &program)?;
        }
    }
    Ok(())
}
