//! JSON text of a document: complete or absent, the same on a terminal and in a pipe, never coloured.

use serde::Serialize;

/// The document, indented, with a final newline.
pub fn pretty(document: &impl Serialize) -> Vec<u8> {
    finish(serde_json::to_vec_pretty(document))
}

/// The document on one line: for the long ones.
pub fn compact(document: &impl Serialize) -> Vec<u8> {
    finish(serde_json::to_vec(document))
}

fn finish(text: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    // Writing to memory fails only for maps with keys that are no strings, and the documents have none.
    let mut text = text.unwrap_or_default();
    text.push(b'\n');
    text
}
