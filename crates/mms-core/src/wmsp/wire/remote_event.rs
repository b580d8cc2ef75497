//! The body of SendEvent (section 2.2.5).

use core::fmt;

use nom::bytes::complete::tag;
use nom::character::complete::{char, i64 as integer, u32 as number};
use nom::sequence::delimited;
use nom::{IResult, Parser};

use crate::error::{DecodeError, Reason};
use crate::hresult::Hresult;

use super::description::Descriptions;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemoteEventKind(pub u32);

impl RemoteEventKind {
    /// A caching proxy opened a cached copy.
    pub const REMOTE_OPEN: Self = Self(28);
    /// A caching proxy closed it.
    pub const REMOTE_CLOSE: Self = Self(29);
    /// A rendering log.
    pub const REMOTE_LOG: Self = Self(30);
}

/// An event that a client reports.
#[derive(Clone, Copy, Debug)]
pub struct RemoteEvent<'a> {
    /// What happened.
    pub kind: RemoteEventKind,
    /// With which result.
    pub reason: Hresult,
    /// Two descriptions with a log, none otherwise.
    pub descriptions: Descriptions<'a>,
}

impl<'a> RemoteEvent<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    ///
    /// The first two lines do not follow the grammar. Lists are checked when they are looked at.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let bad = DecodeError::new(Reason::Description, 0);
        let (rest, (kind, reason)) = lines(body).map_err(|_| bad)?;
        // a result is written with or without its sign
        let reason = u32::try_from(reason)
            .or_else(|_| i32::try_from(reason).map(i32::cast_unsigned))
            .map_err(|_| bad)?;
        let descriptions = Descriptions::new(rest, body.len().saturating_sub(rest.len()));
        Ok(Self { kind: RemoteEventKind(kind), reason: Hresult(reason), descriptions })
    }
}

fn lines(input: &[u8]) -> IResult<&[u8], (u32, i64)> {
    let end = || tag(&b"\r\n"[..]);
    let (input, _) = (char('1'), end()).parse_complete(input)?;
    let kind = delimited(tag(&b"1,"[..]), number, char(','));
    let (input, found) = (kind, integer).parse_complete(input)?;
    let (input, _) = end().parse_complete(input)?;
    Ok((input, found))
}

impl fmt::Display for RemoteEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1\r\n1,{},{}\r\n{}", self.kind.0, self.reason.0, self.descriptions)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_remote_log_survives() {
        let body = "1\r\n1,30,0\r\n12,context-type,3,1,2,14,WMS_USER_AGENT,31,20,NSPlayer/11.0.5721.0\r\n\
                    12,context-type,3,1,5,24,@WMS_COMMAND_CONTEXT_URL,31,3,x,y,12,@.REMOTE_LOG,31,7,<XML>\r\n\r\n";
        let event = RemoteEvent::decode(body.as_bytes()).unwrap();
        assert_eq!((event.kind, event.reason), (RemoteEventKind::REMOTE_LOG, Hresult::S_OK));
        let mut lists = event.descriptions;
        assert_eq!(lists.next().unwrap().unwrap().get("WMS_USER_AGENT"), Some("NSPlayer/11.0.5721.0"));
        assert_eq!(lists.next().unwrap().unwrap().get("@.REMOTE_LOG"), Some("<XML>\r\n"));
        assert!(lists.next().is_none());
        assert_eq!(event.to_string(), body);
        assert!(RemoteEvent::decode(b"2\r\n1,30,0\r\n").is_err());
        assert_eq!(RemoteEvent::decode(b"1\r\n1,29,-1\r\n").unwrap().reason, Hresult(u32::MAX));
    }
}
