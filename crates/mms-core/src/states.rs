//! The state diagrams of `docs/states.md`, printed from what the sessions do.
//!
//! A session is begun, and everything that can come is tried in every state that is reached, until nothing new is reached. Two
//! sessions count as the same where they differ in numbers only (positions, incarnations, counters, moments).

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::format;
use std::path::Path;
use std::string::{String, ToString as _};
use std::vec::Vec;

use crate::mmsp::client::explored as client;
use crate::mmsp::server::explored as server;
#[cfg(feature = "http")]
use crate::wmsp::{client::explored as http_client, server::explored as http_server};

/// The messages of the other tests.
#[path = "../../mms-testkit/src/talk.rs"]
#[allow(dead_code, unreachable_pub, clippy::must_use_candidate, reason = "shared with the testkit")]
pub(crate) mod talk;

/// Digits of the moment that never comes.
const NEVER: u32 = 20;

/// Sessions that differ in more than numbers; there are a few thousand.
const MOST: usize = 200_000;

/// What a session did.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Did {
    /// Messages that it sent.
    pub(crate) says: Vec<String>,
    /// Events and wishes for its host.
    pub(crate) tells: Vec<String>,
}

/// A session with what is needed to talk to it.
pub(crate) trait Machine: Clone {
    /// What can come: peer, host or application, time.
    const INPUTS: &'static [&'static str];

    /// The name of its state.
    fn state(&self) -> String;

    /// All of it as text.
    fn text(&self) -> String;

    /// Lets something come; `None` if it cannot come now.
    fn put(&mut self, input: &str) -> Option<Did>;
}

/// A variant's name.
pub(crate) fn name(debug: &str) -> String {
    debug.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default().to_string()
}

/// The text of a machine without its numbers; a timer that does not run is more than a number.
fn key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len());
    let mut digits = 0;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            digits += 1;
            continue;
        }
        if digits > 0 {
            key.push(if digits == NEVER { b'!' } else { b'#' });
            digits = 0;
        }
        key.push(byte);
    }
    key
}

/// What happens in each state: input, next state, what it did.
#[derive(Debug, Default)]
struct Diagram {
    states: Vec<String>,
    edges: BTreeMap<(String, &'static str), BTreeSet<(String, Did)>>,
    impossible: BTreeMap<String, BTreeSet<&'static str>>,
    tried: usize,
}

fn explore<M: Machine>(start: M) -> Diagram {
    let mut diagram = Diagram::default();
    let mut seen = HashSet::from([key(&start.text())]);
    let mut queue = VecDeque::from([start]);
    while let Some(machine) = queue.pop_front() {
        let from = machine.state();
        if !diagram.states.contains(&from) {
            diagram.states.push(from.clone());
        }
        for input in M::INPUTS {
            let mut next = machine.clone();
            let Some(did) = next.put(input) else {
                diagram.impossible.entry(from.clone()).or_default().insert(input);
                continue;
            };
            diagram.tried += 1;
            diagram.edges.entry((from.clone(), input)).or_default().insert((next.state(), did));
            if seen.insert(key(&next.text())) {
                queue.push_back(next);
            }
        }
        assert!(seen.len() < MOST, "there is no end of states");
    }
    diagram
}

impl Diagram {
    /// Whether an edge is more than "nothing happens".
    fn is_heard(from: &str, (to, did): &(String, Did)) -> bool {
        from != to || *did != Did::default()
    }

    fn mermaid(&self) -> String {
        let mut arrows: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
        let place = |name: &str| self.states.iter().position(|state| state == name).unwrap();
        for ((from, input), ends) in &self.edges {
            for (to, _) in ends.iter().filter(|(to, _)| to != from && to != "Failed") {
                let inputs = arrows.entry((place(from), place(to))).or_default();
                if !inputs.contains(input) {
                    inputs.push(input);
                }
            }
        }
        let mut text = String::from("```mermaid\nstateDiagram-v2\n    [*] --> ");
        text += &self.states[0];
        for ((from, to), inputs) in arrows {
            text += &format!("\n    {} --> {}: {}", self.states[from], self.states[to], inputs.join(", "));
        }
        text + "\n```\n"
    }

    fn tables(&self, inputs: &[&'static str]) -> String {
        let mut text = String::new();
        for from in &self.states {
            text += &format!("\n### {from}\n\n");
            let (mut rows, mut ignored, mut impossible) = (String::new(), Vec::new(), Vec::new());
            for input in inputs {
                let Some(ends) = self.edges.get(&(from.clone(), *input)) else {
                    impossible.push(*input);
                    continue;
                };
                let heard: Vec<_> = ends.iter().filter(|end| Self::is_heard(from, end)).collect();
                if heard.is_empty() {
                    ignored.push(*input);
                }
                for (to, did) in heard {
                    let to = if to == from { "" } else { to };
                    rows +=
                        &format!("| {input} | {to} | {} | {} |\n", did.says.join(", "), did.tells.join(", "));
                }
            }
            if !rows.is_empty() {
                text += "| what comes | next state | says | tells |\n|---|---|---|---|\n";
                text += &rows;
            }
            let gap = if rows.is_empty() { "" } else { "\n" };
            text += gap;
            for (what, inputs) in [("Nothing follows from", ignored), ("Cannot come", impossible)] {
                if !inputs.is_empty() {
                    text += &format!("{what}: {}.\n\n", inputs.join(", "));
                }
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }
}

fn section<M: Machine>(title: &str, about: &str, start: M, states: usize) -> String {
    let diagram = explore(start);
    assert_eq!(diagram.states.len(), states, "{title}: {:?}", diagram.states);
    std::println!("{title}: {} pairs of a session and an input", diagram.tried);
    let (mermaid, tables) = (diagram.mermaid(), diagram.tables(M::INPUTS));
    format!("\n## {title}\n\n{about}\n\n{mermaid}{tables}")
}

const HEAD: &str = "# States of the sessions

This page is printed by a test of `mms-core` (`src/states.rs`) from what the sessions do, and the test fails when they do something
else. It begins a session and tries everything that can come in every state that is reached, until nothing new is reached; what the
session wants to say is taken at once. Sessions that differ in numbers only (positions, incarnations, counters, moments) count as
the same, so limits such as \"too many pings\" are not seen here; and only well-formed messages come: one that cannot be read fails
the session in every state.

An arrow of a diagram is a change of state; arrows to `Failed` are in the tables only, which have everything. *Says* are messages to
the peer, *tells* are events and wishes for the application or the host. An input with several rows depends on what happened before.
To print the page again: `MMS_WRITE_STATES=1 cargo test -p mms-core --lib states`.
";

#[cfg(feature = "http")]
#[test]
fn the_page_of_states_is_what_the_sessions_do() {
    let page = [
        HEAD.to_string(),
        section("Client of MMS, media over TCP", client::ABOUT, client::Explored::over_tcp(), 13),
        section("Client of MMS, media over UDP", client::ABOUT_UDP, client::Explored::over_udp(), 14),
        section("Server of MMS", server::ABOUT, server::Explored::new(), 11),
        section("Client of HTTP", http_client::ABOUT, http_client::Explored::new(), 10),
        section("Server of HTTP, one connection", http_server::ABOUT, http_server::Explored::new(), 9),
    ]
    .concat();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/states.md");
    if std::env::var_os("MMS_WRITE_STATES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    let line = page.lines().zip(committed.lines()).position(|(now, then)| now != then);
    assert!(page == committed, "docs/states.md differs from the sessions, from line {line:?} on");
}
