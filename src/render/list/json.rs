//! JSON: one document whose rows stream, or one object a line. `coverage` stands behind the rows of the document, since what could not
//! be seen is known only then.

use super::{Shape, Writer};
use crate::fields::value::{Value, decimal};
use crate::fields::{Field, Row};
use crate::model::owner::Provenance;
use crate::model::socket::Timer;
use crate::model::state::State;
use crate::render::document::Head;

/// The objects of rows.
pub struct Objects {
    fields: Vec<(&'static Field, Vec<u8>)>,
}

impl Objects {
    /// Objects with these fields.
    pub fn new(fields: &[&'static Field]) -> Objects {
        let key = |f: &Field| match f.name {
            "process" => b"\"owners\":".to_vec(),
            _ => format!("\"{}\":", f.key()).into_bytes(),
        };
        Objects { fields: fields.iter().map(|f| (*f, key(f))).collect() }
    }

    /// Appends the object of one row.
    pub fn write(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, (field, key)) in self.fields.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            let listens = row.socket.state == State::Listen;
            match field.name {
                "recvq" if listens => out.extend(b"\"accept_queue\":"),
                "sendq" if listens => out.extend(b"\"accept_queue_limit\":"),
                _ => out.extend(key),
            }
            match field.name {
                "process" => owners(row, out),
                "timer" => timer(row, out),
                "local" => endpoint(
                    row,
                    &row.socket.local_addr.text(row.socket.family),
                    row.socket.local_port,
                    out,
                ),
                "peer" => endpoint(
                    row,
                    &row.socket.peer_addr.text(row.socket.family),
                    row.socket.peer_port,
                    out,
                ),
                _ => value(&(field.get)(row), out),
            }
        }
        out.push(b'}');
    }
}

/// A text with its quotes. What is written here holds no control characters, but a name may hold quotes.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *out, text);
}

/// A value of its JSON type.
pub(super) fn value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::None => out.extend(b"null"),
        Value::Flag(yes) => out.extend(if *yes { &b"true"[..] } else { b"false" }),
        Value::Number(n) => decimal(*n, out),
        Value::Ratio(_) => value.raw(out),
        // The words of this program need no escape.
        Value::Word(_)
        | Value::Id(_)
        | Value::Addr(..)
        | Value::Endpoint(..)
        | Value::Timer(..) => {
            out.push(b'"');
            value.raw(out);
            out.push(b'"');
        }
        Value::Text(t) => text(t, out),
        Value::Holder(..) => {
            let mut raw = Vec::new();
            value.raw(&mut raw);
            text(&String::from_utf8_lossy(&raw), out);
        }
    }
}

fn number(n: Option<u32>, out: &mut Vec<u8>) {
    match n {
        Some(n) => decimal(n.into(), out),
        None => out.extend(b"null"),
    }
}

/// Address and port, and the name of the service where names were asked for.
fn endpoint(row: &Row<'_>, addr: &str, port: u16, out: &mut Vec<u8>) {
    out.extend(b"{\"addr\":\"");
    out.extend(addr.bytes());
    out.extend(b"\",\"port\":");
    number((port != 0).then_some(port.into()), out);
    if !row.view.services.is_empty() {
        out.extend(b",\"service\":");
        match row.view.services.get(&port) {
            Some(name) => text(name.as_str(), out),
            None => out.extend(b"null"),
        }
    }
    out.push(b'}');
}

fn timer(row: &Row<'_>, out: &mut Vec<u8>) {
    let s = row.socket;
    let running = s.timer != Timer::Off;
    out.extend(b"{\"kind\":\"");
    out.extend(s.timer.word().bytes());
    out.extend(b"\",\"expires_ms\":");
    number(running.then_some(s.expires_ms), out);
    out.extend(b",\"retries\":");
    number(running.then_some(s.retries.into()), out);
    out.push(b'}');
}

/// Every holder; where there is none, one entry that says why.
fn owners(row: &Row<'_>, out: &mut Vec<u8>) {
    let (Some(holding), Some((holders, provenance))) = (&row.view.holding, row.holders()) else {
        out.extend(b"null");
        return;
    };
    let one = |pid: Option<u32>, fd: Option<u32>, provenance: Provenance, out: &mut Vec<u8>| {
        out.extend(b"{\"pid\":");
        number(pid, out);
        out.extend(b",\"process\":");
        let name = |pid| holding.name(row.socket, row.view.protocol, pid);
        match pid.map(name).filter(|c| !c.is_empty()) {
            Some(comm) => text(comm, out),
            None => out.extend(b"null"),
        }
        out.extend(b",\"fd\":");
        number(fd, out);
        out.extend(b",\"provenance\":\"");
        out.extend(provenance.word().bytes());
        out.extend(b"\"}");
    };
    out.push(b'[');
    if holders.is_empty() {
        one(None, None, provenance, out);
    }
    for (i, holder) in holders.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        // The listener's descriptor is not the connection's: it has none yet.
        let fd = (provenance == Provenance::Exact).then_some(holder.fd);
        one(Some(holder.pid), fd, provenance, out);
    }
    out.push(b']');
}

/// One document.
pub struct Document {
    objects: Objects,
    started: bool,
}

impl Document {
    /// A document of this shape.
    pub fn new(shape: &Shape) -> Document {
        Document { objects: Objects::new(&shape.all()), started: false }
    }
}

impl Writer for Document {
    fn begin(&mut self, head: &Head, out: &mut Vec<u8>) {
        open(head, "sockets", out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        if self.started {
            out.push(b',');
        }
        self.started = true;
        self.objects.write(row, out);
    }

    fn end(&mut self, head: &Head, unknown: usize, out: &mut Vec<u8>) {
        close(head, unknown, out);
    }
}

/// The head of a document without its coverage, up to the opening of a list.
pub(super) fn open(head: &Head, list: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    put("format_version", head.format_version, out);
    put("tool", &head.tool, out);
    put("command", head.command, out);
    put("time", &head.time, out);
    put("host", &head.host, out);
    text(list, out);
    out.extend(b":[");
}

/// One member of an object, with a comma behind it.
fn put(key: &str, value: impl serde::Serialize, out: &mut Vec<u8>) {
    text(key, out);
    out.push(b':');
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *out, &value);
    out.push(b',');
}

/// The end of the list, how many sockets an unknown value kept out, and the coverage.
pub(super) fn close(head: &Head, unknown: usize, out: &mut Vec<u8>) {
    out.extend(b"],\"left_out_unknown\":");
    decimal(unknown as u64, out);
    out.extend(b",\"coverage\":");
    let _ = serde_json::to_writer(&mut *out, &head.coverage);
    out.extend(b"}\n");
}

/// One object a line.
pub struct Lines(Objects);

impl Lines {
    /// Lines of this shape.
    pub fn new(shape: &Shape) -> Lines {
        Lines(Objects::new(&shape.all()))
    }
}

impl Writer for Lines {
    fn begin(&mut self, _: &Head, _: &mut Vec<u8>) {}

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        self.0.write(row, out);
        out.push(b'\n');
    }

    fn end(&mut self, _: &Head, _: usize, _: &mut Vec<u8>) {}
}
