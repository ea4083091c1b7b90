//! The table for people. Widths are taken from the first rows, so that the first lines come at once; a wider cell later pushes its own
//! row only. On a terminal the columns of least worth are dropped until the rest fits; addresses are never broken.

use super::{Shape, Writer};
use crate::fields::{DROP_ORDER, Field, Kind, Row};
use crate::render::document::Head;

/// Rows that are measured.
const MEASURED: usize = 500;

/// Places that a last column of words must have; it may be cut.
const LAST: usize = 12;

/// Indent of what belongs to the row above.
const INDENT: usize = 8;

/// A table under way.
pub struct Table {
    shape: Shape,
    /// Heads of the columns.
    heads: Vec<String>,
    /// Width of each column and whether it is shown; empty while rows are being measured.
    widths: Vec<(usize, bool)>,
    /// Cells and tails of the rows that are measured.
    first: Vec<(Vec<Vec<u8>>, Vec<u8>)>,
    cell: Vec<u8>,
    line: Vec<u8>,
    tail: Vec<Tail>,
}

/// A field of the tail with its label, ` name:`. The label has a fixed length, of which the rest is cut again: a copy of known length
/// costs next to nothing, and this one is made a hundred times a row.
struct Tail {
    field: &'static Field,
    label: [u8; LABEL],
    length: usize,
}

/// Longest label.
const LABEL: usize = 40;

impl Tail {
    fn new(field: &'static Field) -> Tail {
        let text = format!(" {}:", field.name);
        let mut label = [0; LABEL];
        let length = text.len().min(LABEL);
        label.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Tail { field, label, length }
    }

    fn write_label(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.label);
        out.truncate(end);
    }
}

impl Table {
    /// A table of this shape.
    pub fn new(shape: Shape) -> Table {
        let heads = shape.fields.iter().map(|f| f.header()).collect();
        let tail = shape.tail.iter().map(|f| Tail::new(f)).collect();
        Table {
            shape,
            heads,
            widths: Vec::new(),
            first: Vec::new(),
            cell: Vec::new(),
            line: Vec::new(),
            tail,
        }
    }

    /// Settles the widths, and writes the head and the rows that waited for it.
    fn settle(&mut self, out: &mut Vec<u8>) {
        if !self.widths.is_empty() {
            return;
        }
        let mut widths: Vec<usize> =
            self.heads.iter().map(|h| if self.shape.header { h.len() } else { 0 }).collect();
        for (cells, _) in &self.first {
            for (cell, width) in cells.iter().zip(&mut widths) {
                *width = (*width).max(visible(cell));
            }
        }
        self.widths = fit(&self.shape, &widths);
        if self.shape.header {
            for (i, head) in self.heads.iter().enumerate() {
                place(&mut self.line, &self.widths, &self.shape.fields, i, head.as_bytes());
            }
            let style = self.shape.style;
            let at = self.cut_at();
            let head = finish(&mut self.line, at);
            out.extend(style.strong(&head).bytes());
            out.push(b'\n');
        }
        for (cells, tail) in std::mem::take(&mut self.first) {
            for (i, cell) in cells.iter().enumerate() {
                place(&mut self.line, &self.widths, &self.shape.fields, i, cell);
            }
            self.flush(&tail, out);
        }
    }

    /// Ends a line and writes its tail: behind it in a pipe, below it on a terminal.
    fn flush(&mut self, tail: &[u8], out: &mut Vec<u8>) {
        let Some(width) = self.shape.style.width else {
            self.end_line(tail.is_empty(), out);
            out.extend(tail);
            out.push(b'\n');
            return;
        };
        let at = self.cut_at();
        out.extend(finish(&mut self.line, at).bytes());
        out.push(b'\n');
        let mut used = 0;
        for part in tail.split(|b| *b == b' ').filter(|p| !p.is_empty()) {
            let length = visible(part);
            if used > 0 && used + 1 + length > width {
                out.push(b'\n');
                used = 0;
            }
            if used == 0 {
                out.extend(std::iter::repeat_n(b' ', INDENT));
                used = INDENT;
            } else {
                out.push(b' ');
                used += 1;
            }
            out.extend(part);
            used += length;
        }
        if used > 0 {
            out.push(b'\n');
        }
    }

    /// Hands the line on; its trailing blanks go, unless a tail follows.
    fn end_line(&mut self, bare: bool, out: &mut Vec<u8>) {
        if bare {
            trim(&mut self.line);
        }
        out.append(&mut self.line);
    }

    /// Where lines are cut.
    fn cut_at(&self) -> Option<usize> {
        self.shape.style.width.filter(|_| may_cut(&self.shape))
    }

    /// The columns that were left out for want of room.
    fn left_out(&self) -> Option<String> {
        let hidden = self.widths.iter().zip(&self.heads).filter(|((_, shown), _)| !shown);
        let names: Vec<&str> = hidden.map(|(_, head)| head.as_str()).collect();
        (!names.is_empty() && self.shape.header).then(|| {
            format!(
                "no room for {}; -O names the columns, --width 200 makes room",
                names.join(" and ")
            )
        })
    }

    /// Appends the further fields that are known, as ` name:value`.
    fn write_tail(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        for part in &self.tail {
            let value = (part.field.get)(row);
            if !value.is_none() {
                part.write_label(out);
                value.show(part.field.kind, out);
            }
        }
    }
}

impl Writer for Table {
    fn begin(&mut self, _: &Head, _: &mut Vec<u8>) {}

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        if self.widths.is_empty() {
            let cells = self.shape.fields.iter().map(|field| {
                let mut cell = Vec::new();
                (field.get)(row).show(field.kind, &mut cell);
                cell
            });
            let cells = cells.collect();
            let mut tail = Vec::new();
            self.write_tail(row, &mut tail);
            self.first.push((cells, tail));
            if self.first.len() == MEASURED {
                self.settle(out);
            }
            return;
        }
        for (i, field) in self.shape.fields.iter().enumerate() {
            self.cell.clear();
            (field.get)(row).show(field.kind, &mut self.cell);
            place(&mut self.line, &self.widths, &self.shape.fields, i, &self.cell);
        }
        if self.shape.style.width.is_none() {
            // Straight to the output: the tail is most of what is written.
            self.end_line(self.tail.is_empty(), out);
            self.write_tail(row, out);
            out.push(b'\n');
        } else {
            let mut tail = Vec::new();
            self.write_tail(row, &mut tail);
            self.flush(&tail, out);
        }
    }

    fn end(&mut self, _: &Head, _: usize, out: &mut Vec<u8>) {
        self.settle(out);
        if let Some(note) = self.left_out() {
            out.extend(self.shape.style.dim(&note).bytes());
            out.push(b'\n');
        }
    }
}

/// Places that a text takes on screen.
fn visible(text: &[u8]) -> usize {
    if text.is_ascii() { text.len() } else { String::from_utf8_lossy(text).chars().count() }
}

/// Which columns are shown, and how wide.
fn fit(shape: &Shape, widths: &[usize]) -> Vec<(usize, bool)> {
    let mut kept: Vec<(usize, bool)> = widths.iter().map(|w| (*w, true)).collect();
    let Some(limit) = shape.style.width.filter(|_| shape.may_drop) else { return kept };
    for name in DROP_ORDER {
        let shown: Vec<usize> = kept.iter().filter(|(_, s)| *s).map(|(w, _)| *w).collect();
        let (last, others) = shown.split_last().unwrap_or((&0, &[]));
        let last = if may_cut(shape) { (*last).min(LAST) } else { *last };
        if others.iter().map(|w| w + 2).sum::<usize>() + last <= limit {
            break;
        }
        for ((_, show), field) in kept.iter_mut().zip(&shape.fields) {
            *show &= field.name != name;
        }
    }
    kept
}

/// Whether the last column holds words: an address is never cut.
fn may_cut(shape: &Shape) -> bool {
    shape.fields.last().is_some_and(|f| f.kind == Kind::Text)
}

/// Appends a cell to the line.
fn place(line: &mut Vec<u8>, widths: &[(usize, bool)], fields: &[&Field], i: usize, cell: &[u8]) {
    let (Some((width, true)), Some(field)) = (widths.get(i), fields.get(i)) else { return };
    if !line.is_empty() {
        line.extend(b"  ");
    }
    let blanks = width.saturating_sub(visible(cell));
    let pad = |line: &mut Vec<u8>| line.resize(line.len() + blanks, b' ');
    if field.kind.right() {
        pad(line);
    }
    line.extend(cell);
    if !field.kind.right() {
        pad(line);
    }
}

fn trim(line: &mut Vec<u8>) {
    line.truncate(line.trim_ascii_end().len());
}

/// The line without trailing blanks; on a terminal a last column of words is cut where it passes the width.
fn finish(line: &mut Vec<u8>, width: Option<usize>) -> String {
    trim(line);
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    let Some(width) = width.filter(|w| text.chars().count() > *w) else { return text };
    let last = text.rfind("  ").map_or(0, |at| text.get(..at).map_or(0, |t| t.chars().count()) + 2);
    if last + 4 > width {
        return text;
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{View, defaults, find};
    use crate::model::Snapshot;
    use crate::model::socket::Socket;
    use crate::model::state::State;
    use crate::model::testing::socket;
    use crate::render::style::Style;
    use crate::wire::attributes::Attributes;

    fn render(rows: &[Socket], columns: Option<&str>, width: Option<usize>) -> String {
        let fields = columns.map_or_else(defaults, |c| find(c, vec![]).unwrap());
        let shape = Shape {
            fields,
            tail: Vec::new(),
            may_drop: columns.is_none(),
            header: true,
            style: Style { color: false, width },
        };
        let mut table = Table::new(shape);
        let head = Head::new("list", &Snapshot::default());
        let (mut out, view) = (Vec::new(), View::default());
        table.begin(&head, &mut out);
        for socket in rows {
            let row = Row { socket, attributes: &Attributes::NONE, view: &view };
            table.row(&row, &mut out);
        }
        table.end(&head, 0, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_numbers_stand_right() {
        let mut rows = [
            socket(State::Established, "10.0.0.1:80", "10.0.0.200:50123"),
            socket(State::Close, "10.0.0.1:8080", "0.0.0.0:0"),
        ];
        rows[0].recv_queue = 12345;
        let want = "STATE        RECV-Q  SEND-Q  LOCAL          PEER              PROCESS\n\
                    established   12345       0  10.0.0.1:80    10.0.0.200:50123  -\n\
                    close             0       0  10.0.0.1:8080  0.0.0.0:*         -\n";
        assert_eq!(render(&rows, None, None), want);
    }

    #[test]
    fn a_narrow_terminal_loses_columns_and_never_part_of_an_address() {
        let long = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
        let rows = [socket(State::Established, long, "[::1]:9")];
        let text = render(&rows, None, Some(80));
        assert!(
            !text.lines().next().unwrap().contains("RECV-Q")
                && text.contains(long)
                && text.contains("[::1]:9"),
            "{text}"
        );
        let text = render(&rows, Some("state,recvq,sendq,local,peer"), Some(60));
        assert!(text.contains("RECV-Q") && text.contains(long), "{text}");
        let text = render(&rows, Some("state,peer,local"), Some(60));
        assert!(text.contains(long), "an address in the last column is not cut: {text}");
    }

    #[test]
    fn rows_after_the_measured_ones_keep_the_columns_in_place() {
        let mut rows = vec![socket(State::Established, "10.0.0.1:80", "10.0.0.2:1"); MEASURED];
        rows.push(socket(State::Established, "10.0.0.1:80", "10.100.100.100:50123"));
        rows.push(socket(State::Listen, "10.0.0.1:80", "0.0.0.0:0"));
        let text = render(&rows, Some("state,local,peer"), None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), MEASURED + 3);
        assert_eq!(lines[1], "established  10.0.0.1:80  10.0.0.2:1");
        assert_eq!(lines[MEASURED + 1], "established  10.0.0.1:80  10.100.100.100:50123");
        assert_eq!(lines[MEASURED + 2], "listen       10.0.0.1:80  0.0.0.0:*");
    }
}
