//! Real sockets in private network namespaces.

mod capture;
mod close_wait;
mod list;
mod ports;
mod privilege;
mod queue;
