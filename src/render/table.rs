//! Short tables by comfy-table, with every decision of colour, width and wrapping taken from it. Lists of sockets, through which a
//! hundred thousand rows pass, are written directly (`render::list::table`).

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

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
