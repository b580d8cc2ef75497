//! Content types (section 2.2.1.2).

use core::fmt;

use super::text::{Clean, same};

/// A content type as written, with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct ContentType<'a>(pub &'a str);

impl<'a> ContentType<'a> {
    /// Response to Describe.
    pub const HEADER: Self = Self("application/vnd.ms.wms-hdr.asfv1");
    /// Response with media.
    pub const FRAMED: Self = Self("application/x-mms-framed");
    /// Either of the two; the only one of version 4.
    pub const OCTET_STREAM: Self = Self("application/octet-stream");
    /// GetContentInfo.
    pub const GET_CONTENT_INFO: Self = Self("application/x-wms-getcontentinfo");
    /// A log in XML.
    pub const LOG_STATS: Self = Self("application/x-wms-LogStats");
    /// SendEvent.
    pub const SEND_EVENT: Self = Self("application/x-wms-sendevent");
    /// A log of an old player.
    pub const TEXT_PLAIN: Self = Self("text/plain");
    /// An ASF file, or an ASX that leads to one.
    pub const ASF: Self = Self("video/x-ms-asf");

    /// The type without parameters.
    #[must_use]
    pub fn essence(&self) -> &'a str {
        self.0.split(';').next().unwrap_or_default().trim()
    }
}

impl PartialEq for ContentType<'_> {
    fn eq(&self, other: &Self) -> bool {
        same(self.essence(), other.essence())
    }
}

impl Eq for ContentType<'_> {}

impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Clean(self.0).fmt(f)
    }
}
