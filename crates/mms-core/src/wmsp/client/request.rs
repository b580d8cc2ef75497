//! The requests that a client sends (section 2.2.2, digest 5.3).

use core::fmt::{self, Display};

use super::config::Target;
use crate::mmsp::client::{Play, Player, Position, Until};
use crate::wmsp::wire::{
    BasicAuthorization, ClientLog, ClientLogXml, ContentType, Decimal, Field, HeaderLine, Method, NOT_GIVEN,
    Offset, PragmaLine, Product, ProductName, RequestTarget, Supported, SwitchEntries, SwitchEntry, Token,
    Version, text_len,
};

/// What all requests of a session have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    pub(super) target: &'a Target<'a>,
    pub(super) player: Player,
    pub(super) client_id: Option<u32>,
    pub(super) authorize: bool,
    /// the server is of version 9 or up, or unknown
    pub(super) modern: bool,
}

/// A request, for encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) common: Common<'a>,
    pub(super) what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    Describe,
    Play { play: Play, entries: &'a [SwitchEntry], playlist_gen_id: Option<u32> },
    Log { log: ClientLog<'a>, xml: bool },
    KeepAlive,
    SelectStream { entries: &'a [SwitchEntry] },
}

impl Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Common { target, player, client_id, authorize, modern } = self.common;
        let method = match self.what {
            What::Describe | What::Play { .. } => Method::Get,
            What::Log { .. } | What::KeepAlive | What::SelectStream { .. } => Method::Post,
        };
        self.first_line(f, method)?;
        f.write_str("Accept: */*\r\n")?;
        Field::UserAgent(Product::new(ProductName::NsPlayer, player.version)).fmt(f)?;
        HeaderLine("Host", target.host).fmt(f)?;
        let credentials = target.credentials.filter(|_| authorize).map(BasicAuthorization);
        if let Some(value) = credentials.filter(BasicAuthorization::fits) {
            write!(f, "Authorization: {value}\r\n")?;
        }
        let credentials = target.proxy_credentials.filter(|_| target.through_proxy).map(BasicAuthorization);
        if let Some(value) = credentials.filter(BasicAuthorization::fits) {
            write!(f, "Proxy-Authorization: {value}\r\n")?;
        }
        let [major, ..] = player.version;
        if major >= 9 && modern {
            Field::Supported(Supported::SSWITCH).fmt(f)?;
        }
        self.tokens(f)?;
        write!(f, "Pragma: xClientGUID={{{}}}\r\n", Guid(&player.guid))?;
        if let (Some(id), false) = (client_id, matches!(self.what, What::Describe)) {
            PragmaLine(&[Token::ClientId(id)]).fmt(f)?;
        }
        self.end(f)
    }
}

impl Request<'_> {
    fn first_line(&self, f: &mut fmt::Formatter<'_>, method: Method<'_>) -> fmt::Result {
        let target = self.common.target;
        let path = RequestTarget(target.path);
        if target.through_proxy {
            let host = RequestTarget(target.host);
            write!(f, "{method} http://{host}/{path} {}\r\n", Version::Http10)
        } else {
            write!(f, "{method} /{path} {}\r\n", Version::Http10)
        }
    }

    fn tokens(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Describe => PragmaLine(&[
                Token::NoCache,
                Token::Rate(Decimal::ONE),
                Token::StreamTime(0),
                Token::StreamOffset(Offset(0)),
                Token::PacketNum(NOT_GIVEN),
                Token::RequestContext(1),
                Token::MaxDuration(0),
            ])
            .fmt(f),
            What::Play { play, entries, playlist_gen_id } => self.play(f, &play, entries, playlist_gen_id),
            What::Log { log, xml: false } => write!(f, "Pragma: log-line={log}\r\n"),
            What::Log { .. } => PragmaLine(&[Token::NoCache]).fmt(f),
            What::KeepAlive => PragmaLine(&[Token::NoCache, Token::XKeepAliveInPause(true)]).fmt(f),
            What::SelectStream { entries } => {
                PragmaLine(&[Token::NoCache]).fmt(f)?;
                selection(f, entries)
            }
        }
    }

    /// Exactly one position means something (section 3.1.4.3.1).
    fn play(
        &self,
        f: &mut fmt::Formatter<'_>,
        play: &Play,
        entries: &[SwitchEntry],
        playlist_gen_id: Option<u32>,
    ) -> fmt::Result {
        let (time, offset, packet) = match play.from {
            Position::Beginning | Position::Packet(0) => (0, Offset::NOT_GIVEN, NOT_GIVEN),
            Position::Time(time) => (milliseconds(time), Offset::NOT_GIVEN, NOT_GIVEN),
            Position::Packet(number) => (NOT_GIVEN, Offset::NOT_GIVEN, number),
            Position::Offset(offset) => (NOT_GIVEN, Offset(u64::from(offset)), NOT_GIVEN),
        };
        let max_duration = match play.until {
            None => 0,
            Some(Until::AfterStart(time)) => milliseconds(time),
            Some(Until::Time(time)) => milliseconds(time) | 0x8000_0000,
        };
        PragmaLine(&[
            Token::NoCache,
            Token::Rate(rate(play)),
            Token::StreamTime(time),
            Token::StreamOffset(offset),
            Token::PacketNum(packet),
            Token::RequestContext(2),
            Token::MaxDuration(max_duration),
        ])
        .fmt(f)?;
        PragmaLine(&[Token::XPlayStrm(true)]).fmt(f)?;
        let [major, ..] = self.common.player.version;
        if let (Some(wanted), true) = (play.acceleration, self.common.modern && major >= 8) {
            PragmaLine(&[
                Token::LinkBw(wanted.link_bandwidth.unwrap_or(0)),
                Token::AccelBw(wanted.bandwidth),
                Token::AccelDuration(milliseconds(wanted.duration)),
            ])
            .fmt(f)?;
        }
        if let (Some(id), true) = (playlist_gen_id, self.common.modern) {
            PragmaLine(&[Token::PlaylistGenId(id)]).fmt(f)?;
        }
        selection(f, entries)
    }

    fn end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Describe | What::Play { .. } => f.write_str("Connection: Close\r\n\r\n"),
            What::KeepAlive | What::SelectStream { .. } => {
                f.write_str("Content-Length: 0\r\nConnection: Close\r\n\r\n")
            }
            What::Log { xml: false, .. } => {
                write!(f, "Content-Type: {}\r\n", ContentType::TEXT_PLAIN)?;
                f.write_str("Content-Length: 0\r\nConnection: Close\r\n\r\n")
            }
            What::Log { log, xml: true } => {
                let body = ClientLogXml(log);
                write!(f, "Content-Type: {};charset=UTF-8\r\n", ContentType::LOG_STATS)?;
                write!(f, "Content-Length: {}\r\nConnection: Close\r\n\r\n{body}", text_len(&body))
            }
        }
    }
}

fn selection(f: &mut fmt::Formatter<'_>, entries: &[SwitchEntry]) -> fmt::Result {
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    PragmaLine(&[Token::StreamSwitchCount(count)]).fmt(f)?;
    PragmaLine(&[Token::StreamSwitchEntry(SwitchEntries::Slice(entries))]).fmt(f)
}

/// The rate in thousandths; it was checked to lie within -5.0 to 5.0.
fn rate(play: &Play) -> Decimal {
    let Some(rate) = play.rate else { return Decimal::ONE };
    let (mut low, mut high) = (-5000_i64, 5000_i64);
    // a search instead of a cast: the largest number of thousandths that is not above the rate
    while low < high {
        let middle = low.saturating_add(high).saturating_add(1).div_euclid(2);
        let value = f64::from(i32::try_from(middle).unwrap_or(0));
        if value <= rate * 1000.0 + 0.0005 {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    Decimal(low)
}

pub(super) fn milliseconds(time: core::time::Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX).min(0x7FFF_FFFF)
}

/// A player id in the usual form of a GUID.
pub(super) struct Guid<'a>(pub(super) &'a [u8; 16]);

impl Display for Guid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}
