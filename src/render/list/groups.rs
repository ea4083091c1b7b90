//! Rows counted by the values of some fields, the largest group first.

use std::collections::BTreeMap;

use super::delimited::{self, Dialect};
use super::json;
use crate::fields::value::{Value, decimal};
use crate::fields::{Field, Row};
use crate::model::state::State;
use crate::render::document::Head;
use crate::render::table::short;

/// What is summed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    count: u64,
    recv: u64,
    send: u64,
}

/// One group.
struct Group {
    /// Its values as a table shows them.
    shown: Vec<String>,
    /// The same as JSON.
    raw: Vec<Vec<u8>>,
    sums: Sums,
}

/// Groups under way. A group costs what its key costs; the rows are not held.
pub struct Groups {
    fields: Vec<&'static Field>,
    found: BTreeMap<Vec<u8>, Group>,
    key: Vec<u8>,
}

impl Groups {
    /// Groups by these fields.
    pub fn new(fields: Vec<&'static Field>) -> Groups {
        Groups { fields, found: BTreeMap::new(), key: Vec::new() }
    }

    /// Counts a row in. The queues of a listener are connections, not bytes, and are not summed.
    pub fn add(&mut self, row: &Row<'_>) {
        self.key.clear();
        for field in &self.fields {
            (field.get)(row).raw(&mut self.key);
            self.key.push(0);
        }
        if !self.found.contains_key(&self.key) {
            let values: Vec<Value<'_>> = self.fields.iter().map(|f| (f.get)(row)).collect();
            let shown = values.iter().zip(&self.fields).map(|(v, f)| {
                let mut text = Vec::new();
                v.show(f.kind, &mut text);
                String::from_utf8_lossy(&text).into_owned()
            });
            let raw = values.iter().map(|v| {
                let mut text = Vec::new();
                json::value(v, &mut text);
                text
            });
            let new = Group { shown: shown.collect(), raw: raw.collect(), sums: Sums::default() };
            self.found.insert(self.key.clone(), new);
        }
        if let Some(Group { sums, .. }) = self.found.get_mut(&self.key) {
            sums.count += 1;
            if row.socket.state != State::Listen {
                sums.recv += u64::from(row.socket.recv_queue);
                sums.send += u64::from(row.socket.send_queue);
            }
        }
    }

    /// The groups, largest first; equal ones by their key.
    fn sorted(&self, limit: Option<usize>) -> Vec<&Group> {
        let mut all: Vec<_> = self.found.values().collect();
        all.sort_by_key(|group| std::cmp::Reverse(group.sums.count));
        all.truncate(limit.unwrap_or(usize::MAX));
        all
    }

    /// As a table for people.
    pub fn table(&self, limit: Option<usize>) -> String {
        let heads: Vec<String> = ["COUNT", "RECV-Q", "SEND-Q"]
            .into_iter()
            .map(String::from)
            .chain(self.fields.iter().map(|f| f.header()))
            .collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = self
            .sorted(limit)
            .into_iter()
            .map(|Group { shown, sums, .. }| {
                let sums = [sums.count, sums.recv, sums.send].map(|n| n.to_string());
                sums.into_iter().chain(shown.iter().cloned()).collect()
            })
            .collect();
        short(&heads, &rows, &[0, 1, 2])
    }

    /// As delimited values.
    pub fn delimited(&self, dialect: Dialect, header: bool, limit: Option<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut line = |cells: &mut dyn Iterator<Item = Vec<u8>>| {
            for (i, text) in cells.enumerate() {
                delimited::cell(dialect, i == 0, &text, &mut out);
            }
            out.push(b'\n');
        };
        if header {
            let sums = ["count", "recv_queue_bytes", "send_queue_bytes"].map(String::from);
            let keys = self.fields.iter().map(|f| delimited::head(f));
            line(&mut sums.into_iter().chain(keys).map(String::into_bytes));
        }
        for Group { raw, sums, .. } in self.sorted(limit) {
            let plain = raw.iter().map(|text| match text.as_slice() {
                b"null" => Vec::new(),
                b"true" => b"yes".to_vec(),
                b"false" => b"no".to_vec(),
                text => serde_json::from_slice::<String>(text)
                    .map_or_else(|_| text.to_vec(), String::into_bytes),
            });
            let sums = [sums.count, sums.recv, sums.send].map(|n| n.to_string().into_bytes());
            line(&mut sums.into_iter().chain(plain));
        }
        out
    }

    /// Appends the objects, with commas or line ends between.
    fn objects(&self, limit: Option<usize>, between: &[u8], out: &mut Vec<u8>) {
        for (i, Group { raw, sums, .. }) in self.sorted(limit).into_iter().enumerate() {
            if i > 0 {
                out.extend(between);
            }
            out.extend(b"{\"count\":");
            decimal(sums.count, out);
            out.extend(b",\"recv_queue_bytes\":");
            decimal(sums.recv, out);
            out.extend(b",\"send_queue_bytes\":");
            decimal(sums.send, out);
            for (field, raw) in self.fields.iter().zip(raw) {
                out.extend(format!(",\"{}\":", field.key()).bytes());
                out.extend(raw);
            }
            out.push(b'}');
        }
    }

    /// As one document.
    pub fn document(&self, head: &Head, unknown: usize, limit: Option<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        json::open(head, "groups", &mut out);
        self.objects(limit, b",", &mut out);
        json::close(head, unknown, &mut out);
        out
    }

    /// As one object a line.
    pub fn lines(&self, limit: Option<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        self.objects(limit, b"\n", &mut out);
        if !out.is_empty() {
            out.push(b'\n');
        }
        out
    }
}
