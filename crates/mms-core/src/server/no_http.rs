//! What stands for HTTP in a connection without the feature `http`: a session that never is. The compiler leaves out every arm
//! that has one, and who speaks HTTP meets what anybody meets who does not speak MMS.

use core::ops::{Deref, DerefMut};

use super::connection::{Connection, Event};
use super::protocol::{Head, Protocol, Want};
use super::queue::HEAD_BYTES;
use super::wish::{HttpRequest, Opened, Refusal};
use crate::error::Error;
use crate::hresult::Hresult;
use crate::mmsp::client::Handled;
use crate::mmsp::server::Session as OfMms;
use crate::text::Text;
use crate::time::Instant;

pub(super) const LARGEST_REPLY: usize = 0;

#[derive(Debug)]
pub(super) struct Http {
    pub(super) session: Session,
}

#[derive(Debug)]
pub(super) enum Session {}

#[derive(Clone, Copy, Debug)]
pub(super) enum FrameBytes {}

#[derive(Clone, Debug)]
pub(super) enum Located {}

/// Methods that nobody can call.
macro_rules! never {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        $(pub(super) fn $name(&self, $(_: $argument),*) $(-> $result)? {
            self.never()
        })*
    };
}

impl Http {
    fn never(&self) -> ! {
        match self.session {}
    }

    never! {
        wish() -> Option<Want>;
        wants(Want) -> bool;
        name(&[u8]) -> Option<Text<'static>>;
        request(&[u8]) -> HttpRequest<'static>;
        opened(Opened) -> Result<(), Error>;
        refused(Refusal) -> Result<(), Error>;
        wake_at() -> Instant;
        frame_header(usize) -> Option<(Head, usize)>;
        send_bytes(usize) -> usize;
    }
}

impl Session {
    fn never(&self) -> ! {
        match *self {}
    }

    never! {
        locate(Instant, &[u8]) -> Result<Handled<Located>, Error>;
        frame(Instant, u32, u16) -> Option<FrameBytes>;
        content_failed(Hresult);
        end_of_media();
        plays() -> bool;
        handle_eof() -> bool;
        handle_timeout(Instant);
        refuse_late();
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

impl FrameBytes {
    pub(super) fn array(&self) -> ([u8; HEAD_BYTES], usize) {
        match *self {}
    }
}

pub(super) fn event<'a>(event: &Located, _: &'a [u8]) -> Event<'a> {
    match *event {}
}

impl<B, H, const N: usize> Connection<B, H, N> {
    /// Not called: nobody may allow HTTP.
    pub(super) fn begin_http(&mut self, _: Instant) -> &mut Protocol {
        &mut self.protocol
    }

    pub(super) fn head_limit(&self) -> u32 {
        0
    }
}
