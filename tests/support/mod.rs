//! What the tests share: the lab, the scenes in it, running the program, reading its documents.

pub mod lab;
pub mod peers;
pub mod rights;
pub mod run;
pub mod scene;
pub mod silent;
pub mod town;
