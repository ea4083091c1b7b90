//! Real sockets in private network namespaces.

mod capture;
mod close_wait;
mod fixtures;
mod list;
mod ports;
mod privilege;
mod queue;
