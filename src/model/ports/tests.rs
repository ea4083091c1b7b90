//! Tests of the arithmetic as a whole.

use super::*;
use crate::model::owner::Bucket;
use crate::model::portset::PortSet;
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::model::testing::*;

fn filled(local: &str, peer: &str, ports: std::ops::Range<u16>) -> Snapshot {
    let mut s = fresh();
    set(&mut s, "net.ipv4.ip_local_port_range", "20000 21009");
    for p in ports {
        s.sockets.push(socket(State::Established, &format!("{local}:{p}"), peer));
    }
    s
}

fn only(s: &Snapshot) -> Pool {
    let mut all = Ports::of(s).unwrap().pools;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn headroom_is_range_less_used() {
    let pool = only(&filled("10.0.0.1", "10.0.0.2:5001", 20000..20499));
    assert_eq!((pool.usable, pool.used, pool.headroom()), (1010, 499, 511));
}

#[test]
fn reserved_ports_listeners_binds_and_bound_sockets_are_lost_to_every_destination() {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20010);
    set(&mut s, "net.ipv4.ip_local_reserved_ports", "20500-20509,30000");
    s.sockets.push(listener("[::1]:20600", 0, 5));
    s.sockets.push(socket(State::BoundInactive, "10.0.0.9:20601", "0.0.0.0:0"));
    s.explicit_ports = PortSet::parse("20000,20602");
    let pool = only(&s);
    assert_eq!((pool.held, pool.usable, pool.headroom()), (3, 1010 - 10 - 3, 997 - 10));
}

#[test]
fn mapped_and_plain_ipv4_share_a_pool_and_other_destinations_do_not() {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20003);
    s.sockets.push(socket(State::Established, "[::ffff:10.0.0.1]:20003", "[::ffff:10.0.0.2]:5001"));
    assert_eq!(only(&s).used, 4);
    s.sockets.push(socket(State::Established, "10.0.0.1:20003", "10.0.0.2:5002"));
    assert_eq!(Ports::of(&s).unwrap().pools.len(), 2);
}

#[test]
fn server_side_sockets_use_no_pool() {
    let mut s = fresh();
    s.sockets.push(listener("0.0.0.0:40000", 0, 5));
    s.sockets.push(time_wait("10.0.0.1:40000", "10.0.0.2:33333", 5));
    s.sockets.push(time_wait("10.0.0.1:80", "10.0.0.2:33333", 5));
    assert_eq!(Ports::of(&s).unwrap().pools, []);
}

#[test]
fn old_time_wait_counts_as_headroom_only_where_reuse_applies() {
    let mut s = fresh();
    for (port, age) in [(40000, 500), (40002, 1000), (40004, 1001), (40006, 30_000)] {
        s.sockets.push(time_wait(&format!("127.0.0.1:{port}"), "127.0.0.1:5001", age));
    }
    let pool = only(&s);
    assert_eq!((pool.used, pool.time_wait(), pool.time_wait_old), (4, 4, 2));
    assert_eq!(pool.headroom(), 28232 - 2);
    assert_eq!((pool.history.closed_within(10), pool.first_release_ms()), (3, Some(0)));
    set(&mut s, "net.ipv4.tcp_tw_reuse", "0");
    assert_eq!(only(&s).headroom(), 28232 - 4);
}

#[test]
fn unknown_reuse_makes_the_headroom_an_interval() {
    let mut s = fresh();
    set(&mut s, "net.ipv4.tcp_tw_reuse", "1");
    s.sockets.push(time_wait("10.0.0.1:40000", "10.0.0.2:5001", 9000));
    let pool = only(&s);
    assert_eq!((pool.headroom(), pool.headroom_max()), (28231, 28232));
}

#[test]
fn an_end_of_a_range_of_odd_length_may_never_be_tried() {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20001..20010);
    assert_eq!(only(&s).untried, 0, "an even range is searched whole");
    set(&mut s, "net.ipv4.ip_local_port_range", "20000 21008");
    let pool = only(&s);
    assert_eq!((pool.untried, pool.headroom(), pool.headroom_max()), (1, 999, 1000));
    s.sockets.push(socket(State::Established, "10.0.0.1:20000", "10.0.0.2:5001"));
    assert_eq!(only(&s).untried, 1, "the other end is still free");
    set(&mut s, "net.ipv4.ip_local_reserved_ports", "21008");
    assert_eq!(only(&s).untried, 0, "a reserved port is not counted as free");
}

/// Connections from these ports, each with an inode, and what their buckets say.
fn bucketed(ports: &[(u16, Option<Bucket>)]) -> Snapshot {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 0..0);
    for (port, bucket) in ports {
        let mut one = socket(State::Established, &format!("10.0.0.1:{port}"), "10.0.0.2:5001");
        one.inode = u32::from(*port);
        s.sockets.push(one);
        let owners = s.owners.as_mut().unwrap();
        if let Some(bucket) = bucket {
            owners.buckets.get_or_insert_default().note(*port, *bucket);
        }
    }
    s
}

/// Headroom toward another destination.
fn elsewhere(s: &Snapshot) -> (u32, u32) {
    let mut other = s.clone();
    other.sockets.push(socket(State::Established, "10.0.0.1:20900", "10.0.0.3:443"));
    let ports = Ports::of(&other).unwrap();
    let pool = ports.pools.iter().find(|p| p.destination.peer_port == 443).unwrap();
    (pool.headroom(), pool.headroom_max())
}

#[test]
fn the_bucket_says_which_ports_other_destinations_lose() {
    let s = bucketed(&[
        (20000, Some(Bucket::Connect)),
        (20001, Some(Bucket::Bind)),
        (20002, Some(Bucket::Bind)),
    ]);
    let ports = Ports::of(&s).unwrap();
    assert_eq!((ports.held.bound_first.text().as_str(), ports.free), ("20001-20002", 1008));
    assert_eq!((only(&s).used, only(&s).headroom()), (3, 1007));
    assert_eq!(elsewhere(&s), (1007, 1007));
}

#[test]
fn without_buckets_only_an_unexplained_parity_is_doubtful() {
    let s = bucketed(&[(20000, None), (20001, None), (20002, None)]);
    let held = Ports::of(&s).unwrap().held;
    let sets = (held.doubtful.text(), held.unexplained.text());
    assert_eq!(sets, ("20000-20002".into(), "20001".into()), "who binds one may have bound all");
    assert_eq!(elsewhere(&s), (1006, 1009));
    assert_eq!(
        (only(&s).headroom(), only(&s).headroom_max()),
        (1007, 1007),
        "its own is used anyway"
    );
    // When nine tenths of the even half are taken, odd ports need no other explanation.
    let full: Vec<_> = (0..455).map(|i| (20000 + 2 * i, None)).chain([(20001, None)]).collect();
    assert_eq!(Ports::of(&bucketed(&full)).unwrap().held.doubtful.text(), "");
}

#[test]
fn a_bucket_speaks_for_every_socket_on_the_port() {
    let mut s = bucketed(&[(20001, Some(Bucket::Connect)), (20003, Some(Bucket::Bind))]);
    set(&mut s, "net.ipv4.tcp_tw_reuse", "1");
    for port in [20001, 20003, 20005] {
        s.sockets.push(time_wait(&format!("10.0.0.1:{port}"), "10.0.0.9:443", 30_000));
    }
    let ports = Ports::of(&s).unwrap();
    assert_eq!(ports.held.doubtful.text(), "20005");
    let pool = ports.pools.iter().find(|p| p.destination.peer_port == 443).unwrap();
    assert_eq!((pool.used, pool.time_wait_old, pool.time_wait_old_doubtful), (3, 2, 1));
    assert_eq!((pool.headroom(), pool.headroom_max()), (1007, 1009));
}

#[test]
fn a_lone_connection_to_a_high_port_may_have_been_accepted() {
    let mut s = filled("10.0.0.1", "10.0.0.2:45001", 20000..20001);
    assert_eq!(Ports::of(&s).unwrap().held.doubtful.text(), "20000");
    s.sockets.push(socket(State::Established, "10.0.0.1:20002", "10.0.0.2:45001"));
    assert_eq!(Ports::of(&s).unwrap().held.doubtful.text(), "", "two go to one service");
}

#[test]
fn the_cliff_is_where_the_first_half_ends() {
    let mut s = bucketed(&[(20000, Some(Bucket::Connect)), (20001, Some(Bucket::Connect))]);
    assert_eq!(only(&s).until_cliff, Some(504));
    s.sockets.push(listener("0.0.0.0:20002", 0, 5));
    assert_eq!(only(&s).until_cliff, Some(503));
    let range = EphemeralRange::of(&s).unwrap().narrowed(20000, 20009);
    let ports = Ports::with(&s, range, 0);
    assert_eq!((ports.pools[0].until_cliff, ports.pools[0].headroom()), (None, 7));
}

#[test]
fn bind_pools_count_every_socket_on_the_address_and_the_wildcard() {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20010);
    s.sockets.push(time_wait("10.0.0.1:20000", "10.0.0.3:443", 5));
    s.sockets.push(listener("[::]:20600", 0, 5));
    s.sockets.push(Socket { v6only: true, ..listener("[::]:20601", 0, 5) });
    s.sockets.push(socket(State::BoundInactive, "0.0.0.0:20602", "0.0.0.0:0"));
    s.sockets.push(socket(State::BoundInactive, "10.0.0.9:20603", "0.0.0.0:0"));
    s.sockets.push(socket(State::Established, "[fd00::1]:20604", "[fd00::2]:443"));
    let ports = Ports::of(&s).unwrap();
    let pools = ports.local.pools(&ports.range, None);
    let used: Vec<_> = pools.iter().map(|p| (p.local_addr.to_string(), p.used)).collect();
    let want = [("::", 15), ("0.0.0.0", 14), ("10.0.0.1", 12), ("10.0.0.9", 3), ("fd00::1", 3)];
    assert_eq!(used, want.map(|(a, n)| (a.to_string(), n)));
    // An IPv6 connection stands in the way of 0.0.0.0 unless it is IPV6_V6ONLY, which nobody tells.
    assert_eq!((pools[1].headroom, pools[1].headroom_max), (996, 997));
    assert_eq!((pools[2].on_wildcard, pools[2].headroom), (2, 998));
}

#[test]
fn a_port_shown_twice_counts_once() {
    let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20001);
    s.sockets.push(time_wait("10.0.0.1:20000", "10.0.0.2:5001", 9));
    let pool = only(&s);
    assert_eq!((pool.used, pool.time_wait()), (1, 0));
}

#[test]
fn parity_tells_of_the_range_that_was_not_of_the_supposed_one() {
    use super::what_if::WhatIf;
    let s = bucketed(&[(20000, None), (20002, None), (20004, None)]);
    let supposed = WhatIf::parse("range=19999-30000").unwrap();
    let real = s.sysctls.range("net.ipv4.ip_local_port_range");
    let mut other = s.clone();
    supposed.apply(&mut other);
    let ports = Ports::with(&other, supposed.range(&other, real).unwrap(), 0);
    assert_eq!((ports.range.low, ports.held.doubtful.text().as_str()), (19999, ""));
    let blind = Ports::with(&other, supposed.range(&other, None).unwrap(), 0);
    assert_eq!(blind.held.doubtful.text(), "20000,20002,20004");
}

#[test]
fn a_range_that_is_all_held_makes_no_pool_busy() {
    let mut s = fresh();
    set(&mut s, "net.ipv4.ip_local_port_range", "20000 20999");
    for port in 20000..21000 {
        let peer = format!("10.0.{}.{}:443", port % 200, port / 200);
        s.sockets.push(socket(State::Established, &format!("10.0.0.1:{port}"), &peer));
        let owners = s.owners.as_mut().unwrap();
        owners.buckets.get_or_insert_default().note(port, Bucket::Bind);
    }
    let ports = Ports::busy(&s).unwrap();
    assert_eq!((ports.free, ports.pools.len(), ports.destinations), (0, 0, 1000));
}
