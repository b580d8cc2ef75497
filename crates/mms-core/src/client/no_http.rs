//! What stands for HTTP in a client without the feature `http`: a session that never is. The compiler leaves out every arm that
//! has one.

use core::ops::{Deref, DerefMut};

use super::driver::Client;
use super::options::{Options, Step, Wanted};
use super::socket::SocketId;
use crate::error::Error;
use crate::mmsp::client::Session as OfMms;
use crate::rollover::Rollover;
use crate::time::Instant;
use crate::url::UrlBuf;

#[derive(Debug)]
pub(super) struct Http {
    pub(super) session: Session,
}

#[derive(Debug)]
pub(super) enum Session {}

/// Methods that nobody can call.
macro_rules! never {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        $(pub(super) fn $name(&self, $(_: $argument),*) $(-> $result)? {
            match self.session {}
        })*
    };
}

impl Http {
    pub(super) fn new(_: &Options, _: &UrlBuf, _: &Rollover) -> Option<Self> {
        None
    }

    never! {
        has_short() -> bool;
        poll_timeout() -> Instant;
        reads_stream() -> bool;
        reads_short() -> bool;
        sends(SocketId) -> bool;
        sent_all();
        short_space() -> &'static mut [u8];
        short_filled(usize);
        short_ended();
        connected(SocketId);
        connection_failed(SocketId);
        leave() -> Option<SocketId>;
    }
}

impl Session {
    pub(super) fn pause(&mut self, _: Instant) -> Result<(), Error> {
        match *self {}
    }
}

/// What both sessions have is had from the other one.
impl Deref for Session {
    type Target = OfMms;

    fn deref(&self) -> &OfMms {
        match *self {}
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut OfMms {
        match *self {}
    }
}

impl<B> Client<B> {
    pub(super) fn http_step(&mut self, _: Instant) -> Option<Step> {
        None
    }

    pub(super) fn advance_http(&mut self, _: Instant) -> Result<bool, Error> {
        Ok(false)
    }

    pub(super) fn proxy(&self) -> Option<Wanted<'_>> {
        None
    }
}
