//! The programs of others: whether they are there, and our small C programs around their libraries.

use core::time::Duration;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::process::{Run, Scratch, bounded};

/// Whether this run must prove everything: there, a missing program is a failure.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Says why nothing was tested, past the test harness, which swallows the output of tests that pass.
pub(crate) fn skip(reason: &str) {
    // In one piece: tests on other threads write too.
    drop(std::io::stderr().write_all(format!("SKIPPED: {reason}\n").as_bytes()));
}

/// Tells whether all programs are installed. Missing ones fail the test in CI and are named elsewhere.
pub(crate) fn all_installed(programs: &[(&str, &str)]) -> bool {
    programs.iter().all(|(program, package)| {
        let found = find_program(program).is_some();
        found || missing(&format!("{program} is not installed (install package {package})"))
    })
}

/// Something that the tests need is missing: fails in CI, is named elsewhere.
pub(crate) fn missing(what: &str) -> bool {
    assert!(!is_ci(), "{what}");
    skip(what);
    false
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A C program of `tests/peers`, its library, and the header and package that it needs.
pub(crate) struct Program {
    name: &'static str,
    library: &'static str,
    header: &'static str,
    package: &'static str,
    built: OnceLock<Option<PathBuf>>,
}

pub(crate) static MMSDUMP: Program = Program::new("mmsdump", "-lmms", "libmms/mms.h", "libmms-dev");
pub(crate) static MMSHDUMP: Program = Program::new("mmshdump", "-lmms", "libmms/mmsh.h", "libmms-dev");
pub(crate) static XINEDUMP: Program = Program::new("xinedump", "-lxine", "xine.h", "libxine2-dev");

impl Program {
    const fn new(
        name: &'static str,
        library: &'static str,
        header: &'static str,
        package: &'static str,
    ) -> Self {
        Self { name, library, header, package, built: OnceLock::new() }
    }

    /// The compiled program, or nothing where compiler or library are missing.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.built.get_or_init(|| self.build()).as_deref()
    }

    fn build(&self) -> Option<PathBuf> {
        let compiler = [("cc", "gcc libc6-dev")];
        if !all_installed(&compiler) || !(self.has_header() || missing(&self.advice())) {
            return None;
        }
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(self.name);
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        // Built beside its place and renamed: another test process may be about to run the old one.
        let fresh = program.with_extension(std::process::id().to_string());
        let scratch = Scratch::new(self.name);
        let mut command = bounded(Duration::from_secs(60), "cc");
        command.args(["-O2", "-Wall", "-Wextra", "-o"]).arg(&fresh);
        command.arg(source.with_extension("c")).arg(self.library);
        let run = Run::complete(&mut command, &scratch, "cc");
        assert!(run.code() == 0, "{}", run.explain("a peer program does not compile"));
        std::fs::rename(&fresh, &program).expect("the compiled program can be put in its place");
        Some(program)
    }

    fn has_header(&self) -> bool {
        let mut command = Command::new("cc");
        command.args(["-E", "-include", self.header, "-x", "c", "/dev/null"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn advice(&self) -> String {
        format!("{} is not installed (install package {})", self.header, self.package)
    }
}

/// VLC refuses to run as root: there it runs as nobody. Other users run it as themselves.
pub(crate) fn vlc(limit: Duration, scratch: &Scratch) -> Command {
    let mut command = if is_root() {
        let mut command = bounded(limit, "setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "vlc"]);
        command
    } else {
        bounded(limit, "vlc")
    };
    command.args(["-I", "dummy", "--no-media-library"]);
    command.env("HOME", scratch.path()).current_dir(scratch.path());
    for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
