//! Messages that a target's `log-profile` changes.

use super::{Message, emit};
use crate::runtime::Runtime;
use expr::logformat::LogFormat;
use expr::view::View;
use model::log::{LogProfile, LogTarget, ProfileStep};
use std::sync::Arc;

/// What a profile says about a logging step, its `any` when it does not name the step (configuration manual, 8.3.5).
#[must_use]
pub fn step_for<'p>(profile: &'p LogProfile, step: &str) -> Option<&'p ProfileStep> {
    let named = |name: &str| profile.steps.iter().find(|(of, _)| **of == *name);
    named(step).or_else(|| named("any")).map(|(_, step)| step)
}

/// Sends the message of a logging step, as each target's profile wants it. `forced` takes the place of every target's own
/// profile (`do-log profile`).
pub fn emit_step(
    runtime: &Arc<Runtime>,
    targets: &[Arc<LogTarget>],
    (step, forced): (&str, Option<&LogProfile>),
    message: &Message<'_>,
    view: &dyn View,
) {
    if forced.is_none() && targets.iter().all(|target| target.profile.is_none()) {
        return emit(runtime, targets, message);
    }
    let (mut text, mut structured_data) = (Vec::new(), Vec::new());
    for target in targets {
        let only = std::slice::from_ref(target);
        let Some(profile) = forced.or(target.profile.as_deref()) else {
            emit(runtime, only, message);
            continue;
        };
        let changes = step_for(profile, step);
        if changes.is_some_and(|changes| changes.drop) {
            continue;
        }
        let format = changes.and_then(|changes| changes.format.as_deref());
        let structure = changes.and_then(|changes| changes.structured_data.as_deref());
        let changed = Message {
            level: message.level,
            tag: profile.tag.as_deref().unwrap_or(message.tag),
            text: render(format, view, &mut text).unwrap_or(message.text),
            structured_data: render(structure, view, &mut structured_data)
                .unwrap_or(message.structured_data),
        };
        emit(runtime, only, &changed);
    }
}

fn render<'o>(
    format: Option<&LogFormat>,
    view: &dyn View,
    out: &'o mut Vec<u8>,
) -> Option<&'o [u8]> {
    let format = format?;
    out.clear();
    format.render(view, out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_fall_back_to_any() {
        let drop = ProfileStep {
            drop: true,
            ..ProfileStep::default()
        };
        let steps = vec![
            ("close".into(), ProfileStep::default()),
            ("any".into(), drop),
        ];
        let profile = LogProfile {
            steps,
            ..LogProfile::default()
        };
        assert!(step_for(&profile, "close").is_some_and(|step| !step.drop));
        assert!(step_for(&profile, "error").is_some_and(|step| step.drop));
        assert!(step_for(&LogProfile::default(), "close").is_none());
    }
}
