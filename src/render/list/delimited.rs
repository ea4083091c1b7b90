//! Plain (tabs) and CSV (RFC 4180): numbers in the unit that the head names, nothing rounded, one record a line.

use super::{Shape, Writer};
use crate::fields::value::Value;
use crate::fields::{Field, Row};
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
pub(super) fn cell(dialect: Dialect, first: bool, text: &[u8], out: &mut Vec<u8>) {
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

impl Writer for Delimited {
    fn begin(&mut self, _: &Head, out: &mut Vec<u8>) {
        if self.header {
            for (i, field) in self.fields.iter().enumerate() {
                cell(self.dialect, i == 0, field.key().as_bytes(), out);
            }
            out.push(b'\n');
        }
    }

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        for (i, field) in self.fields.iter().enumerate() {
            self.cell.clear();
            let value: Value<'_> = (field.get)(row);
            value.raw(&mut self.cell);
            cell(self.dialect, i == 0, &self.cell, out);
        }
        out.push(b'\n');
    }

    fn end(&mut self, _: &Head, _: &mut Vec<u8>) {}
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
