//! The layers in their order, and the plan that they make.

use super::{FormatError, Layer, Plan, decode, merge, quoted, validate};

/// All layers and what they make together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    plan: Plan,
}

/// Why a layer is not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddError {
    /// There is one with the label, and they are not to be combined.
    #[error("layer {} already exists", quoted(.0))]
    LabelExists(String),
    /// The layer is no layer.
    #[error("cannot parse layer YAML: {0}")]
    Text(FormatError),
    /// The plan would not be valid.
    #[error("{0}")]
    Format(#[from] FormatError),
    /// The layer belongs between others, and the request does not say that this is meant.
    #[error("cannot insert sub-directory layer without 'inner' attribute set")]
    NotInner,
}

impl Layers {
    /// The plan that the layers make.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Adds a layer. If it fails, nothing has changed.
    pub(crate) fn add(
        &mut self,
        label: &str,
        text: &str,
        combine: bool,
        inner: bool,
    ) -> Result<(), AddError> {
        let layer = decode::layer(label, text).map_err(AddError::Text)?;
        let found = self.layers.iter().position(|other| other.label == label);
        let mut layers = self.layers.clone();
        match found {
            Some(_) if !combine => return Err(AddError::LabelExists(label.to_owned())),
            Some(index) => {
                let mut combined = merge::layers([&layers[index], &layer].into_iter())?;
                combined.order = layers[index].order;
                label.clone_into(&mut combined.label);
                layers[index] = combined;
            }
            None => {
                let (index, order) = self.place(label);
                if index != layers.len() && !inner {
                    return Err(AddError::NotInner);
                }
                layers.insert(index, Layer { order, ..layer });
            }
        }
        self.plan = plan_of(&layers)?;
        self.layers = layers;
        Ok(())
    }

    /// Adds a layer of a file, whose name says its order.
    pub(crate) fn add_file(&mut self, order: u32, label: &str, text: &str) -> Result<(), FormatError> {
        let layer = Layer { order, ..decode::layer(label, text)? };
        let mut layers = self.layers.clone();
        layers.push(layer);
        self.plan = plan_of(&layers)?;
        self.layers = layers;
        Ok(())
    }

    /// Where a new layer goes, and its order: at the end, or behind the last of its folder. Layers have an
    /// order in thousands, those of a folder count up from there.
    fn place(&self, label: &str) -> (usize, u32) {
        let folder = |label: &str| label.split('/').next().unwrap_or_default().to_owned();
        let own = folder(label);
        if let Some(index) = self.layers.iter().rposition(|other| folder(&other.label) == own) {
            return (index + 1, self.layers[index].order + 1);
        }
        let Some(last) = self.layers.last() else { return (0, 1000) };
        let order = (last.order / 1000 + 1) * 1000;
        (self.layers.len(), order + u32::from(label.contains('/')))
    }
}

fn plan_of(layers: &[Layer]) -> Result<Plan, FormatError> {
    let combined = merge::layers(layers.iter())?;
    let plan =
        Plan { services: combined.services, checks: combined.checks, log_targets: combined.log_targets };
    validate::plan(&plan)?;
    Ok(plan)
}

/// Reads the name of a layer's file or folder, such as `001-base.yaml`: order and label.
pub(crate) fn read_layer_name<'a>(name: &'a str, ending: &str) -> Option<(u32, &'a str)> {
    let (digits, label) = name.strip_suffix(ending)?.split_once('-')?;
    let order = if digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()) {
        digits.parse().ok()?
    } else {
        return None;
    };
    let is_label = label.len() >= 3
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.contains("--")
        && !label.ends_with('-');
    is_label.then_some((order, label))
}

#[cfg(test)]
mod tests;
