//! Where a client goes: the transport after one that failed, the URL after a redirect.

use core::fmt::Write as _;

use super::driver::{Client, Link, Place};
use super::event::{Event, Located};
use super::http::Http;
use super::options::Options;
use super::patience::Media;
use super::protocol::Protocol;
use super::udp::Udp;
use crate::error::{Error, Incompatible, LimitName, TimerName};
use crate::metafile::{self, Base, Target, Value};
use crate::mmsp::client::{RedirectKind, Session};
use crate::rollover::{Rollover, Transport, Verdict};
use crate::text::Fixed;
use crate::url::{Scheme, Url, UrlBuf};

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Section 3.1.5.7 of \[MS-MMSP\]: everything begins anew at the new place.
    pub(super) fn redirect(&mut self, kind: RedirectKind, event: &Located) -> Result<(), Error> {
        let Event::Redirected { location, .. } = event.lend(self.receive.data()) else { return Ok(()) };
        if self.media.is_fetched_anew() {
            // the host has a header that it was promised to keep
            return Err(Error::TimedOut(TimerName::Media));
        }
        self.redirects = self.redirects.saturating_add(1);
        if self.redirects > self.options.redirects {
            let (found, allowed) = (self.redirects, self.options.redirects);
            return Err(Error::limit(LimitName::Redirects, u64::from(found), u64::from(allowed)));
        }
        let elsewhere = Error::PeerIncompatible(Incompatible::RedirectScheme);
        // No proxy is in use, so leaving it changes nothing; using one is not ours.
        let stays = kind == RedirectKind::Proxy && location.is_empty() && !self.protocol.is_http();
        if !stays {
            if kind != RedirectKind::Url {
                return Err(elsewhere);
            }
            let mut text = Fixed::<{ UrlBuf::LIMIT }>::default();
            write!(text, "{location}").map_err(|_| elsewhere)?;
            let url = self.found_at(text.as_str()).ok_or(elsewhere)?;
            let has_udp = self.udp.is_some();
            self.rollover = Rollover::new(&url.url(), self.options.transports, has_udp).ok_or(elsewhere)?;
            self.url = url;
        }
        self.restart();
        Ok(())
    }

    /// The URL of a location, which may be relative. User name and password stay with their host.
    fn found_at(&self, location: &str) -> Option<UrlBuf> {
        if !self.protocol.is_http() {
            return UrlBuf::new(location).ok();
        }
        let old = self.url.url();
        let mut base = Fixed::<{ UrlBuf::LIMIT + 8 }>::default();
        let behind = self.url.as_str().split_once("://").map_or("", |(_, behind)| behind);
        write!(base, "{}://{behind}", Scheme::Http.as_str()).ok()?;
        let mut room = [0; UrlBuf::LIMIT];
        let base = Base::Url(base.as_str());
        let Ok(Target::Url(found)) = metafile::resolve(base, Value::verbatim(location), &mut room) else {
            return None;
        };
        let url = Url::parse(found).ok()?;
        let ports = [&url, &old].map(|url| url.port);
        let same_host = url.host.eq_ignore_ascii_case(old.host) && ports.first() == ports.last();
        match (old.user_info, url.user_info) {
            (Some(user_info), None) if same_host => {
                let (scheme, behind) = found.split_once("://")?;
                let mut whole = Fixed::<{ UrlBuf::LIMIT }>::default();
                write!(whole, "{scheme}://{user_info}@{behind}").ok()?;
                UrlBuf::new(whole.as_str()).ok()
            }
            _ => UrlBuf::new(found).ok(),
        }
    }

    /// Begins anew with the present transport.
    pub(super) fn restart(&mut self) {
        if let Protocol::Http(http) = &self.protocol {
            // the other connection is closed where it is opened again
            self.close_short = http.has_short();
        }
        self.protocol = protocol(&self.options, &self.url, &self.rollover);
        self.plays = self.options.play;
        self.plays_on = false;
        self.answered = false;
        self.began = false;
        self.media = Media::NONE;
        self.udp.iter_mut().for_each(Udp::restart);
        self.receive.clear();
        self.send.clear();
        self.needed = 1;
        self.end_of_input = false;
        self.timers.stop_all();
        self.link = Link::Wanted;
    }

    /// Something failed: goes on with the next transport if that may help, else it is over.
    pub(super) fn fail(&mut self, error: Error) {
        let has_credentials = self.url.url().user_info.is_some();
        let verdict = match self.began {
            false => Verdict::of(error, self.answered, has_credentials),
            true => Verdict::Stop,
        };
        self.roll_over(error, verdict);
    }

    /// The transport does not work: the next one, or the end.
    pub(super) fn next_transport(&mut self, error: Error) {
        self.roll_over(error, Verdict::NextTransport);
    }

    fn roll_over(&mut self, error: Error, verdict: Verdict) {
        let is_over = self.closing || matches!(self.link, Link::Leaving | Link::Closed);
        // what was told cannot be taken back: another transport would begin with the first entry again
        if is_over || self.began {
            self.give_up(error);
            return;
        }
        let from = self.rollover.transport();
        if let Some(to) = self.rollover.fail(error, verdict) {
            self.restart();
            self.report(Event::RolledOver { from, error, to });
        } else {
            let error = if verdict == Verdict::Stop { error } else { self.rollover.error().unwrap_or(error) };
            self.give_up(error);
        }
    }

    fn give_up(&mut self, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
        }
        self.leave();
    }

    /// The server refused datagrams on a connection that goes on.
    pub(super) fn note_transport(&mut self) {
        let refused = Error::PeerIncompatible(Incompatible::TransportRefused);
        if self.rollover.transport() == Transport::Udp && !self.protocol.is_udp() {
            self.rollover.fail(refused, Verdict::NextTransport);
        }
    }

    pub(super) fn report(&mut self, event: Event<'static>) {
        self.event = Some((Located::Plain(event), 0));
        self.place = Place::Input;
        self.announced = false;
    }
}

/// A session of the present transport.
pub(super) fn protocol(options: &Options, url: &UrlBuf, rollover: &Rollover) -> Protocol {
    if let Some(http) = Http::new(options, url, rollover) {
        return Protocol::Http(http);
    }
    let mut config = options.mms.clone();
    // the server may refuse datagrams on the way; the same connection does for TCP
    config.tcp_after_udp &= rollover.transport() == Transport::Udp && rollover.next() == Some(Transport::Tcp);
    Protocol::Mms(Session::new(config))
}
