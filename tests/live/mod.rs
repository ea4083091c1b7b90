//! Real sockets in private network namespaces.

mod assertions;
mod capture;
mod close_wait;
mod closing;
mod consumers;
mod differential;
mod env;
mod filters;
mod fixtures;
mod list;
mod listen;
mod makers;
mod namespaces;
mod oracle;
mod owners;
mod peers;
mod port_rules;
mod ports;
mod ports_command;
mod privilege;
mod queue;
mod rates;
mod resources;
mod rights;
mod run_command;
mod workloads;
