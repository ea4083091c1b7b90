//! Reports, rows and plans to bytes: one file per format, pure functions. Colour and width reach them as values.

pub mod document;
pub mod emit;
pub mod human;
pub mod json;
pub mod list;
pub mod ports;
pub mod style;
pub mod table;
pub mod verdict;
