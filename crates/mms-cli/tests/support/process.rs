//! Processes that always end: each runs under `timeout -k` and is ended by its own id.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Instant;

/// A folder that every user may write to, under a parent that every user may read; gone when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(purpose: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mms-interop-{}-{number}-{purpose}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh folder can be made");
        fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("its mode can be set");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder left behind is untidy, not wrong.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A program with its arguments under `timeout -k`, without terminal.
pub(crate) fn bounded(limit: Duration, program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "2", &format!("{:.1}", limit.as_secs_f64()), program]).stdin(Stdio::null());
    command
}

/// A running process, ended on drop with everything it started.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")) }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Asks the process to end: `timeout` passes the signal on and kills after its grace period.
    pub(crate) fn end(&mut self) {
        if self.has_ended() {
            return;
        }
        self.signal("-TERM", &self.child.id().to_string());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if self.has_ended() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        // `timeout` leads a process group of its own; the id is ours until it is waited for.
        self.signal("-KILL", &format!("-{}", self.child.id()));
        drop(self.child.wait());
    }

    fn signal(&self, signal: &str, target: &str) {
        drop(Command::new("kill").args([signal, "--", target]).stderr(Stdio::null()).status());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a finished process left: its command line, its exit status and all that it said.
pub(crate) struct Run {
    command: String,
    status: ExitStatus,
    seconds: f64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command to its end. Output goes through files: a pipe held open by a grandchild could block for ever.
    pub(crate) fn complete(command: &mut Command, scratch: &Scratch, name: &str) -> Self {
        let (out, err) = (scratch.file(&format!("{name}.out")), scratch.file(&format!("{name}.err")));
        let create = |path: &Path| File::create(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        command.stdout(create(&out)).stderr(create(&err));
        let begun = Instant::now();
        let mut running = Running::start(command);
        let status = running.child().wait().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Self {
            command: format!("{command:?}"),
            status,
            seconds: begun.elapsed().as_secs_f64(),
            stdout: read(&out),
            stderr: read(&err),
        }
    }

    /// The exit status as a shell counts it: 124 stopped by the time limit, 137 killed.
    pub(crate) fn code(&self) -> i32 {
        let signal = self.status.signal().map(|signal| 128 + signal);
        self.status.code().or(signal).unwrap_or(-1)
    }

    /// The value of a `key=value` line on standard output.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.stdout.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }

    /// A finding together with everything that the process said.
    pub(crate) fn explain(&self, finding: impl fmt::Display) -> String {
        format!("{finding}\n{self}")
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, seconds, stdout, stderr, .. } = self;
        writeln!(f, "--- {command}\n--- exit {} after {seconds:.1} s", self.code())?;
        write!(f, "--- its standard output:\n{stdout}\n--- its standard error:\n{stderr}")
    }
}
