//! Short tables by comfy-table, with every decision of colour, width and wrapping taken from it. Lists of sockets, through which a
//! hundred thousand rows pass, are written directly (`render::list::table`).

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::style::Style;

/// A short table: a head and rows, two blanks between columns, no lines, no trailing blanks. Numbers (columns named in `right`) are
/// set to the right.
pub fn short(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.to_vec());
    table.add_rows(rows.iter().cloned());
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A short table without the columns of least worth for which there is no room: those named in `drop_order` go first.
pub fn fitting(
    heads: Vec<&str>,
    rows: Vec<Vec<String>>,
    right: &[usize],
    drop_order: &[&str],
    style: Style,
) -> String {
    let (mut heads, mut rows, mut right) = (heads, rows, right.to_vec());
    for drop in drop_order {
        let text = short(&heads, &rows, &right);
        let widest = text.lines().map(|l| l.chars().count()).max().unwrap_or_default();
        if style.width.is_none_or(|width| widest <= width) {
            return text;
        }
        let Some(at) = heads.iter().position(|head| head == drop) else { continue };
        heads.remove(at);
        for row in rows.iter_mut().filter(|row| at < row.len()) {
            row.remove(at);
        }
        right.retain(|column| *column != at);
        for column in right.iter_mut().filter(|column| **column > at) {
            *column -= 1;
        }
    }
    short(&heads, &rows, &right)
}

/// The lines of a table, cut to the terminal, with or without its head.
pub fn lines(text: &str, header: bool, style: Style) -> String {
    let mut out = String::new();
    for (i, line) in text.lines().enumerate() {
        let line = cut(line, style);
        match i {
            0 if header => out.push_str(&style.strong(&line)),
            0 => continue,
            _ => out.push_str(&line),
        }
        out.push('\n');
    }
    out
}

/// A line that fits the terminal: the last columns are cut.
fn cut(line: &str, style: Style) -> String {
    match style.width {
        Some(width) if line.chars().count() > width => {
            line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        }
        _ => line.to_string(),
    }
}
