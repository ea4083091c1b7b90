//! The rules that found nothing: what is clear, what could not be told, what was passed over.

use super::super::INDENT;
use crate::model::place::quoted;
use crate::render::style::{Style, wrapped};
use crate::rules::engine::Report;
use crate::rules::outcome::{Cause, Outcome};

/// Rules without a finding that are named; more of them are counted.
const MAX_CLEAR: usize = 5;

/// What is clear and what could not be told.
pub(super) fn outcomes(report: &Report, is_of_many: bool, style: Style) -> String {
    let mut clear = Vec::new();
    // Rules that share a reason share its words.
    let mut unseen: Vec<(&str, Vec<String>)> = Vec::new();
    let mut absent: Vec<(&str, Vec<String>)> = Vec::new();
    for (rule, outcome) in &report.outcomes {
        let (cause, why) = match outcome {
            Outcome::Fired(_) => continue,
            Outcome::Clear(_) => {
                clear.push(rule.id.to_string());
                continue;
            }
            Outcome::NotEvaluated(cause, why) => (cause, why.as_str()),
        };
        let list = if *cause == Cause::Unseen { &mut unseen } else { &mut absent };
        match list.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, ids)) => ids.push(rule.id.to_string()),
            None => list.push((why, vec![rule.id.to_string()])),
        }
    }
    let told = |list: &[(&str, Vec<String>)]| {
        let parts: Vec<String> =
            list.iter().map(|(why, ids)| format!("{} ({why})", ids.join(", "))).collect();
        parts.join("; ")
    };
    let mut out = String::new();
    if !clear.is_empty() {
        let text = match clear.len() {
            n if n > MAX_CLEAR => format!("{n} rules; --json has what each of them saw"),
            _ => clear.join(", "),
        };
        out.push_str(&wrapped(style, &style.dim("clear"), INDENT, &text));
    }
    if !unseen.is_empty() {
        out.push_str(&wrapped(style, &style.strong("unknown"), INDENT, &told(&unseen)));
    }
    if !absent.is_empty() {
        out.push_str(&wrapped(style, &style.dim("skipped"), INDENT, &told(&absent)));
    }
    if !report.findings.is_empty() {
        let first = report.findings.first();
        let id = first.map_or("", |f| f.id);
        // Advice is given for one namespace at a time.
        let advise = advice(first.filter(|_| is_of_many).map(|f| f.netns.as_str()));
        out.push_str(&wrapped(
            style,
            &style.dim("more"),
            INDENT,
            &format!("tcpvet explain {id}; {advise}"),
        ));
    }
    out
}

/// The command that advises on a namespace; the caller's own goes by no name that could be typed.
fn advice(netns: Option<&str>) -> String {
    match netns.filter(|name| !name.starts_with("net:[")) {
        Some(name) => format!("tcpvet -N {} advise", quoted(name)),
        None => "tcpvet advise".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_asked_for_where_the_finding_is() {
        assert_eq!(advice(Some("red")), "tcpvet -N red advise");
        assert_eq!(advice(Some("pid:812")), "tcpvet -N pid:812 advise");
        assert_eq!(advice(Some("net:[4026531833]")), "tcpvet advise");
        assert_eq!(advice(None), "tcpvet advise");
    }
}
