//! The tool as a process of its own, which always ends.

use core::fmt;
use core::time::Duration;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

/// `mms` with arguments.
pub(crate) fn mms(args: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mms"));
    command.args(args).env_remove("RUST_LOG").env_remove("http_proxy").stdin(Stdio::null());
    Program { command }
}

/// `mms get` of a URL.
pub(crate) fn get(url: &str) -> Program {
    mms(&["get", url])
}

/// Waits for something that is sure to come.
pub(crate) fn wait_until(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_there() {
        assert!(Instant::now() < deadline, "{what} did not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A command line.
pub(crate) struct Program {
    command: Command,
}

impl Program {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    #[allow(dead_code, reason = "not every test has a proxy")]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn start(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the tool can be started");
        let stdout = child.stdout.take();
        let stderr = collect(child.stderr.take().expect("standard error is a pipe"));
        Running { child, stdout, stderr: Some(stderr) }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Outcome {
        self.start().finish()
    }

    /// `mms serve`; waits for its first URL.
    pub(crate) fn serve(options: &[&str], paths: &[PathBuf]) -> Serving {
        let mut running = mms(&["serve"]).args(options).args(paths).start();
        let mut stdout = BufReader::new(running.stdout.take().expect("standard output is a pipe"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("the first line can be read");
        assert!(first.starts_with("mms"), "no URL but {first:?}: {}", running.finish());
        Serving { url: first.trim_end().to_owned(), first, rest: collect(stdout), running }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A process, killed when it is dropped before its end.
pub(crate) struct Running {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn stdout(&mut self) -> &mut ChildStdout {
        self.stdout.as_mut().expect("standard output is open")
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "the signal cannot be sent");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the process is ours").is_some()
    }

    pub(crate) fn finish(mut self) -> Outcome {
        let stdout = self.stdout.take().map(collect);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the process is ours") {
                break status;
            }
            assert!(Instant::now() < deadline, "the tool does not end");
            thread::sleep(Duration::from_millis(5));
        };
        let text = |handle: Option<JoinHandle<String>>| {
            handle.map(|handle| handle.join().expect("the reader ends")).unwrap_or_default()
        };
        Outcome { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(self.stderr.take()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended long ago
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server with its first URL.
pub(crate) struct Serving {
    url: String,
    first: String,
    rest: JoinHandle<String>,
    running: Running,
}

impl Serving {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it as a service manager would.
    pub(crate) fn stop(self) -> Outcome {
        self.running.signal("-TERM");
        let mut outcome = self.running.finish();
        outcome.stdout = self.first + &self.rest.join().expect("the reader ends");
        outcome
    }
}

/// What a process left.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The one object on standard output.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit {code}\n--- standard output:\n{stdout}\n--- standard error:\n{stderr}")
    }
}
