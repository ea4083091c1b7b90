#!/bin/sh
# proposed by tcpvet VERSION
# 2027-01-15T08:00:00.000Z on lab, Linux 6.18.0
# for network namespace net:[4026532317]
set -e
[ "$(readlink /proc/self/ns/net)" = 'net:[4026532317]' ] || { echo 'this is another network namespace' >&2; exit 3; }

# somebody listens inside the wider range, on port 18080; unreserved, a connection could take it
# risk: none known; writing it replaces the whole list, so the present entries are kept in the proposal
# undo: sysctl -w net.ipv4.ip_local_reserved_ports=''
sysctl -w net.ipv4.ip_local_reserved_ports=18080

# 97 of 100 ports taken for 127.0.0.1 -> 127.0.0.1:7001, 3 left (97 %): 100 ports serve this destination; 1/s for good become a ceiling of 749/s by arithmetic
# 100 ephemeral ports (20000 to 20099): they bear 2 closes a second to one destination: it hurts as it is set
# risk: a connection may take the port of a service that is not running at that moment, unless it is reserved; past half of the range each connect() searches longer, and the longer the range the longer
# undo: sysctl -w net.ipv4.ip_local_port_range='20000 20099'
sysctl -w net.ipv4.ip_local_port_range='15000 60999'

# 97 of 100 ports taken for 127.0.0.1 -> 127.0.0.1:7001, 3 left (97 %): 48 of the ports to this destination are in TIME_WAIT; 1/s for good become a ceiling of 42/s by arithmetic, and the port search slows connect() past half of that
# risk: low; a peer or a middlebox that drops a SYN to a connection it still remembers makes connect() slower
# undo: sysctl -w net.ipv4.tcp_tw_reuse=0
sysctl -w net.ipv4.tcp_tw_reuse=2
