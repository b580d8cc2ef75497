//! Which transports a URL leads to, in which order, and when a client moves on to the next one (digest of
//! rollover, chapters 4 and 8).
//!
//! ```text
//! mms://    MMS/UDP, MMS/TCP, HTTP      or what the application says
//! mmsu://   MMS/UDP                     mmst://   MMS/TCP
//! mmsh://, http://   HTTP
//! ```
//!
//! A port in the URL holds for all. With one of HTTP (80, 443, 8080) `mms` tries HTTP first, unless the application says otherwise:
//! no server of the family speaks MMS there (chapters 3 and 8.2).
//!
//! Both forms of MMS begin with the same connection: where it fails, the other one is skipped. What a server says
//! of the content (no such name, no permission) would be the same behind every door, so it ends the search.

use core::fmt;

use crate::error::{Error, Incompatible, TimerName};
use crate::hresult::Hresult;
use crate::url::{HTTP_PORT, MMS_PORT, Scheme, Url};

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// MMS, media in datagrams.
    Udp,
    /// MMS, media on the control connection.
    Tcp,
    /// HTTP: MMS over HTTP, or a plain file.
    Http,
}

impl Transport {
    /// All of them, in the order in which `mms` tries them.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Http];

    /// The port of a URL for this transport: its own, which holds for all, or that of the protocol.
    #[must_use]
    pub fn port(self, url: &Url<'_>) -> u16 {
        url.port.unwrap_or(match self {
            Self::Udp | Self::Tcp => MMS_PORT,
            Self::Http => HTTP_PORT,
        })
    }

    const fn is_mms(self) -> bool {
        matches!(self, Self::Udp | Self::Tcp)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "MMS/UDP",
            Self::Tcp => "MMS/TCP",
            Self::Http => "HTTP",
        })
    }
}

/// An order of transports, each at most once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transports {
    order: [Option<Transport>; 3],
    /// nobody asked for this order, and a port of HTTP changes it
    by_port: bool,
}

impl Transports {
    /// What `mms` tries unless the application says otherwise.
    pub const DEFAULT: Self =
        Self { order: [Some(Transport::Udp), Some(Transport::Tcp), Some(Transport::Http)], by_port: true };

    /// An order; a transport that is there already is left out.
    #[must_use]
    pub fn new(list: &[Transport]) -> Self {
        let mut all = Self { order: [None; 3], by_port: false };
        for transport in list {
            if !all.contains(*transport)
                && let Some(slot) = all.order.iter_mut().find(|slot| slot.is_none())
            {
                *slot = Some(*transport);
            }
        }
        all
    }

    /// What a scheme leads to: one transport, or for `mms` this order.
    #[must_use]
    pub fn for_scheme(self, scheme: Scheme) -> Self {
        match scheme {
            Scheme::Mms => self,
            Scheme::Mmsu => Self::new(&[Transport::Udp]),
            Scheme::Mmst => Self::new(&[Transport::Tcp]),
            Scheme::Mmsh | Scheme::Http => Self::new(&[Transport::Http]),
        }
    }

    /// What a URL leads to: as its scheme does, but with a port of HTTP the order that nobody asked for,
    /// [`DEFAULT`](Self::DEFAULT), begins with HTTP.
    #[must_use]
    pub fn for_url(self, url: &Url<'_>) -> Self {
        let order = match url.port {
            Some(HTTP_PORT | 443 | 8080) if self.by_port => {
                Self::new(&[Transport::Http, Transport::Udp, Transport::Tcp])
            }
            _ => self,
        };
        order.for_scheme(url.scheme)
    }

    /// Whether a transport is in it.
    #[must_use]
    pub fn contains(self, transport: Transport) -> bool {
        self.order.contains(&Some(transport))
    }

    /// The transports in their order.
    pub fn iter(self) -> impl Iterator<Item = Transport> {
        self.order.into_iter().flatten()
    }
}

impl Default for Transports {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Debug for Transports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What an attempt met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was not begun.
    Untried,
    /// It is under way, or it is the one that is used.
    Current,
    /// It failed.
    Failed(Error),
    /// It would have met what the attempt before it met.
    Skipped,
}

/// One transport of the list, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried.
    pub transport: Transport,
    /// What it met.
    pub outcome: Outcome,
}

/// What an error means for the transports that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// They would meet the same.
    Stop,
    /// The next one may work.
    NextTransport,
    /// The next one on another kind of connection may work.
    NextFamily,
}

impl Verdict {
    /// Judges an error that came before the header did. `answered`: the server spoke the protocol;
    /// `has_credentials`: the URL has a user name, which only HTTP can give to the server.
    #[must_use]
    pub fn of(error: Error, answered: bool, has_credentials: bool) -> Self {
        let next = if answered { Self::NextTransport } else { Self::NextFamily };
        match error {
            Error::ConnectionFailed | Error::InvalidMessage { .. } | Error::PeerMisbehaved(_) => next,
            Error::TimedOut(TimerName::Header) => Self::NextTransport,
            Error::TimedOut(_) => next,
            Error::PeerIncompatible(Incompatible::TransportRefused) => Self::NextTransport,
            // it says nothing of the server, which MMS reaches without it
            Error::PeerIncompatible(Incompatible::ProxyAuthenticationRequired) => Self::NextFamily,
            Error::PeerIncompatible(Incompatible::AuthenticationRequired) if has_credentials => {
                Self::NextFamily
            }
            Error::Refused(
                Hresult::NS_E_PROTOCOL_MISMATCH
                | Hresult::NS_E_UDP_DISABLED
                | Hresult::NS_E_TCP_DISABLED
                | Hresult::NS_E_INVALID_PORT,
            ) => Self::NextTransport,
            _ => Self::Stop,
        }
    }
}

/// The attempts at one URL.
#[derive(Clone, Debug)]
pub struct Rollover {
    attempts: [Option<Attempt>; 3],
    current: usize,
}

impl Rollover {
    /// The attempts at a URL; `None` if no transport is left. Datagrams need a host that `has_udp`, HTTP the feature `http`.
    #[must_use]
    pub fn new(url: &Url<'_>, order: Transports, has_udp: bool) -> Option<Self> {
        let mut attempts = [None; 3];
        let usable = |transport: &Transport| match transport {
            Transport::Udp => has_udp,
            Transport::Tcp => true,
            Transport::Http => cfg!(feature = "http"),
        };
        for (slot, transport) in attempts.iter_mut().zip(order.for_url(url).iter().filter(usable)) {
            *slot = Some(Attempt { transport, outcome: Outcome::Untried });
        }
        if let Some(Some(first)) = attempts.first_mut() {
            first.outcome = Outcome::Current;
            return Some(Self { attempts, current: 0 });
        }
        None
    }

    /// The transport that is tried or used.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.attempts.get(self.current).copied().flatten().map_or(Transport::Tcp, |at| at.transport)
    }

    /// All attempts, in their order.
    pub fn attempts(&self) -> impl Iterator<Item = Attempt> + '_ {
        self.attempts.iter().flatten().copied()
    }

    /// What comes behind the present attempt.
    #[must_use]
    pub fn next(&self) -> Option<Transport> {
        self.behind().next().map(|(_, attempt)| attempt.transport)
    }

    /// Whether a transport on another kind of connection is left.
    #[must_use]
    pub fn has_other_family(&self) -> bool {
        self.behind().any(|(_, attempt)| attempt.transport.is_mms() != self.transport().is_mms())
    }

    /// The present attempt failed: goes to the next one that the verdict allows and names it; `None` if there is
    /// none.
    pub fn fail(&mut self, error: Error, verdict: Verdict) -> Option<Transport> {
        let is_mms = self.transport().is_mms();
        if let Some(Some(at)) = self.attempts.get_mut(self.current) {
            at.outcome = Outcome::Failed(error);
        }
        if verdict == Verdict::Stop {
            return None;
        }
        for (index, slot) in self.attempts.iter_mut().enumerate().skip(self.current.saturating_add(1)) {
            let Some(attempt) = slot else { continue };
            if verdict == Verdict::NextFamily && attempt.transport.is_mms() == is_mms {
                attempt.outcome = Outcome::Skipped;
                continue;
            }
            attempt.outcome = Outcome::Current;
            self.current = index;
            return Some(attempt.transport);
        }
        None
    }

    /// The error that says most, when all attempts are over: what was said of the content, then of the protocol,
    /// then of the connection; of several the last.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        let errors = self.attempts().filter_map(|attempt| match attempt.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        });
        errors.max_by_key(|error| match error {
            Error::ConnectionFailed | Error::TimedOut(TimerName::Connect) => 0,
            Error::TimedOut(_) | Error::InvalidMessage { .. } | Error::PeerMisbehaved(_) => 1,
            _ => 2,
        })
    }

    fn behind(&self) -> impl Iterator<Item = (usize, Attempt)> + '_ {
        let behind = self.current.saturating_add(1);
        let all = self.attempts.iter().enumerate().skip(behind);
        all.filter_map(|(index, attempt)| attempt.map(|attempt| (index, attempt)))
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::error::Misbehaviour;

    const REFUSED: Error = Error::ConnectionFailed;

    fn at(url: &str, order: Transports, has_udp: bool) -> Option<Rollover> {
        Rollover::new(&Url::parse(url).unwrap(), order, has_udp)
    }

    fn transports(scheme: Scheme, order: Transports, has_udp: bool) -> Vec<Transport> {
        at_port(&std::format!("{}://h/x", scheme.as_str()), order, has_udp)
    }

    fn at_port(url: &str, order: Transports, has_udp: bool) -> Vec<Transport> {
        let rollover = at(url, order, has_udp);
        rollover
            .into_iter()
            .flat_map(|all| all.attempts().map(|at| at.transport).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn each_scheme_leads_to_its_transports() {
        use Transport::{Http, Tcp, Udp};
        let all = Transports::DEFAULT;
        assert_eq!(transports(Scheme::Mms, all, true), [Udp, Tcp, Http]);
        assert_eq!(transports(Scheme::Mms, all, false), [Tcp, Http]);
        assert_eq!(transports(Scheme::Mms, Transports::new(&[Http, Udp, Http]), true), [Http, Udp]);
        // an explicit scheme says more than an order
        let tcp = Transports::new(&[Tcp]);
        assert_eq!(transports(Scheme::Mmsu, tcp, true), [Udp]);
        assert_eq!(transports(Scheme::Mmst, all, true), [Tcp]);
        assert_eq!(transports(Scheme::Mmsh, tcp, true), [Http]);
        assert_eq!(transports(Scheme::Http, all, true), [Http]);
        assert!(transports(Scheme::Mmsu, all, false).is_empty());
        assert!(transports(Scheme::Mms, Transports::new(&[]), true).is_empty());
    }

    #[test]
    fn a_port_in_the_url_holds_for_all() {
        let ports = |url| Transport::ALL.map(|transport| transport.port(&Url::parse(url).unwrap()));
        assert_eq!(ports("mms://h/x"), [1755, 1755, 80]);
        assert_eq!(ports("mms://h:8080/x"), [8080; 3]);
    }

    #[test]
    fn a_port_of_http_tries_http_first_unless_the_application_says_otherwise() {
        use Transport::{Http, Tcp, Udp};
        for port in [80, 443, 8080] {
            let url = std::format!("mms://h:{port}/x");
            assert_eq!(at_port(&url, Transports::DEFAULT, true), [Http, Udp, Tcp]);
            assert_eq!(at_port(&url, Transports::new(&[Tcp, Http]), true), [Tcp, Http]);
            assert_eq!(at_port(&url, Transports::new(&[Udp, Tcp, Http]), true), [Udp, Tcp, Http]);
            let url = std::format!("mmst://h:{port}/x");
            assert_eq!(at_port(&url, Transports::DEFAULT, true), [Tcp]);
        }
        assert_eq!(at_port("mms://h:1755/x", Transports::DEFAULT, true), [Udp, Tcp, Http]);
        assert_eq!(at_port("mms://h:9999/x", Transports::DEFAULT, false), [Tcp, Http]);
    }

    #[test]
    fn where_the_connection_fails_the_other_form_of_mms_is_skipped() {
        let mut rollover = at("mms://h/x", Transports::DEFAULT, true).unwrap();
        assert!(rollover.has_other_family());
        let verdict = Verdict::of(REFUSED, false, false);
        assert_eq!(rollover.fail(REFUSED, verdict), Some(Transport::Http));
        assert!(!rollover.has_other_family() && rollover.next().is_none());
        let outcomes: Vec<_> = rollover.attempts().map(|at| at.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed(REFUSED), Outcome::Skipped, Outcome::Current]);
        assert_eq!(rollover.fail(REFUSED, verdict), None);
        assert_eq!(rollover.error(), Some(REFUSED));
    }

    #[test]
    fn a_server_that_answered_is_tried_again_by_tcp() {
        let mut rollover = at("mms://h/x", Transports::DEFAULT, true).unwrap();
        let error = Error::TimedOut(TimerName::Header);
        assert_eq!(rollover.fail(error, Verdict::of(error, true, false)), Some(Transport::Tcp));
        let error = Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd);
        assert_eq!(rollover.fail(error, Verdict::of(error, true, false)), Some(Transport::Http));
        assert_eq!(rollover.fail(REFUSED, Verdict::Stop), None);
        assert_eq!(rollover.error(), Some(error));
    }

    #[test]
    fn what_is_said_of_the_content_ends_the_search() {
        let of = |error| Verdict::of(error, true, false);
        for hr in [Hresult::NS_E_FILE_NOT_FOUND, Hresult::E_ACCESSDENIED, Hresult::NS_E_MAX_CLIENTS] {
            assert_eq!(of(Error::Refused(hr)), Verdict::Stop);
        }
        assert_eq!(of(Error::Refused(Hresult::NS_E_PROTOCOL_MISMATCH)), Verdict::NextTransport);
        let authentication = Error::PeerIncompatible(Incompatible::AuthenticationRequired);
        assert_eq!(of(authentication), Verdict::Stop);
        assert_eq!(Verdict::of(authentication, true, true), Verdict::NextFamily);
    }
}
