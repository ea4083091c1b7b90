//! Tables: short ones by comfy-table, with every decision of colour, width and wrapping taken from it; the socket list written
//! directly, because a hundred thousand rows pass through it.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::style::Style;
use crate::fields::value::Value;
use crate::fields::{DROP_ORDER, Field, Row};

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

/// The socket list. In a pipe every column stands at its full width; on a terminal the columns of least worth are dropped until
/// the rest fits, and then the last column is cut with `…`. Addresses are never broken.
pub fn sockets<'a>(
    fields: &[&Field],
    rows: impl Iterator<Item = Row<'a>> + Clone,
    header: bool,
    style: Style,
) -> String {
    let widths: Vec<usize> = measure(fields, rows.clone(), header);
    let kept = fit(fields, &widths, style.width);
    let mut out = String::new();
    let mut line = String::new();
    if header {
        for (i, (field, width)) in kept.iter().enumerate() {
            let last = i + 1 == kept.len();
            cell(&mut line, field.header, *width, field.right, last);
        }
        flush(&mut out, &mut line, style);
    }
    let mut text = String::new();
    for row in rows {
        for (i, (field, width)) in kept.iter().enumerate() {
            text.clear();
            display(&mut text, &(field.get)(&row));
            cell(&mut line, &text, *width, field.right, i + 1 == kept.len());
        }
        flush(&mut out, &mut line, style);
    }
    out
}

fn display(text: &mut String, value: &Value) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{value}");
}

/// The widest value of every column.
fn measure<'a>(fields: &[&Field], rows: impl Iterator<Item = Row<'a>>, header: bool) -> Vec<usize> {
    let head = |f: &&Field| if header { f.header.len() } else { 0 };
    let mut widths: Vec<usize> = fields.iter().map(head).collect();
    let mut text = String::new();
    for row in rows {
        for (field, width) in fields.iter().zip(widths.iter_mut()) {
            text.clear();
            display(&mut text, &(field.get)(&row));
            *width = (*width).max(text.chars().count());
        }
    }
    widths
}

/// Drops columns until the others fit; the last column needs twelve places only, since it may be cut.
fn fit<'f>(
    fields: &[&'f Field],
    widths: &[usize],
    limit: Option<usize>,
) -> Vec<(&'f Field, usize)> {
    let mut kept: Vec<(&Field, usize)> =
        fields.iter().copied().zip(widths.iter().copied()).collect();
    let Some(limit) = limit else { return kept };
    for name in DROP_ORDER {
        let fixed: usize = kept.iter().rev().skip(1).map(|(_, w)| w + 2).sum();
        let last = kept.last().map_or(0, |(_, w)| (*w).min(12));
        if fixed + last <= limit {
            break;
        }
        kept.retain(|(f, _)| f.name != name);
    }
    kept
}

fn cell(line: &mut String, text: &str, width: usize, right: bool, last: bool) {
    if !line.is_empty() {
        line.push_str("  ");
    }
    let blanks = width.saturating_sub(text.chars().count());
    if right {
        line.extend(std::iter::repeat_n(' ', blanks));
    }
    line.push_str(text);
    if !right && !last {
        line.extend(std::iter::repeat_n(' ', blanks));
    }
}

/// Ends a line: trailing blanks go, and on a terminal what passes the width.
fn flush(out: &mut String, line: &mut String, style: Style) {
    let text = line.trim_end();
    match style.width {
        Some(width) if text.chars().count() > width => {
            out.extend(text.chars().take(width.saturating_sub(1)));
            out.push('…');
        }
        _ => out.push_str(text),
    }
    out.push('\n');
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{defaults, find};
    use crate::model::state::State;
    use crate::model::testing::*;

    fn scene() -> crate::model::Snapshot {
        let mut s = fresh();
        let mut one = socket(
            State::Established,
            "[2001:db8:1234:5678::1]:40000",
            "[2001:db8:ffff:ffff::2]:443",
        );
        one.inode = 5;
        s.sockets.push(one);
        hold(&mut s, 5, 4242, 3);
        process(&mut s, 4242, "a-long-name-000", 1, 1);
        s.sockets.push(time_wait("127.0.0.1:40000", "127.0.0.1:443", 500));
        s
    }

    fn list(width: Option<usize>) -> String {
        let s = scene();
        let rows = s.sockets.iter().map(|socket| Row { snapshot: &s, socket });
        sockets(&defaults(), rows, true, Style { color: false, width })
    }

    #[test]
    fn a_pipe_gets_everything_and_no_trailing_blank() {
        let text = list(None);
        assert_eq!(
            text,
            "STATE        RECV-Q  SEND-Q  LOCAL                          PEER                         TIMER           PROCESS\n\
             established       0       0  [2001:db8:1234:5678::1]:40000  [2001:db8:ffff:ffff::2]:443  -               a-long-name-000[4242]\n\
             time_wait         0       0  127.0.0.1:40000                127.0.0.1:443                timewait:59.5s  (kernel)\n"
        );
    }

    #[test]
    fn at_80_columns_no_line_is_longer_and_no_address_is_broken() {
        let text = list(Some(80));
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert!(
            text.contains("[2001:db8:1234:5678::1]:40000  [2001:db8:ffff:ffff::2]:443  a-l"),
            "{text}"
        );
        assert!(list(Some(200)).contains("TIMER"));
    }

    #[test]
    fn short_tables_have_no_trailing_blanks() {
        let rows = vec![vec!["a".to_string(), "1".to_string()], vec!["bb".into(), "22".into()]];
        assert_eq!(short(&["NAME", "N"], &rows, &[1]), "NAME   N\na      1\nbb    22\n");
    }

    #[test]
    fn chosen_columns_keep_the_order_in_which_they_were_chosen() {
        let s = scene();
        let rows = s.sockets.iter().map(|socket| Row { snapshot: &s, socket });
        let text = sockets(&find("peer,state").unwrap(), rows, false, Style::default());
        assert_eq!(text.lines().last(), Some("127.0.0.1:443                time_wait"));
    }
}
