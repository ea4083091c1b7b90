//! The vocabulary for a person.

use crate::render::document::fields::Fields;
use crate::render::style::{Style, wrapped};

/// Column at which the documentation begins.
const INDENT: usize = 44;

/// Every field on a line of its own, wrapped on a terminal.
pub fn render(document: &Fields, style: Style) -> String {
    let head = format!("{:<28}  {:<12}{}", "NAME", "KIND", "  MEANING");
    let mut out = style.strong(&head);
    out.push('\n');
    for field in &document.fields {
        let label = format!("{:<28}  {:<12}", field.name, field.kind);
        let option = field.option.map(|o| format!(" ({o})")).unwrap_or_default();
        out.push_str(&wrapped(style, &label, INDENT, &format!("{}{option}", field.doc)));
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}
