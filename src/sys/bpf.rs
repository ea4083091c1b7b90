//! Who holds which socket, asked of the kernel in one pass: an iterator over the open files of every task (`task_file`; with what is
//! called here it needs Linux 5.11), loaded with bpf(2). The program is put together from the places that BTF gives for this very kernel;
//! there is no compiler, and nothing is attached to anything but the pass itself. It needs CAP_BPF and CAP_PERFMON, or root.
#![expect(unsafe_code, reason = "bpf(2) has no wrapper in the libraries in use")]

use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::{Kind, Open, SysError};
use crate::model::owner::Bucket;
use crate::wire::btf::{Btf, FUNC, STRUCT};

const WHAT: &str = "BPF task_file";

/// Bytes of one record.
const RECORD: usize = 16;

/// Hands every open IPv4 and IPv6 socket of every task to `each`; of one network namespace if its inode is given, and with its port and what
/// took that if the port lies in `span`: that costs further lines of memory for each.
///
/// # Errors
/// This kernel has no BTF or no such iterator, or refuses it to us.
pub fn open_sockets(
    netns: Option<u32>,
    span: Option<(u16, u16)>,
    each: &mut dyn FnMut(Open),
) -> Result<bool, SysError> {
    let mut places = Places::read()?;
    places.span = span;
    let program = load(&places.program(netns), places.target).or_else(|e| {
        // A kernel that refuses the look at buckets may still tell who holds what.
        match places.span.take() {
            Some(_) => load(&places.program(netns), places.target),
            None => Err(e),
        }
    })?;
    let link = command(Command::LinkCreate, &mut {
        let mut attr = [0; 64];
        put(&mut attr, 0, raw(&program));
        put(&mut attr, 8, TRACE_ITER);
        attr
    })?;
    let pass = command(Command::IterCreate, &mut {
        let mut attr = [0; 8];
        put(&mut attr, 0, raw(&link));
        attr
    })?;
    let mut buffer = vec![0u8; 64 * 1024];
    let mut kept = 0;
    loop {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        let read = match rustix::io::read(&pass, free) {
            Ok(0) => return Ok(places.span.is_some() && places.buckets.is_some()),
            Ok(n) => n,
            // The kernel pauses after a million files that gave nothing.
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(e) => return Err(SysError::new(WHAT, e)),
        };
        let length = kept + read;
        let whole = length - length % RECORD;
        for record in buffer.get(..whole).unwrap_or_default().chunks_exact(RECORD) {
            let word = |i: usize| {
                let bytes = record.get(i * 4..i * 4 + 4).and_then(|b| b.try_into().ok());
                bytes.map(u32::from_ne_bytes).unwrap_or_default()
            };
            let (port, kind) = (word(3) as u16, word(3) >> 16);
            let port = Bucket::from_number(kind).map(|bucket| (port, bucket));
            each(Open { inode: word(0), pid: word(1), fd: word(2), port });
        }
        buffer.copy_within(whole..length, 0);
        kept = length - whole;
    }
}

/// Where this kernel keeps what the program reads.
struct Places {
    target: u32,
    file_inode: i16,
    inode_number: i16,
    tgid: i16,
    sk: i16,
    family: i16,
    net: i16,
    inum: i16,
    buckets: Option<BucketPlaces>,
    /// The ports whose buckets are read.
    span: Option<(u16, u16)>,
}

/// Where a TCP socket keeps what its port is bound by.
struct BucketPlaces {
    bucket: i16,
    port: i16,
    reuse: i16,
    reuseport: i16,
    /// The byte of sk_userlocks, and the bit in it that says that bind() named the port (SOCK_BINDPORT_LOCK, include/net/sock.h).
    locks: i16,
    named: i32,
}

/// SOCK_BINDPORT_LOCK in sk_userlocks.
const BINDPORT_LOCK: i32 = 8;

impl Places {
    #[expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]
    fn read() -> Result<Places, SysError> {
        let path = "/sys/kernel/btf/vmlinux";
        let bytes = std::fs::read(path).map_err(|e| SysError::from_io(path, &e))?;
        let unknown = || SysError {
            what: WHAT.into(),
            kind: Kind::Absent,
            reason: "this kernel's types are laid out in a way that is not known here".into(),
        };
        Places::find(&bytes).ok_or_else(unknown)
    }

    fn find(bytes: &[u8]) -> Option<Places> {
        if !cfg!(target_pointer_width = "64") {
            return None;
        }
        let btf = Btf::new(bytes)?;
        let found = btf.find(&[
            ("bpf_iter_task_file", FUNC),
            ("file", STRUCT),
            ("inode", STRUCT),
            ("task_struct", STRUCT),
            ("socket", STRUCT),
            ("sock", STRUCT),
            ("sock_common", STRUCT),
            ("net", STRUCT),
            ("ns_common", STRUCT),
            ("tcp_sock", STRUCT),
            ("inet_connection_sock", STRUCT),
            ("inet_bind_bucket", STRUCT),
        ]);
        let place = |of: &str, name: &str| i16::try_from(btf.member(*found.get(of)?, name)?).ok();
        let common = place("sock", "__sk_common")?;
        Some(Places {
            target: found.get("bpf_iter_task_file")?.id,
            file_inode: place("file", "f_inode")?,
            inode_number: place("inode", "i_ino")?,
            tgid: place("task_struct", "tgid")?,
            sk: place("socket", "sk")?,
            family: common.checked_add(place("sock_common", "skc_family")?)?,
            net: common.checked_add(place("sock_common", "skc_net")?)?,
            inum: place("net", "ns")?.checked_add(place("ns_common", "inum")?)?,
            span: None,
            buckets: (|| {
                // A byte of its own from Linux 6.18 on, a bit field before.
                let sock = *found.get("sock")?;
                let whole = btf.member(sock, "sk_userlocks").map(|at| (at, 0, 8));
                let (locks, shift, width) =
                    whole.or_else(|| btf.bit_field(sock, "sk_userlocks"))?;
                Some(BucketPlaces {
                    bucket: place("tcp_sock", "inet_conn")?
                        .checked_add(place("inet_connection_sock", "icsk_bind_hash")?)?,
                    port: place("inet_bind_bucket", "port")?,
                    reuse: place("inet_bind_bucket", "fastreuse")?,
                    reuseport: place("inet_bind_bucket", "fastreuseport")?,
                    locks: i16::try_from(locks).ok()?,
                    named: (width >= 4).then_some(BINDPORT_LOCK << shift)?,
                })
            })(),
        })
    }

    /// The program: `ctx` is struct bpf_iter__task_file {meta, task, fd, file}, and `meta` begins with the seq_file (include/linux/bpf.h);
    /// these are for programs to rely on, unlike the rest.
    fn program(&self, netns: Option<u32>) -> Vec<Instruction> {
        const SOCK_FROM_FILE: i32 = 162;
        const SEQ_WRITE: i32 = 127;
        const SKC_TO_TCP_SOCK: i32 = 137;
        const CTX: u8 = 6;
        const BUCKET: u8 = 7;
        const TASK: u8 = 8;
        const FILE: u8 = 9;
        const FRAME: u8 = 10;
        let mut p = vec![
            mov(CTX, 1),
            Instruction::new(MOV_NUMBER, BUCKET, 0, 0, 0),
            load64(TASK, CTX, 8),
            load64(FILE, CTX, 24),
            unless_zero(FILE),
            unless_zero(TASK),
            mov(1, FILE),
            call(SOCK_FROM_FILE),
            unless_zero(0),
            load64(1, 0, self.sk),
            unless_zero(1),
            load16(2, 1, self.family),
            Instruction::new(JEQ, 2, 0, 1, 2),
            Instruction::new(JNE, 2, 0, EXIT, 10),
        ];
        if let Some(netns) = netns {
            p.push(load64(2, 1, self.net));
            p.push(load32(3, 2, self.inum));
            p.push(Instruction::new(JNE32, 3, 0, EXIT, netns.cast_signed()));
        }
        if let (Some(places), Some((low, high))) = (&self.buckets, self.span) {
            let start = p.len();
            // Upper half: the bucket; lower half: the port.
            let kind = |bucket: Bucket| (bucket.number() << 16) as i32;
            p.extend([
                // The port stands before the family in struct sock_common. If it did not, it would not agree with the bucket's below,
                // and nothing would be said of it.
                load16(4, 1, self.family - 2),
                Instruction::new(JLT, 4, 0, BEHIND, i32::from(low)),
                Instruction::new(JGT, 4, 0, BEHIND, i32::from(high)),
                mov(BUCKET, 4),
                call(SKC_TO_TCP_SOCK),
                Instruction::new(JEQ, 0, 0, BEHIND, 0),
                load64(1, 0, places.bucket),
                Instruction::new(JEQ, 1, 0, BEHIND, 0),
                load8(2, 1, places.reuse),
                load8(3, 1, places.reuseport),
                load16(4, 1, places.port),
                Instruction::new(JNE_REGISTER, 4, BUCKET, BEHIND, 0),
                // Both are signed bytes: only two negative ones leave the sign in place.
                Instruction::new(AND, 2, 3, 0, 0),
                Instruction::new(AND_NUMBER, 2, 0, 0, 0x80),
                Instruction::new(JEQ, 2, 0, 2, 0),
                Instruction::new(OR_NUMBER, BUCKET, 0, 0, kind(Bucket::Connect)),
                Instruction::new(JUMP, 0, 0, BEHIND, 0),
                Instruction::new(OR_NUMBER, BUCKET, 0, 0, kind(Bucket::Bind)),
                load8(5, 0, places.locks),
                Instruction::new(AND_NUMBER, 5, 0, 0, places.named),
                Instruction::new(JEQ, 5, 0, BEHIND, 0),
                Instruction::new(OR_NUMBER, BUCKET, 0, 0, kind(Bucket::Named)),
            ]);
            lead(&mut p, start, BEHIND);
        }
        p.extend([
            load64(1, FILE, self.file_inode),
            load64(3, 1, self.inode_number),
            store32(FRAME, 3, -16),
            load32(4, TASK, self.tgid),
            store32(FRAME, 4, -12),
            load32(5, CTX, 16),
            store32(FRAME, 5, -8),
            store32(FRAME, BUCKET, -4),
            load64(1, CTX, 0),
            load64(1, 1, 0),
            mov(2, FRAME),
            Instruction::new(ADD, 2, 0, 0, -16),
            Instruction::new(MOV_NUMBER, 3, 0, 0, RECORD as i32),
            call(SEQ_WRITE),
        ]);
        lead(&mut p, 0, EXIT);
        p.extend([Instruction::new(MOV_NUMBER, 0, 0, 0, 0), Instruction::new(0x95, 0, 0, 0, 0)]);
        p
    }
}

/// `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    number: i32,
}

const JEQ: u8 = 0x15;
const JNE: u8 = 0x55;
const JNE32: u8 = 0x56;
const ADD: u8 = 0x07;
const AND: u8 = 0x5f;
const OR_NUMBER: u8 = 0x47;
const JUMP: u8 = 0x05;
const JGT: u8 = 0x25;
const JLT: u8 = 0xa5;
const JNE_REGISTER: u8 = 0x5d;
const AND_NUMBER: u8 = 0x57;
const MOV_NUMBER: u8 = 0xb7;
/// Stands for the distance to the end until that is known.
const EXIT: i16 = i16::MAX;
/// The same for the end of a part.
const BEHIND: i16 = i16::MAX - 1;

/// Puts the distance to the end in place of a mark, from instruction `start` on.
fn lead(program: &mut [Instruction], start: usize, mark: i16) {
    let end = program.len();
    for (at, instruction) in program.iter_mut().enumerate().skip(start) {
        if instruction.offset == mark {
            instruction.offset = (end - at - 1) as i16;
        }
    }
}

impl Instruction {
    fn new(code: u8, to: u8, from: u8, offset: i16, number: i32) -> Instruction {
        // The two halves of the byte are a C bit field, which begins at the other end on big-endian machines.
        let registers =
            if cfg!(target_endian = "little") { to | from << 4 } else { from | to << 4 };
        Instruction { code, registers, offset, number }
    }
}

fn mov(to: u8, from: u8) -> Instruction {
    Instruction::new(0xbf, to, from, 0, 0)
}
fn load64(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction::new(0x79, to, from, offset, 0)
}
fn load32(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction::new(0x61, to, from, offset, 0)
}
fn load16(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction::new(0x69, to, from, offset, 0)
}
fn load8(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction::new(0x71, to, from, offset, 0)
}
fn store32(to: u8, from: u8, offset: i16) -> Instruction {
    Instruction::new(0x63, to, from, offset, 0)
}
fn call(helper: i32) -> Instruction {
    Instruction::new(0x85, 0, 0, 0, helper)
}
/// Leaves the program if the register is zero.
fn unless_zero(register: u8) -> Instruction {
    Instruction::new(JEQ, register, 0, EXIT, 0)
}

/// Commands of bpf(2) (enum bpf_cmd, include/uapi/linux/bpf.h).
#[derive(Clone, Copy)]
enum Command {
    ProgLoad = 5,
    LinkCreate = 28,
    IterCreate = 33,
}

/// BPF_PROG_TYPE_TRACING.
const TRACING: u32 = 26;
/// BPF_TRACE_ITER.
const TRACE_ITER: u32 = 28;

fn load(program: &[Instruction], target: u32) -> Result<OwnedFd, SysError> {
    // bpf_seq_write is for programs under a licence that the kernel's agrees with.
    let license = c"Dual MIT/GPL";
    let mut attr = [0; 128];
    put(&mut attr, 0, TRACING);
    put(&mut attr, 4, program.len() as u32);
    put_pointer(&mut attr, 8, program.as_ptr().cast());
    put_pointer(&mut attr, 16, license.as_ptr().cast());
    put(&mut attr, 68, TRACE_ITER);
    put(&mut attr, 108, target);
    command(Command::ProgLoad, &mut attr)
}

fn put(attr: &mut [u8], at: usize, n: u32) {
    if let Some(place) = attr.get_mut(at..at + 4) {
        place.copy_from_slice(&n.to_ne_bytes());
    }
}

fn put_pointer(attr: &mut [u8], at: usize, pointer: *const u8) {
    if let Some(place) = attr.get_mut(at..at + 8) {
        place.copy_from_slice(&(pointer.addr() as u64).to_ne_bytes());
    }
}

fn raw(fd: &OwnedFd) -> u32 {
    use std::os::fd::AsRawFd;
    fd.as_raw_fd().cast_unsigned()
}

/// One bpf(2) that gives a descriptor.
fn command(command: Command, attr: &mut [u8]) -> Result<OwnedFd, SysError> {
    // SAFETY: attr is a readable and writable buffer of the length that is given, laid out as union bpf_attr; the pointers in it lead
    // to the program and the licence, which live until the call returns.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command as i32, attr.as_mut_ptr(), attr.len()) };
    match i32::try_from(result) {
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => {
            let e = std::io::Error::last_os_error();
            Err(match e.raw_os_error() {
                Some(libc::EPERM) => SysError {
                    what: WHAT.into(),
                    kind: Kind::Denied,
                    reason: "it needs CAP_BPF and CAP_PERFMON".into(),
                },
                _ => SysError::from_io(WHAT, &e),
            })
        }
    }
}
