//! Who made what no process holds any more: by the cookie seen before, by who serves, by who connects; and nobody where nothing tells.

use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::lab::{lab_test, pause, sysctl};
use crate::support::run::{document, findings, json, run, tcpvet};

/// Connections to a server in this process: near ends and far ends.
fn connections(server: &TcpListener, count: usize) -> (Vec<TcpStream>, Vec<TcpStream>) {
    let one = |_| {
        let near = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        (near, server.accept().unwrap().0)
    };
    (0..count).map(one).unzip()
}

lab_test!(ports_in_time_wait_are_put_to_who_held_them_a_second_before, {
    sysctl("net.ipv4.ip_local_port_range", "20000 20499");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let server = TcpListener::bind("127.0.0.1:7001").unwrap();
    let (near, far) = connections(&server, 463);
    let child = tcpvet().args(["--sample", "2s", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    pause(1000);
    drop((near, far));
    let output = child.wait_with_output().unwrap();
    let both = document(&String::from_utf8(output.stdout).unwrap());
    let finding = findings(&both, "ephemeral-port-exhaustion")[0].clone();
    assert_eq!(finding["facts"]["time_wait"], 463);
    let owner = &finding["subject"]["owners"][0];
    assert_eq!(
        (&owner["pid"], &owner["provenance"]),
        (&json!(std::process::id()), &json!("inferred")),
        "{finding}"
    );
    let said = finding["evidence"].to_string();
    assert!(said.contains("Inferred: of 463 left, these were held 2"), "{said}");
    assert!(said.contains(&format!("[{}] (463)", std::process::id())), "{said}");
    // A single look has nothing to conclude from.
    let alone = json(&[]);
    let finding = findings(&alone, "ephemeral-port-exhaustion")[0];
    assert_eq!(finding["subject"]["owners"], json!([]));
});

lab_test!(ports_are_put_to_the_one_who_connects_there_from_elsewhere, {
    sysctl("net.ipv4.ip_local_port_range", "20000 20499");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let server = TcpListener::bind("127.0.0.1:7001").unwrap();
    let (near, far) = connections(&server, 463);
    drop((near, far));
    let bound = |addr: &str| {
        // Programs that are started must not hold it too.
        let fd = rustix::net::socket_with(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        rustix::net::bind(&fd, &addr.parse::<std::net::SocketAddr>().unwrap()).unwrap();
        rustix::net::connect(&fd, &server.local_addr().unwrap()).unwrap();
        fd
    };
    let _other = bound("127.0.0.2:0");
    let document = json(&[]);
    let finding = findings(&document, "ephemeral-port-exhaustion")[0];
    let owner = &finding["subject"]["owners"][0];
    assert_eq!(
        (&owner["pid"], &owner["provenance"]),
        (&json!(std::process::id()), &json!("inferred")),
        "{finding}"
    );
    assert!(finding["evidence"].to_string().contains("alone has connections to 127.0.0.1:7001"));
});

/// Owner and ground of every socket in TIME_WAIT.
fn told(args: &[&str]) -> Vec<Value> {
    let columns = ["list", "--infer", "-O", "local,peer,process,rests_on", "state time-wait"];
    let list = json(&[&columns, args].concat());
    let row = |s: &Value| {
        let owner = &s["owners"][0];
        json!([owner["pid"], owner["provenance"], owner["fd"], s["rests_on"]])
    };
    list["sockets"].as_array().unwrap().iter().map(row).collect()
}

lab_test!(a_list_names_who_most_likely_made_it_and_what_that_rests_on, {
    let server = TcpListener::bind("127.0.0.1:7001").unwrap();
    let (near, far) = connections(&server, 7);
    let folder = std::env::temp_dir().join(format!("tcpvet-makers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let before = folder.join("before.tar");
    let before = before.to_str().unwrap();
    assert_eq!(run(&["capture", "-o", before]).status, 0);
    // The near ends close first: their ports are in TIME_WAIT.
    drop(near);
    drop(far);
    pause(100);
    let me = std::process::id();
    assert_eq!(told(&["--baseline", before]), vec![json!([me, "inferred", null, "cookie"]); 7]);
    assert_eq!(told(&[]), vec![json!([null, "none", null, null]); 7], "nothing tells");
    let elsewhere = std::process::Command::new("unshare")
        .args(["-n", env!("CARGO_BIN_EXE_tcpvet"), "list", "--infer", "--baseline", before])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert_eq!(elsewhere.status.code(), Some(3));
    assert!(said.contains("the baseline does not fit: it is of network namespace"), "{said}");
    let (_near, _far) = connections(&server, 1);
    assert_eq!(told(&[]), vec![json!([me, "inferred", null, "destination"]); 7]);
    let filtered = json(&["list", "--infer", "state time-wait and provenance = inferred"]);
    assert_eq!(filtered["sockets"].as_array().unwrap().len(), 7);
    let table = run(&["list", "--infer", "state time-wait"]);
    assert!(table.out.contains(&format!("[{me}])")), "in parentheses: {}", table.out);
    let plain = run(&["list", "state time-wait"]);
    assert!(plain.out.contains("(kernel)") && !plain.out.contains(&format!("[{me}]")));
    // The far ends close first: what is left was served.
    let (near, far) = connections(&server, 5);
    drop(far);
    drop(near);
    pause(100);
    let served = json!([me, "inferred", null, "listener"]);
    assert_eq!(told(&[]).iter().filter(|row| **row == served).count(), 5);
    std::fs::remove_dir_all(&folder).unwrap();
});
