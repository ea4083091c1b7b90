//! `tcpvet ports --port N`: who holds a port, until when, and what helps.

use super::{Done, report_status};
use crate::cli::PortsArgs;
use crate::cli::resolve::Settings;
use crate::error::Error;
use crate::sys::System;

pub(super) fn run(
    port: u16,
    args: &PortsArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let _ = (port, args, settings, system, report_status);
    Err(Error { message: "not yet".into(), hint: None })
}
