//! How the tool ends: kinds of failure, their exit codes, and what they tell the user.

use std::io::{self, Write};

use mms_core::error::{Error, Incompatible, LimitName, Misbehaviour, Misuse, TimerName};
use mms_core::hresult::Hresult;
use mms_core::url::Scheme;
use serde::Serialize;

use crate::address::Address;

/// The exit codes, for the help text; `exit_codes_are_those_of_the_help` keeps it true.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    all that was asked for is done
  1    a file, the output or the system failed
  2    the command line or the URL is wrong
  3    no connection, or the server did not answer
  4    the server refused: no such name, no permission, no seeking
  5    the stream broke off, or packets are missing; what came is kept
  6    the server does not keep to the protocol
  130  interrupted (Ctrl-C, SIGTERM); what came is kept
  141  whoever read the output closed it";

/// What went wrong, as far as a caller cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Files, output, the system.
    Local,
    /// Command line or URL.
    Usage,
    /// No connection.
    Connection,
    /// The server's no.
    Refused,
    /// The stream ended too early.
    BrokeOff,
    /// Invalid or misplaced messages.
    Protocol,
    /// A signal.
    Interrupted,
    /// The reader of a pipe went away.
    OutputClosed,
}

impl Kind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Local => 1,
            Self::Usage => 2,
            Self::Connection => 3,
            Self::Refused => 4,
            Self::BrokeOff => 5,
            Self::Protocol => 6,
            Self::Interrupted => 130,
            Self::OutputClosed => 141,
        }
    }
}

/// Something went wrong: what it was, and what to do next.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Writing failed. A closed pipe is the reader's decision, not an error to talk about.
    pub(crate) fn writing(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::OutputClosed, format!("{what} was closed")),
            io::ErrorKind::StorageFull => {
                Self::new(Kind::Local, format!("{what} cannot be written: {error}"))
                    .with_hint("free some space, or write elsewhere with -o")
            }
            _ => Self::new(Kind::Local, format!("{what} cannot be written: {error}")),
        }
    }

    /// With what the system said of a connection.
    pub(crate) fn because(self, error: Error, system: Option<&io::Error>) -> Self {
        let message = format!("{}{}", self.message, reason(error, system));
        Self { message, ..self }
    }

    /// Tells it on standard error and gives the exit code.
    pub(crate) fn tell(&self) -> u8 {
        if self.kind != Kind::OutputClosed {
            line(&format!("error: {}", self.message));
            if let Some(hint) = &self.hint {
                line(&format!("  hint: {hint}"));
            }
        }
        self.kind.code()
    }

    /// Tells something that does not end the work.
    pub(crate) fn warn(message: &str) {
        line(&format!("warning: {message}"));
    }

    /// Why a session failed. After media began, a lost connection is a stream that broke off.
    pub(crate) fn of_session(error: Error, address: &Address, media_began: bool) -> Self {
        let kind = kind_of(error, media_began);
        let message = match error {
            Error::ConnectionFailed if media_began => "the connection was lost".to_owned(),
            Error::ConnectionFailed => format!("no connection to {}", address.authority()),
            Error::Refused(hr) if media_began => format!("the server ended the stream: {hr}"),
            error => error.to_string(),
        };
        let failure = Self::new(kind, message);
        match hint_for(error, address, media_began) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// What the system said, where the network failed.
pub(crate) fn reason(error: Error, system: Option<&io::Error>) -> String {
    let system = system.filter(|_| error == Error::ConnectionFailed);
    system.map(|system| format!(": {system}")).unwrap_or_default()
}

/// A line on standard error; nobody is left to tell if that fails.
pub(crate) fn line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

fn kind_of(error: Error, media_began: bool) -> Kind {
    match error {
        Error::ConnectionFailed | Error::TimedOut(_) | Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd) => {
            if media_began {
                Kind::BrokeOff
            } else {
                Kind::Connection
            }
        }
        Error::Refused(_) | Error::PeerIncompatible(_) | Error::ContentFailed(_) => {
            if media_began {
                Kind::BrokeOff
            } else {
                Kind::Refused
            }
        }
        Error::ApiMisuse(Misuse::Url | Misuse::NoTransport) => Kind::Usage,
        Error::Limit { limit: LimitName::NameChars, .. } => Kind::Usage,
        Error::InvalidMessage { .. } | Error::Limit { .. } | Error::PeerMisbehaved(_) => Kind::Protocol,
        _ => Kind::Local,
    }
}

fn hint_for(error: Error, address: &Address, media_began: bool) -> Option<String> {
    let hint = match error {
        Error::ConnectionFailed | Error::TimedOut(_) | Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)
            if media_began =>
        {
            "try again; --start TIME fetches the rest".to_owned()
        }
        Error::ConnectionFailed => return Some(address.connection_hint()),
        Error::TimedOut(TimerName::Media) if address.scheme() == Scheme::Mmsu => {
            "a firewall may swallow datagrams: mmst:// has its media on the connection".to_owned()
        }
        Error::TimedOut(TimerName::Media) if address.scheme() == Scheme::Mms => {
            "a firewall may swallow datagrams, or the source is silent: try --transport tcp".to_owned()
        }
        Error::TimedOut(_) => "the server may be busy, or a firewall swallows the answers".to_owned(),
        Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd) | Error::InvalidMessage { .. } => {
            let kind = if is_http(address) { "a web or media server" } else { "an MMS server" };
            format!("is it really {kind} that listens on port {}?", address.port())
        }
        Error::Refused(hr) => return refusal_hint(hr).map(str::to_owned),
        Error::PeerIncompatible(Incompatible::AuthenticationRequired) => authentication_hint(address),
        Error::PeerIncompatible(what) => return mismatch_hint(what).map(str::to_owned),
        _ => return None,
    };
    Some(hint)
}

fn is_http(address: &Address) -> bool {
    matches!(address.scheme(), Scheme::Mmsh | Scheme::Http)
}

fn authentication_hint(address: &Address) -> String {
    match (is_http(address), address.has_credentials()) {
        (true, true) => "the server does not take this user name and password".to_owned(),
        (true, false) => "name yourself in the URL: http://USER:PASSWORD@HOST/NAME".to_owned(),
        (false, _) => {
            "over MMS that is not spoken; perhaps over HTTP: mmsh://USER:PASSWORD@HOST/NAME".to_owned()
        }
    }
}

fn refusal_hint(hr: Hresult) -> Option<&'static str> {
    match hr {
        _ if hr.http().is_some_and(|status| matches!(status, 404 | 410)) => {
            Some("check the name behind the host: `mms serve` prints its URLs")
        }
        _ if hr.http() == Some(503) => Some("the server is full; try again later"),
        Hresult::NS_E_FILE_NOT_FOUND
        | Hresult::ERROR_FILE_NOT_FOUND
        | Hresult::ERROR_PATH_NOT_FOUND
        | Hresult::NS_E_INVALID_NAME => Some("check the name behind the host: `mms serve` prints its URLs"),
        Hresult::NS_E_MAX_CLIENTS
        | Hresult::NS_E_TOO_MANY_SESS
        | Hresult::NS_E_NETWORK_BUSY
        | Hresult::NS_E_INSUFFICIENT_BANDWIDTH => Some("the server is full; try again later"),
        Hresult::E_ACCESSDENIED => {
            Some("the server lets only some see this; over MMS no user name can be given")
        }
        Hresult::NS_E_SHUTDOWN => Some("the server is going down; try again later"),
        _ => None,
    }
}

fn mismatch_hint(what: Incompatible) -> Option<&'static str> {
    match what {
        Incompatible::NotSeekable => Some("leave --start out: this content plays from its beginning only"),
        Incompatible::ProxyAuthenticationRequired => Some(
            "name yourself to it: http_proxy=http://USER:PASSWORD@HOST:PORT; or leave it out: no_proxy=HOST",
        ),
        Incompatible::TransportRefused => Some("mms:// tries every transport"),
        Incompatible::RedirectScheme => Some("https and RTSP are not spoken"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_help() {
        let told: Vec<u8> = EXIT_CODES
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .filter(|code| *code != 0)
            .collect();
        let kinds = [
            Kind::Local,
            Kind::Usage,
            Kind::Connection,
            Kind::Refused,
            Kind::BrokeOff,
            Kind::Protocol,
            Kind::Interrupted,
            Kind::OutputClosed,
        ];
        assert_eq!(told, kinds.map(Kind::code));
    }

    #[test]
    fn a_lost_connection_is_a_broken_stream_once_media_began() {
        for error in [
            Error::ConnectionFailed,
            Error::TimedOut(TimerName::Silence),
            Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd),
        ] {
            assert_eq!(kind_of(error, false), Kind::Connection);
            assert_eq!(kind_of(error, true), Kind::BrokeOff);
        }
        assert_eq!(kind_of(Error::Refused(Hresult::NS_E_FILE_NOT_FOUND), false), Kind::Refused);
        assert_eq!(kind_of(Error::PeerMisbehaved(Misbehaviour::HeaderTooLong), true), Kind::Protocol);
    }
}
