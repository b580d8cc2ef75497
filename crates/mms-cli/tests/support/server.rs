//! `mms serve` on a free loopback port, with its log.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::Instant;

use super::process::{Running, bounded};

const LIFE: Duration = Duration::from_secs(240);
const PATIENCE: Duration = Duration::from_secs(15);

/// A file of the repository's made test data.
pub(crate) fn made(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../testdata/made").join(name)
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    process: Running,
    port: u16,
    stdout: Lines,
    stderr: Lines,
}

impl Server {
    pub(crate) fn start(pace: &str, files: &[&str]) -> Self {
        let paths: Vec<PathBuf> = files.iter().map(|name| made(name)).collect();
        Self::start_with(&["--pace", pace], &paths)
    }

    /// With these options behind `--listen`.
    pub(crate) fn start_with(options: &[&str], paths: &[PathBuf]) -> Self {
        Self::start_for(LIFE, options, paths)
    }

    /// The same for a longer time.
    pub(crate) fn start_for(life: Duration, options: &[&str], paths: &[PathBuf]) -> Self {
        let mut command = bounded(life, env!("CARGO_BIN_EXE_mms"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options).args(paths);
        command.env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Running::start(&mut command);
        let stdout = Lines::collect(process.child().stdout.take().expect("standard output is a pipe"));
        let stderr = Lines::collect(process.child().stderr.take().expect("standard error is a pipe"));
        let mut server = Self { process, port: 0, stdout, stderr };
        server.port = server.wait_for_port();
        server
    }

    /// The process that bounds the server's time.
    #[allow(dead_code, reason = "tests with many clients look at the process")]
    pub(crate) fn id(&mut self) -> u32 {
        self.process.child().id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.url_over("mmst", name)
    }

    /// The same with another scheme.
    pub(crate) fn url_over(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/{name}", self.port)
    }

    fn wait_for_port(&mut self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.process.has_ended();
            if let Some(port) = self.stdout.find(port_of) {
                return port;
            }
            assert!(!ended && Instant::now() < deadline, "the server printed no URL\n{}", self.logs());
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the log line of a session over MMS/TCP that sent at least so many packets of the file.
    pub(crate) fn wait_for_session(&self, name: &str, packets: usize) -> Result<Session, String> {
        self.wait_for_session_over("MMS/TCP", name, packets)
    }

    /// The same over another transport.
    pub(crate) fn wait_for_session_over(
        &self,
        transport: &str,
        name: &str,
        packets: usize,
    ) -> Result<Session, String> {
        self.wait_for(&format!("over {transport} with {packets} packets of {name}"), |it| {
            it.transport == transport && it.sent(name, packets)
        })
    }

    /// Waits for the log line of a session that played from somewhere behind the beginning.
    pub(crate) fn wait_for_start_over(&self, transport: &str, name: &str) -> Result<Session, String> {
        self.wait_for(&format!("over {transport} from behind the beginning of {name}"), |it| {
            it.transport == transport && it.sent(name, 1) && it.start.is_some_and(|start| start > 0)
        })
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&Session) -> bool) -> Result<Session, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let session = self.stderr.find(|line| Session::parse(line).filter(&wanted));
            if let Some(session) = session {
                return Ok(session);
            }
            if Instant::now() >= deadline {
                return Err(format!("no log line of a session {what}"));
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// All that the server said so far.
    pub(crate) fn logs(&self) -> String {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        format!("--- the server's standard output:\n{stdout}--- the server's standard error:\n{stderr}")
    }
}

/// The port behind the loopback address, in a line that shows an MMS URL.
fn port_of(line: &str) -> Option<u16> {
    let url = &line[line.find("mms")?..];
    let digits = url.split_once("127.0.0.1:")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|port| *port != 0)
}

/// One session as the server's log tells it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    name: String,
    transport: String,
    packets: usize,
    /// The number of the packet that the last play began with.
    pub(crate) start: Option<usize>,
    pub(crate) outcome: String,
}

impl Session {
    fn parse(line: &str) -> Option<Self> {
        Some(Self {
            name: field(line, "name")?,
            transport: field(line, "transport")?,
            packets: field(line, "packets")?.parse().ok()?,
            start: field(line, "start").and_then(|start| start.parse().ok()),
            outcome: field(line, "outcome")?,
        })
    }

    fn sent(&self, name: &str, packets: usize) -> bool {
        self.name == name && self.packets >= packets
    }
}

/// The value of `key=value` or `key="value"` in a log line.
pub(crate) fn field(line: &str, key: &str) -> Option<String> {
    let at = line.match_indices(&format!("{key}=")).map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    })?;
    let value = &line[at + key.len() + 1..];
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split_whitespace().next(),
    };
    value.map(str::to_owned)
}

/// The lines of a pipe, read by a thread of its own so that the writer never blocks.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn collect(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let writer = lines.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                writer.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                line.clear();
            }
        });
        lines
    }

    fn find<T>(&self, wanted: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).find_map(wanted)
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[test]
fn the_port_is_read_from_a_line_with_an_mms_url_only() {
    assert_eq!(port_of("  mmst://127.0.0.1:40123/a.wma"), Some(40123));
    assert_eq!(port_of("open mms://127.0.0.1:1755"), Some(1755));
    assert_eq!(port_of("listening on 127.0.0.1:40123"), None);
    assert_eq!(port_of("mmst://127.0.0.1:0/a.wma"), None);
}

#[test]
fn a_session_is_read_from_a_log_line_with_or_without_quotes() {
    let line = r#"INFO session peer=127.0.0.1:5 transport=MMS/TCP name="a b.wmv" packets=52 start=7 outcome=complete"#;
    let session = Session::parse(line).expect("a session line");
    assert!(session.sent("a b.wmv", 52) && !session.sent("a b.wmv", 53) && !session.sent("b.wmv", 1));
    assert_eq!((session.start, session.outcome.as_str()), (Some(7), "complete"));
    assert!(Session::parse("INFO rename=x transport=MMS/TCP packets=1 outcome=x").is_none());
}
