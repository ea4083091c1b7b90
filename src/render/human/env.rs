//! What can be read here, for a person.

use super::{INDENT, labelled};
use crate::model::ability::Works;
use crate::model::text::Text;
use crate::phrase::join;
use crate::render::document::env::{EnvDocument, PlaceDocument, UserDocument};
use crate::render::style::{Style, wrapped};

/// The whole text.
pub fn render(document: &EnvDocument, style: Style) -> String {
    let line = |label: &str, text: &str| wrapped(style, &style.dim(label), INDENT, text);
    let mut out = line("user", &user(&document.user));
    let place = place(&document.place);
    out.push_str(&line("place", &format!("Linux {}, {place}", document.head.host.kernel)));
    out.push_str(&line("guards", &guards(&document.place)));
    out.push('\n');
    let rows = document.abilities.iter();
    let longest = rows.clone().map(|a| a.name.len()).max().unwrap_or_default();
    let head = format!("{:<longest$}  {:<6}  SEEN", "READS", "WORKS");
    out.push_str(&format!("{}\n", style.strong(&head)));
    for ability in rows {
        let works = format!("{:<6}", ability.works.word());
        let works = if ability.works > Works::Yes { style.strong(&works) } else { works };
        let label = format!("{:<longest$}  {works}", ability.name);
        out.push_str(&wrapped(style, &label, longest + 10, &ability.seen));
        if let Some(costs) = ability.costs {
            let room = " ".repeat(longest + 9);
            out.push_str(&wrapped(style, &room, longest + 10, &format!("so {costs}")));
        }
    }
    if !document.grants.is_empty() {
        out.push('\n');
    }
    for grant in &document.grants {
        let names: Vec<String> = grant.abilities.iter().map(ToString::to_string).collect();
        out.push_str(&line("grant", &join(&names, names.len())));
        out.push_str(&labelled(Style { width: None, ..style }, "", &grant.command));
    }
    out
}

fn user(user: &UserDocument) -> String {
    let uid = user.uid.map_or_else(|| "unknown".to_string(), |uid| uid.to_string());
    let name = match &user.name {
        Some(name) => format!("{name} ({uid})"),
        None => uid,
    };
    let have: Vec<String> = user.capabilities.iter().map(|c| format!("cap_{c}")).collect();
    match have.as_slice() {
        [] => format!("{name}, without capabilities that matter here"),
        have => format!("{name}, with {}", join(have, have.len())),
    }
}

fn place(place: &PlaceDocument) -> String {
    let namespaces = match (place.initial_user_namespace, place.initial_pid_namespace) {
        (Some(true), Some(true)) => "initial user and pid namespace",
        (Some(false), Some(true)) => "another user namespace than the initial one",
        (Some(true), Some(false)) => "another pid namespace than the initial one",
        (Some(false), Some(false)) => "user and pid namespace of a container's kind",
        _ => "user and pid namespace unknown",
    };
    let container = match &place.container {
        Some(name) => format!("container {name}"),
        None => "no container that shows itself".into(),
    };
    format!("{}, {namespaces}, {container}", place.netns)
}

fn guards(place: &PlaceDocument) -> String {
    let of = |name: &str, value: Option<&str>, none: &str| match value {
        Some(value) => format!("{name} {value}"),
        None => none.to_string(),
    };
    [
        of("hidepid", place.hidepid.as_ref().map(Text::as_str), "/proc shows every process"),
        of("yama ptrace_scope", place.ptrace_scope.as_ref().map(Text::as_str), "no Yama"),
        of("lockdown", place.lockdown.as_ref().map(Text::as_str), "no lockdown"),
    ]
    .join(", ")
}
