//! The rows of a list in every format. Rows are written as they come: no format holds more than the first few hundred.

pub mod delimited;
pub mod groups;
pub mod json;
pub mod table;

use crate::fields::{Field, Row};
use crate::render::document::Head;
use crate::render::style::Style;

/// What is shown of every socket.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The columns.
    pub fields: Vec<&'static Field>,
    /// Further fields that a table writes as `name:value` behind the columns.
    pub tail: Vec<&'static Field>,
    /// Whether columns may be dropped where they do not fit: not if the user named them.
    pub may_drop: bool,
    /// Whether there is a head.
    pub header: bool,
    /// Colour and width.
    pub style: Style,
}

impl Shape {
    /// Columns and tail together, for formats that know no tail.
    pub fn all(&self) -> Vec<&'static Field> {
        self.fields.iter().chain(&self.tail).copied().collect()
    }
}

/// Writes rows in one format.
pub trait Writer {
    /// Writes what stands before the rows.
    fn begin(&mut self, head: &Head, out: &mut Vec<u8>);
    /// Writes one row.
    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>);
    /// Writes what stands after the rows. `head` knows by now what could not be seen; `unknown` sockets were left out because what the
    /// filter asks is not known of them.
    fn end(&mut self, head: &Head, unknown: usize, out: &mut Vec<u8>);
}
