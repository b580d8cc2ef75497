//! `mms`: serves, fetches and explains Windows Media streams.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod address;
mod args;
mod client;
mod demo;
mod exit;
mod get;
mod info;
mod metafile;
mod rewrite;
mod serve;
mod stdout;
mod text;
mod time_arg;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use exit::Failure;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LOG: &str = "warn";
/// The server also logs one line for each session.
const SERVER_LOG: &str = "warn,mms::session=info";

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(if matches!(cli.command, Command::Serve(_)) { SERVER_LOG } else { DEFAULT_LOG });
    let result = match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Get(args) => get::run(args),
        Command::Info(args) => info::run(args),
        Command::Repair(args) => rewrite::repair(args),
        Command::Remux(args) => rewrite::remux(args),
        Command::Demo => demo::run(),
    };
    ExitCode::from(result.map_or_else(|failure| failure.tell(), |()| 0))
}

fn start_log(default: &str) {
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    let filter = wanted.as_deref().map_or_else(|| EnvFilter::try_new(default), EnvFilter::try_new);
    let filter = filter.unwrap_or_else(|error| {
        Failure::warn(&format!("RUST_LOG is ignored: {error}"));
        EnvFilter::new(default)
    });
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
}
