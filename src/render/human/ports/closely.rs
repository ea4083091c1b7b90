//! One destination, closely: what is left, the last minute, what comes free, when it is full, what it bears and what would help.

use super::{place, whole};
use crate::phrase::{count, number, seconds};
use crate::render::document::ports::{DestinationDocument, PortsDocument};
use crate::render::human::labelled;
use crate::render::style::Style;

/// The lines.
pub(super) fn render(d: &DestinationDocument, document: &PortsDocument, style: Style) -> String {
    let mut out = style.strong(&format!("{} -> {}", super::source(d), place(d)));
    out.push('\n');
    let mut line = |label: &str, text: &str| out.push_str(&labelled(style, label, text));
    line("left", &left(d));
    if d.used > 0 {
        line("states", &super::super::states(&d.by_state.0));
    }
    if d.closes_last_60s.counts.iter().any(|n| *n > 0) {
        line("closes", &closes(d));
        line("", &sparkline(&d.closes_last_60s.counts));
        line("frees", &frees(d));
    }
    if let (Some(connects), Some(growth)) = (d.connect_rate_per_s, d.growth_per_s) {
        let over = f64::from(document.sampled_ms.unwrap_or_default()) / 1000.0;
        let text = format!(
            "{} connects/s over {}, {} open connections/s more",
            whole(connects.0),
            seconds(over),
            if growth.0 < 0.0 { format!("-{}", whole(-growth.0)) } else { whole(growth.0) }
        );
        line("sample", &text);
    }
    line("full", &full(d, document));
    line("bears", &bears(d, document));
    if d.reuse == "unknown" {
        line("reuse", "unknown: no open connection shows whether the peer uses timestamps");
    } else if let Some(reason) = d.reuse_reason {
        line("reuse", &format!("no: {reason}"));
    } else {
        line("reuse", &format!("yes: {} in TIME_WAIT count as free", number(d.reusable.into())));
    }
    let names: Vec<String> =
        d.owners.iter().map(|o| format!("{} ({})", o.name(), number(o.sockets.into()))).collect();
    let who = match names.is_empty() {
        true => if d.used == 0 { "nobody" } else { "nobody now: the kernel holds these ports" }
            .to_string(),
        false => crate::phrase::join(&names, 5),
    };
    line("who", &who);
    out
}

fn left(d: &DestinationDocument) -> String {
    let more = |n: u32| count(n.into(), "more connect() succeeds", "more connect() succeed");
    let mut text = match d.headroom == d.headroom_max {
        true => more(d.headroom),
        false => format!("{} to {}", number(d.headroom.into()), more(d.headroom_max)),
    };
    text.push_str(&match d.until_cliff {
        None => String::new(),
        Some(0) => ", each after a long search: the half that is tried first is full".into(),
        Some(n) => format!(", {} before every search gets long", number(n.into())),
    });
    text
}

fn closes(d: &DestinationDocument) -> String {
    let least = if d.close_rate_at_least { "at least " } else { "" };
    format!(
        "{least}{}/s by this side over the last 60 s, {}/s over the last 10 s",
        whole(d.close_rate_per_s.0),
        whole(d.close_rate_recent_per_s.0)
    )
}

/// Sixty seconds in sixty characters, the latest last; the lowest bar is none.
fn sparkline(closes: &[u32]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = u64::from(closes.iter().copied().max().unwrap_or_default().max(1));
    let bar = |n: &u32| {
        let height = (u64::from(*n) * 7).div_ceil(most) as usize;
        BARS.get(height).copied().unwrap_or('█')
    };
    closes.iter().map(bar).collect()
}

fn frees(d: &DestinationDocument) -> String {
    format!(
        "{} within 10 s, {} within 30 s, {} within 60 s",
        number(d.releases_10s.into()),
        number(d.releases_30s.into()),
        number(d.releases_60s.into())
    )
}

fn full(d: &DestinationDocument, document: &PortsDocument) -> String {
    let supposed = document.what_if.as_ref().and_then(|w| w.rate_per_s);
    let at = match (supposed, d.connect_rate_per_s) {
        (Some(rate), _) => format!("at {} connects/s", whole(rate.0)),
        (None, Some(rate)) => format!("at the sampled {} connects/s", whole(rate.0)),
        (None, None) => format!("if {}/s go on", whole(d.close_rate_recent_per_s.0)),
    };
    let cliff = match d.seconds_to_cliff {
        Some(s) if s.0 <= 0.0 => "; searches are long already".to_string(),
        Some(s) => format!("; searches get long in {}", seconds(s.0)),
        None => String::new(),
    };
    match (d.exhaustion, d.seconds_to_exhaustion) {
        ("now", _) => "now: connect() fails with EADDRNOTAVAIL".into(),
        ("in", Some(wall)) => format!("in {} {at}{cliff}", seconds(wall.0)),
        ("never", _) => format!("never {at}{cliff}"),
        _ if d.headroom == 0 && d.headroom_max > 0 => {
            "unknown: perhaps now, see how many are left".into()
        }
        _ => "unknown: nothing was closed here lately; growth takes two looks, --sample 5s".into(),
    }
}

fn bears(d: &DestinationDocument, document: &PortsDocument) -> String {
    let Some(rate) = d.max_rate_per_s else {
        return "more than TIME_WAIT limits: its table (tcp_max_tw_buckets) is smaller than the pool"
            .into();
    };
    let mut text = format!("{}/s for good", whole(rate.0));
    let with = &d.max_rate_with;
    let mut remedies = Vec::new();
    remedies.extend(with.tw_reuse.map(|r| format!("tcp_tw_reuse {}/s", whole(r.0))));
    remedies.extend(with.wider_range.map(|r| format!("range 15000-60999 {}/s", whole(r.0))));
    let doubled = match document.what_if.as_ref().and_then(|w| w.sources) {
        Some(n) if n > 1 => "twice as many source addresses",
        _ => "a second source address",
    };
    remedies.extend(with.two_sources.map(|r| format!("{doubled} {}/s", whole(r.0))));
    text.push_str(&format!("; with {}", remedies.join(", ")));
    text.push_str("; kept connections need no port anew");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_the_numbers() {
        assert_eq!(sparkline(&[0, 1, 50, 99, 100]), "▁▂▅██");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
    }
}
