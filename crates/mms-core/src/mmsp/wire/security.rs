//! The envelope of the authentication exchange; tokens are opaque here.

use crate::error::DecodeError;

use super::cursor::{Reader, Writer};

/// The server wants credentials (section 2.2.4.14). It has no `hr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityChallenge<'a> {
    /// Copied from the OpenFile or SecurityResponse.
    pub play_incarnation: u32,
    /// Identifies the challenge.
    pub cookie: u32,
    /// Realm or NTLM token.
    pub token: &'a [u8],
}

impl<'a> SecurityChallenge<'a> {
    pub(super) fn read(reader: Reader<'a>) -> Result<Self, DecodeError> {
        let (play_incarnation, cookie, token) = read(reader)?;
        Ok(Self { play_incarnation, cookie, token })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        write(writer, self.play_incarnation, self.cookie, self.token);
    }
}

/// The client's credentials (section 2.2.4.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityResponse<'a> {
    /// Copied from the SecurityChallenge.
    pub play_incarnation: u32,
    /// Copied from the SecurityChallenge.
    pub cookie: u32,
    /// Credentials, for BASIC with their NUL, or NTLM token.
    pub token: &'a [u8],
}

impl<'a> SecurityResponse<'a> {
    pub(super) fn read(reader: Reader<'a>) -> Result<Self, DecodeError> {
        let (play_incarnation, cookie, token) = read(reader)?;
        Ok(Self { play_incarnation, cookie, token })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        write(writer, self.play_incarnation, self.cookie, self.token);
    }
}

fn read(mut reader: Reader<'_>) -> Result<(u32, u32, &[u8]), DecodeError> {
    let mut fields = reader.fixed::<12>()?;
    let (play_incarnation, cookie, cb_token) = (fields.u32(), fields.u32(), fields.u32());
    Ok((play_incarnation, cookie, reader.nested(u64::from(cb_token), 16)?))
}

fn write(writer: &mut Writer<'_>, play_incarnation: u32, cookie: u32, token: &[u8]) {
    writer.u32(play_incarnation);
    writer.u32(cookie);
    writer.count32(token.len());
    writer.bytes(token);
}
