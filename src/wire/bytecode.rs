//! Conditions that the kernel checks for us (INET_DIAG_BC_*, net/ipv4/inet_diag.c inet_diag_bc_run).
//!
//! A program is a row of operations {code, yes, no}; `yes` and `no` are distances from the operation. Reaching the end by exactly
//! its length accepts; four bytes past it refuses. Joining programs keeps that form.

use crate::model::endpoint::{Addr, Family};

const NOP: u8 = 0;
const JMP: u8 = 1;
const S_GE: u8 = 2;
const S_LE: u8 = 3;
const D_GE: u8 = 4;
const D_LE: u8 = 5;
const AUTO: u8 = 6;
const S_COND: u8 = 7;
const D_COND: u8 = 8;
const DEV_COND: u8 = 9;
const MARK_COND: u8 = 10;
const CGROUP_COND: u8 = 13;

/// Longest program: distances have sixteen bits.
const LONGEST: usize = 60_000;

/// Which end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The near one.
    Local,
    /// The far one.
    Peer,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(Vec<u8>);

impl Program {
    fn operation(code: u8, body: &[u8]) -> Program {
        let length = (4 + body.len()) as u16;
        let mut bytes = vec![code, length as u8];
        bytes.extend((length + 4).to_ne_bytes());
        bytes.extend(body);
        Program(bytes)
    }

    /// A port from `low` to `high`, both included.
    pub fn ports(end: End, low: u16, high: u16) -> Program {
        let (ge, le) = match end {
            End::Local => (S_GE, S_LE),
            End::Peer => (D_GE, D_LE),
        };
        let compare = |code, port: u16| {
            let port = port.to_ne_bytes();
            Program::operation(code, &[NOP, 0, port[0], port[1]])
        };
        match (low, high) {
            (0, high) => compare(le, high),
            (low, u16::MAX) => compare(ge, low),
            (low, high) => compare(ge, low).and(compare(le, high)),
        }
    }

    /// An address with a prefix length. An IPv4 prefix covers v4-mapped addresses of IPv6 sockets too.
    pub fn prefix(end: End, family: Family, addr: Addr, length: u8) -> Program {
        const AF_INET: u8 = 2;
        const AF_INET6: u8 = 10;
        let code = if end == End::Local { S_COND } else { D_COND };
        let (family, addr) = match family {
            Family::Ipv4 => (AF_INET, addr.0.get(12..).unwrap_or_default().to_vec()),
            Family::Ipv6 => (AF_INET6, addr.0.to_vec()),
        };
        let mut body = vec![family, length, 0, 0];
        body.extend((-1i32).to_ne_bytes());
        body.extend(addr);
        Program::operation(code, &body)
    }

    /// Bound to an interface.
    pub fn device(index: u32) -> Program {
        Program::operation(DEV_COND, &index.to_ne_bytes())
    }

    /// A firewall mark; refused without CAP_NET_ADMIN.
    pub fn mark(value: u32, mask: u32) -> Program {
        let mut body = value.to_ne_bytes().to_vec();
        body.extend(mask.to_ne_bytes());
        Program::operation(MARK_COND, &body)
    }

    /// A control group by id.
    pub fn cgroup(id: u64) -> Program {
        Program::operation(CGROUP_COND, &id.to_ne_bytes())
    }

    /// The port was not taken by an explicit bind(), and the socket does not listen (no SOCK_BINDPORT_LOCK).
    pub fn autobound() -> Program {
        Program::operation(AUTO, &[])
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: Program) -> Program {
        let (mine, added) = (self.0.len(), other.0.len());
        let mut at = 0;
        while let Some([_, yes, low, high]) = self.0.get(at..at + 4) {
            let (step, no) = (usize::from(*yes), u16::from_ne_bytes([*low, *high]));
            if usize::from(no) == mine - at + 4
                && let Some(place) = self.0.get_mut(at + 2..at + 4)
            {
                place.copy_from_slice(&no.wrapping_add(added as u16).to_ne_bytes());
            }
            at += step.max(4);
        }
        self.0.extend(other.0);
        self
    }

    /// Either: what the first refuses lands four bytes past it, where the second begins.
    #[must_use]
    pub fn or(mut self, other: Program) -> Program {
        self.0.extend([JMP, 4]);
        self.0.extend((other.0.len() as u16).wrapping_add(4).to_ne_bytes());
        self.0.extend(other.0);
        self
    }

    /// The contrary: accepting runs into a jump past the end, refusing lands on the end.
    #[must_use]
    pub fn negate(mut self) -> Program {
        self.0.extend([JMP, 4]);
        self.0.extend(8u16.to_ne_bytes());
        self
    }

    /// Whether the distances still fit.
    pub fn fits(&self) -> bool {
        self.0.len() <= LONGEST
    }

    /// The bytes of the attribute INET_DIAG_REQ_BYTECODE.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's interpreter for port conditions.
    fn accepts(program: &Program, local: u16, peer: u16) -> bool {
        let (mut at, end) = (0i64, program.0.len() as i64);
        while at < end {
            let op = &program.0[at as usize..];
            let port = || u16::from_ne_bytes([op[6], op[7]]);
            let yes = match op[0] {
                NOP => true,
                JMP => false,
                S_GE => local >= port(),
                S_LE => local <= port(),
                D_GE => peer >= port(),
                D_LE => peer <= port(),
                other => panic!("{other}"),
            };
            let no = u16::from_ne_bytes([op[2], op[3]]);
            let step = if yes { i64::from(op[1]) } else { i64::from(no) };
            assert!(step > 0, "an operation that leads nowhere");
            at += step;
        }
        at == end
    }

    #[test]
    fn a_single_condition_has_the_layout_of_the_kernel() {
        assert_eq!(Program::ports(End::Local, 80, 65535).bytes(), [2, 8, 12, 0, 0, 0, 80, 0]);
        assert_eq!(Program::autobound().bytes(), [6, 4, 8, 0]);
        assert_eq!(Program::autobound().negate().bytes(), [6, 4, 8, 0, 1, 4, 8, 0]);
        let prefix = Program::prefix(End::Peer, Family::Ipv4, Addr::v4([10, 0, 0, 0]), 8);
        assert_eq!(prefix.bytes(), [8, 16, 20, 0, 2, 8, 0, 0, 255, 255, 255, 255, 10, 0, 0, 0]);
    }

    #[test]
    fn joined_programs_say_what_their_parts_say() {
        let s = |low, high| Program::ports(End::Local, low, high);
        let d = |low, high| Program::ports(End::Peer, low, high);
        let program = s(10, 20).or(s(40, 50).and(d(5, 5).negate())).and(d(1, 9).or(d(90, 99)));
        let wanted = |l: u16, p: u16| {
            ((10..=20).contains(&l) || ((40..=50).contains(&l) && p != 5))
                && ((1..=9).contains(&p) || (90..=99).contains(&p))
        };
        let contrary = program.clone().negate();
        let twice = contrary.clone().negate().and(s(0, 65535));
        for local in 0..60 {
            for peer in 0..110 {
                assert_eq!(accepts(&program, local, peer), wanted(local, peer), "{local} {peer}");
                assert_eq!(accepts(&contrary, local, peer), !wanted(local, peer));
                assert_eq!(accepts(&twice, local, peer), wanted(local, peer));
            }
        }
        assert!(program.fits());
    }
}
