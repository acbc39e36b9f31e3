//! Lives as JSON, one object a life. The form is described in docs/reference/lives.md, has
//! a version, and leaves out what a step does not have.

mod charm;
mod step;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::life::{Life, Stage, Step};
use crate::vocabulary::{JujuVersion, Platform};
use crate::world::Profile;
use charm::CharmObject;
use step::{StepObject, Writer};

/// The version of the form. It changes when a reader of the old one would misread the new.
pub const SCHEMA: u32 = 1;

/// A life, as it is written.
#[derive(Serialize, Deserialize)]
struct LifeObject {
    schema: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    juju: SmolStr,
    platform: SmolStr,
    #[serde(default, skip_serializing_if = "is_false")]
    quirks: bool,
    charm: CharmObject,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    charms: Vec<CharmObject>,
    steps: Vec<StepObject>,
}

/// Why a text is no life.
#[derive(Debug, Error)]
pub enum UnreadableLife {
    /// It is no JSON, or not of this form.
    #[error("it is no life in charmproof's JSON: {0}")]
    Form(#[from] serde_json::Error),
    /// It is of a later version.
    #[error("it has schema {0}, and this charmproof reads schema {SCHEMA}")]
    Schema(u32),
    /// A word stands where another one should.
    #[error("step {step}: `{word}` is no {what} that this charmproof knows")]
    Word {
        /// The step, counted from 1.
        step: usize,
        /// What it should be.
        what: &'static str,
        /// What it is.
        word: String,
    },
    /// Something that a step needs is missing.
    #[error("step {step}: `{what}` is missing")]
    Missing {
        /// The step, counted from 1.
        step: usize,
        /// The key.
        what: &'static str,
    },
    /// A word about the whole stands where another one should.
    #[error("`{word}` is no {what} that this charmproof knows")]
    Header {
        /// What it should be.
        what: &'static str,
        /// What it is.
        word: String,
    },
}

/// Writes a life as one line, without the end of the line.
pub fn write(life: &Life) -> String {
    let mut deployments = life.stage.deployments.iter().map(CharmObject::of);
    let mut writer = Writer::new(life.stage.profile);
    let object = LifeObject {
        schema: SCHEMA,
        seed: life.seed,
        juju: life.stage.profile.version.to_string().into(),
        platform: match life.stage.profile.platform {
            Platform::Machine => "machine",
            Platform::Kubernetes => "k8s",
        }
        .into(),
        quirks: life.stage.has_quirks,
        charm: deployments.next().unwrap_or_default(),
        charms: deployments.collect(),
        steps: life.steps.iter().map(|step| writer.object(step)).collect(),
    };
    serde_json::to_string(&object).expect("names and numbers can always be written")
}

/// Reads a life that was written by [`write`], or by a program that has changed one.
pub fn read(text: &str) -> Result<Life, UnreadableLife> {
    /// Reads the version alone, so that a later form is not called broken.
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let version: Version = serde_json::from_str(text)?;
    if version.schema != SCHEMA {
        return Err(UnreadableLife::Schema(version.schema));
    }
    let object: LifeObject = serde_json::from_str(text)?;
    let unknown = |what, word: &str| UnreadableLife::Header { what, word: word.to_owned() };
    let version = JujuVersion::parse(&object.juju).ok_or_else(|| unknown("version of Juju", &object.juju))?;
    let platform = Platform::parse(&object.platform).ok_or_else(|| unknown("platform", &object.platform))?;
    let mut deployments = vec![object.charm.read()?];
    for charm in object.charms {
        deployments.push(charm.read()?);
    }
    let stage = Stage { profile: Profile { version, platform }, has_quirks: object.quirks, deployments };
    let steps: Result<Vec<Step>, _> =
        object.steps.into_iter().enumerate().map(|(index, step)| step.read(index + 1)).collect();
    Ok(Life { stage, seed: object.seed, steps: steps? })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
