//! The bytes of \[MS-WMSP\]: heads, header fields, Pragma tokens and frames. Nothing here knows a session.

mod basic;
mod cache;
mod chunked;
mod content_type;
mod description;
mod field;
mod frame;
#[cfg(feature = "arbitrary")]
mod generate;
mod head;
mod log;
mod metadata;
mod pragma;
mod product;
mod profile;
mod range;
mod remote_event;
mod status;
mod stream_switch;
mod supported;
mod text;

pub use basic::{BasicAuthorization, Challenge, Challenges, Credentials};
pub use cache::{CacheControl, CacheDirective, CacheDirectives};
pub use chunked::{Chunk, Chunked};
pub use content_type::ContentType;
pub use description::{Description, DescriptionType, Descriptions, Pair};
pub(crate) use field::BodyLen;
pub use field::{Connection, Field};
pub use frame::{Deframer, Frame, FrameBody, FrameError, FrameHead, FrameLimits, PacketId};
pub use head::{
    FieldIter, Fields, HeadError, HeadLimits, HeadScanner, HeadStep, HeaderLine, MAX_HEADERS, Method,
    RequestHead, RequestLine, ResponseHead, StatusLine, Version,
};
pub(crate) use head::{field_ranges, path_range, value_range};
pub use log::{ClientLog, ClientLogXml};
pub use metadata::Metadata;
pub(crate) use metadata::MetadataText;
pub use pragma::{Decimal, EntryFeatures, Offset, Pragma, PragmaLine, Token, Tokens};
pub use product::{Product, ProductName};
pub use profile::{Numbers, StartupProfile};
pub use range::{ByteRange, ContentRange};
pub use remote_event::{RemoteEvent, RemoteEventKind};
pub use status::Status;
pub use stream_switch::{Base, NO_STREAM, SwitchEntries, SwitchEntry, SwitchEntryIter, SwitchPlan};
pub use supported::Supported;
pub(crate) use text::same;
pub use text::{Clean, RequestTarget, encode_text, text_len, utf8_prefix};

/// "Not given" in a token of 32 bits (digest chapter 4).
pub const NOT_GIVEN: u32 = u32::MAX;
