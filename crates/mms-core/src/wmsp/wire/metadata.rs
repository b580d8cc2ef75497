//! The payload of `$M` (sections 2.2.3.6 and 2.2.4).

use core::fmt;

use nom::bytes::complete::{tag, take_till};
use nom::character::complete::{char, u32 as number};
use nom::combinator::map_res;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::error::{DecodeError, Reason};

use super::description::{Description, Descriptions};
use super::pragma::EntryFeatures;

/// What a server tells of an entry before its header.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a> {
    /// Names the playlist entry.
    pub playlist_gen_id: u32,
    /// 0 for stored content, else names the live source.
    pub broadcast_id: u32,
    /// Properties that override those of the response head.
    pub features: EntryFeatures,
    /// Content descriptions as received.
    pub descriptions: Descriptions<'a>,
}

impl<'a> Metadata<'a> {
    /// Decodes a whole payload; fragments are put together before.
    ///
    /// # Errors
    ///
    /// The first part does not follow the grammar. Lists are checked when they are looked at.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let (rest, (playlist_gen_id, broadcast_id, features)) =
            first_part(payload).map_err(|_| DecodeError::new(Reason::Description, 0))?;
        let offset = payload.len().saturating_sub(rest.len());
        let features = EntryFeatures::parse(features);
        Ok(Self { playlist_gen_id, broadcast_id, features, descriptions: Descriptions::new(rest, offset) })
    }
}

fn first_part(input: &[u8]) -> IResult<&[u8], (u32, u32, &str)> {
    let (input, id) = preceded(tag(&b"playlist-gen-id="[..]), number).parse_complete(input)?;
    let (input, broadcast) = preceded(tag(&b", broadcast-id="[..]), number).parse_complete(input)?;
    let list = map_res(take_till(|byte| byte == b'"'), core::str::from_utf8);
    let (input, features) =
        delimited((tag(&b", features="[..]), char('"')), list, char('"')).parse_complete(input)?;
    let (input, _) = char('\0').parse_complete(input)?;
    Ok((input, (id, broadcast, features)))
}

/// The payload of a `$M` with one list, for encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetadataText<'a> {
    pub(crate) playlist_gen_id: u32,
    pub(crate) features: EntryFeatures,
    pub(crate) description: Description<'a>,
}

impl fmt::Display for MetadataText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { playlist_gen_id, features, description } = self;
        write!(f, "playlist-gen-id={playlist_gen_id}, broadcast-id=0, features=\"{features}\"\0{description}")
    }
}

impl fmt::Display for Metadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { playlist_gen_id, broadcast_id, features, descriptions } = self;
        write!(
            f,
            "playlist-gen-id={playlist_gen_id}, broadcast-id={broadcast_id}, features=\"{features}\"\0"
        )?;
        descriptions.fmt(f)
    }
}
