//! Plain (tabs) and CSV (RFC 4180): numbers in the unit that the head names, nothing rounded, one record a line.

use super::{Shape, Writer};
use crate::fields::value::Value;
use crate::fields::{Field, Row, lookup};
use crate::render::document::Head;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Tabs between values, `-` for none.
    Plain,
    /// Commas between values, quotes where needed, nothing for none.
    Csv,
}

/// Rows of delimited values.
pub struct Delimited {
    dialect: Dialect,
    fields: Vec<&'static Field>,
    header: bool,
    cell: Vec<u8>,
}

impl Delimited {
    /// A writer of this shape.
    pub fn new(dialect: Dialect, shape: &Shape) -> Delimited {
        Delimited { dialect, fields: shape.all(), header: shape.header, cell: Vec::new() }
    }
}

/// Appends one cell; every cell but the first is preceded by the delimiter.
pub(in crate::render) fn cell(dialect: Dialect, first: bool, text: &[u8], out: &mut Vec<u8>) {
    match dialect {
        Dialect::Plain => {
            if !first {
                out.push(b'\t');
            }
            out.extend(if text.is_empty() { b"-" } else { text });
        }
        Dialect::Csv => {
            if !first {
                out.push(b',');
            }
            if text.iter().any(|b| matches!(b, b'"' | b',' | b'\n' | b'\r' | b' ')) {
                out.push(b'"');
                for byte in text {
                    if *byte == b'"' {
                        out.push(b'"');
                    }
                    out.push(*byte);
                }
                out.push(b'"');
            } else {
                out.extend(text);
            }
        }
    }
}

/// The key of a field; queues have no unit here, since a listener's are connections.
pub(super) fn head(field: &Field) -> String {
    match field.name {
        "recvq" | "sendq" => field.name.to_string(),
        _ => field.key(),
    }
}

/// Every process that holds the socket, with blanks between; where there is none, why.
fn processes(row: &Row<'_>, out: &mut Vec<u8>) {
    let first = lookup("process").map_or(Value::None, |f| (f.get)(row));
    let (Value::Holder(..), Some((holders, _)), Some(holding)) =
        (&first, row.holders(), &row.view.holding)
    else {
        return first.raw(out);
    };
    let mut last = None;
    for holder in holders.iter().filter(|h| last.replace(h.pid) != Some(h.pid)) {
        if !out.is_empty() {
            out.push(b' ');
        }
        Value::Holder(holding.comm(holder.pid), holder.pid, 0).raw(out);
    }
}

impl Writer for Delimited {
    fn begin(&mut self, _: &Head, out: &mut Vec<u8>) {
        if self.header {
            for (i, field) in self.fields.iter().enumerate() {
                cell(self.dialect, i == 0, head(field).as_bytes(), out);
            }
            out.push(b'\n');
        }
    }

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        for (i, field) in self.fields.iter().enumerate() {
            self.cell.clear();
            match field.name {
                "process" => processes(row, &mut self.cell),
                _ => (field.get)(row).raw(&mut self.cell),
            }
            cell(self.dialect, i == 0, &self.cell, out);
        }
        out.push(b'\n');
    }

    fn end(&mut self, _: &Head, _: usize, _: &mut Vec<u8>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_kept_apart_whatever_is_in_them() {
        let mut out = Vec::new();
        for (i, text) in ["a", "", "b\"c", "d,e"].iter().enumerate() {
            cell(Dialect::Csv, i == 0, text.as_bytes(), &mut out);
        }
        assert_eq!(out, b"a,,\"b\"\"c\",\"d,e\"");
        let mut out = Vec::new();
        for (i, text) in ["a", "", "b c"].iter().enumerate() {
            cell(Dialect::Plain, i == 0, text.as_bytes(), &mut out);
        }
        assert_eq!(out, b"a\t-\tb c");
    }
}
