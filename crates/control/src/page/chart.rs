//! The last hour as a small chart.

use model::live::history::MINUTES;
use std::fmt::Write;

/// Width and height of the chart's coordinates; a minute is two wide.
const HEIGHT: u64 = 20;

/// Writes requests per minute as bars, with errors in front of them; nothing while there was no traffic.
pub fn write(samples: &[(u32, u32)], name: &str, out: &mut String) {
    let most = samples.iter().map(|(all, _)| *all).max().unwrap_or(0);
    let errors: u64 = samples.iter().map(|(_, bad)| u64::from(*bad)).sum();
    let total: u64 = samples.iter().map(|(all, _)| u64::from(*all)).sum();
    if most == 0 {
        return;
    }
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {} {HEIGHT}\" role=\"img\" preserveAspectRatio=\"none\"><title>",
        2 * MINUTES
    );
    super::words::escape(name, out);
    let minutes = samples.len();
    let _ = write!(
        out,
        ": {total} in the last {minutes} min, at most {most} in one; {errors} errors</title>"
    );
    let first = MINUTES - minutes.min(MINUTES);
    let bars = |class: &str, pick: fn(&(u32, u32)) -> u32, out: &mut String| {
        let _ = write!(out, "<path class=\"{class}\" d=\"");
        for (at, sample) in samples.iter().enumerate() {
            let value = u64::from(pick(sample));
            if value > 0 {
                let height = (value * HEIGHT).div_ceil(u64::from(most)).min(HEIGHT);
                let x = 2 * (first + at);
                let _ = write!(out, "M{x} {HEIGHT}v-{height}h1.6v{height}z");
            }
        }
        out.push_str("\"/>");
    };
    bars("all", |sample| sample.0, out);
    if errors > 0 {
        bars("errors", |sample| sample.1, out);
    }
    out.push_str("</svg>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_minutes() {
        let mut out = String::new();
        write(&[(0, 0)], "x", &mut out);
        assert_eq!(out, "");
        write(&[(10, 0), (20, 5)], "<x>", &mut out);
        assert!(out.contains("M116 20v-10h1.6v10z"), "{out}");
        assert!(out.contains("M118 20v-20h1.6v20z"), "{out}");
        assert!(out.contains("class=\"errors\""), "{out}");
        assert!(out.contains("&lt;x&gt;: 30 in the last 2 min"), "{out}");
    }
}
