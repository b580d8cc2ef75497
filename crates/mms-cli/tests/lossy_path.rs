//! Two network namespaces, a cable between them, and a rule in each that drops UDP datagrams: what `mms get` brings
//! over MMS/UDP is the source all the same.
//!
//! A missing program fails the test where `CI=true`; where namespaces are not permitted it is told by a line with
//! `SKIPPED`. The namespaces have no names: they are gone when the processes in them are.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;
#[allow(dead_code, reason = "the tool's tests use the rest")]
mod tool {
    pub(super) mod asf;
}

use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use serde_json::Value;
use support::peer::{all_installed, skip};
use support::process::{Run, Running, Scratch, bounded};
use support::server::made;
use tool::asf::{assert_fetched, source};

/// Packets of 1,400 bytes or less, so that no datagram is fragmented: 1024, 512 and 256 bytes.
const FILES: [&str; 3] = ["seek-125s.wmv", "key-frames-512.wmv", "av-256.wmv"];
const SERVER: &str = "10.77.0.1";
const CLIENT: &str = "10.77.0.2";
/// Of 100.
const DROPPED: u32 = 5;
const LIFE: Duration = Duration::from_secs(120);

/// A network namespace, which lives as long as a sleeping process in it.
struct Namespace {
    sleeper: Running,
    pid: u32,
    is_root: bool,
}

impl Namespace {
    /// A new one, beside another one if there is one; `None` where that is not permitted.
    fn new(beside: Option<&Self>) -> Option<Self> {
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
        let mut command = match beside {
            Some(first) => {
                let mut command = Command::new("nsenter");
                first.enter(&mut command, false);
                command.arg("unshare");
                command
            }
            None => Command::new("unshare"),
        };
        command.args(if is_root || beside.is_some() { ["-n", "--"] } else { ["-rn", "--"] });
        command.args(["sleep", &LIFE.as_secs().to_string()]);
        let mut sleeper =
            Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        let pid = sleeper.child().id();
        let first = beside.map(|first| first.net());
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut namespace = Self { sleeper, pid, is_root };
        while !namespace.sleeper.has_ended() && Instant::now() < deadline {
            let net = namespace.net();
            let slept = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            if slept == b"sleep\n" && net != own && Some(&net) != first.as_ref() {
                return Some(namespace);
            }
            sleep(Duration::from_millis(10));
        }
        None
    }

    fn net(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/ns/net", self.pid)).unwrap_or_default()
    }

    /// A program in this namespace.
    fn inside(&self, program: &str) -> Command {
        let mut command = bounded(LIFE, "nsenter");
        self.enter(&mut command, true);
        command.arg(program);
        command
    }

    /// With the rights of its users, and perhaps with its network.
    fn enter(&self, command: &mut Command, network: bool) {
        command.args(["-t", &self.pid.to_string()]);
        if !self.is_root {
            command.args(["-U", "--preserve-credentials"]);
        }
        if network {
            command.arg("-n");
        }
        command.arg("--");
    }

    /// Runs a command line without spaces in its words.
    fn run(&self, line: &str) -> Result<String, String> {
        let mut words = line.split(' ');
        let mut command = self.inside(words.next().unwrap());
        let output = command.args(words).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(said) } else { Err(format!("{line}: {complaint}")) }
    }

    /// Brings the end of the cable up, and drops some of the UDP datagrams that come in.
    fn set_up(&self, device: &str, address: &str) -> Result<(), String> {
        self.run("ip link set lo up")?;
        self.run(&format!("ip address add {address}/30 dev {device}"))?;
        self.run(&format!("ip link set {device} up"))?;
        self.run("nft add table inet lossy")?;
        self.run("nft add chain inet lossy in { type filter hook input priority 0; }")?;
        self.run(&format!(
            "nft add rule inet lossy in meta l4proto udp numgen random mod 100 < {DROPPED} counter drop"
        ))?;
        Ok(())
    }

    /// Datagrams that the rule dropped.
    fn dropped(&self) -> u64 {
        let rules = self.run("nft list table inet lossy").unwrap();
        let count = rules.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no counter: {rules}"))
    }
}

/// The server's namespace and the client's, with a cable between them.
fn joined() -> Option<[Namespace; 2]> {
    let server = Namespace::new(None)?;
    let client = Namespace::new(Some(&server))?;
    let link = format!("ip link add mms0 mtu 1500 type veth peer name mms1 mtu 1500 netns {}", client.pid);
    let ready = server
        .run(&link)
        .and_then(|_| server.set_up("mms0", SERVER))
        .and_then(|()| client.set_up("mms1", CLIENT));
    ready.inspect_err(|error| skip(&format!("lossy path: {}", error.trim()))).ok()?;
    Some([server, client])
}

fn serve(namespace: &Namespace, scratch: &Scratch, pace: &str) -> Running {
    let mut command = namespace.inside(env!("CARGO_BIN_EXE_mms"));
    command.args(["serve", "--listen", &format!("{SERVER}:1755"), "--pace", pace]);
    command.args(FILES.map(made)).env("RUST_LOG", "mms::session=debug");
    let said = scratch.file("server.out");
    command.stdout(fs::File::create(&said).unwrap());
    command.stderr(fs::File::create(scratch.file("server.err")).unwrap());
    let mut running = Running::start(&mut command);
    let deadline = Instant::now() + Duration::from_secs(15);
    while !fs::read_to_string(&said).unwrap().contains("mms") {
        assert!(!running.has_ended() && Instant::now() < deadline, "no URL: {}", logs(scratch));
        sleep(Duration::from_millis(20));
    }
    running
}

fn logs(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.file("server.err")).unwrap_or_default()
}

/// Fetches a file and returns how many packets were lost and how many of them were recovered.
fn fetch(namespace: &Namespace, scratch: &Scratch, name: &str) -> [u64; 2] {
    let target = scratch.file(name);
    let mut command = namespace.inside(env!("CARGO_BIN_EXE_mms"));
    command.args(["get", &format!("mmsu://{SERVER}/{name}"), "--json", "-o"]).arg(&target);
    let run = Run::complete(command.env_remove("RUST_LOG"), scratch, "get");
    assert_eq!(run.code(), 0, "{}", run.explain(logs(scratch)));
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    println!("{name}: {}", said["network"]);
    assert_eq!(said["transport"], "MMS/UDP");
    assert_eq!((&said["complete"], &said["packets_missing"]), (&Value::Bool(true), &Value::from(0)));
    let packets = source(&made(name));
    assert!(packets.packet_size() <= 1400 && packets.packets() > 200);
    assert_fetched(&made(name), &target);
    let network = |key: &str| said["network"][key].as_u64().unwrap();
    assert_eq!(network("received"), said["packets_received"].as_u64().unwrap());
    assert!(network("requested") >= network("recovered") && network("lost") >= network("recovered"));
    // the server is told the same
    let told = [
        format!("packets_received: {}", network("received")),
        format!("packets_lost_net: {}", network("lost")),
        format!("resend_requests: {}", network("requested")),
        format!("packets_recovered_resent: {}", network("recovered")),
    ];
    let deadline = Instant::now() + Duration::from_secs(10);
    while !logs(scratch)
        .lines()
        .any(|line| line.contains(name) && told.iter().all(|part| line.contains(part)))
    {
        assert!(Instant::now() < deadline, "no client log with {told:?}: {}", logs(scratch));
        sleep(Duration::from_millis(20));
    }
    [network("lost"), network("recovered")]
}

#[test]
fn over_a_path_that_drops_one_datagram_in_twenty_each_way_all_media_arrives() {
    let programs =
        [("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")];
    if !all_installed(&programs) {
        return;
    }
    let Some([server, client]) = joined() else {
        skip("lossy path: network namespaces are not permitted here");
        return;
    };
    for pace in ["off", "20"] {
        let scratch = Scratch::new("lossy");
        let _serving = serve(&server, &scratch, pace);
        let counts = FILES.map(|name| fetch(&client, &scratch, name));
        let [lost, recovered] = [0, 1].map(|which| counts.iter().map(|count| count[which]).sum::<u64>());
        println!(
            "pace {pace}: {lost} lost, {recovered} recovered; dropped so far: {} to the client, {} to the server",
            client.dropped(),
            server.dropped()
        );
        assert!(lost > 0 && recovered > 0, "nothing was lost");
    }
    assert!(client.dropped() > 0, "the rule dropped nothing");
}
