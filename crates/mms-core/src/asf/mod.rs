//! The Advanced Systems Format. Imports nothing from the protocols.
//!
//! Section numbers are those of the ASF specification, revision 01.20.03.
//!
//! ```text
//! header in parts    -> HeaderWalker -> HeaderSummary     fixed state, for sessions
//! header in memory   -> Header -> Object::view            borrowing views of every object, for tools
//! header in parts    -> HeaderPatch, HeaderRewrite        what recording, live and finishing change
//! header in memory   -> StreamingHeader                   without padding and pictures, for small clients
//! parts of a header  -> HeaderWriter                      a new header
//!
//! data packet        -> PacketHead                        send time, duration, ranges
//!                    -> Packet -> Payload -> Fragment     pieces of media objects
//! fragments          -> ObjectAssembly                    media objects, and what is missing of them
//! media objects      -> Packetiser, PacketWriter          packets of fixed size
//! packet for a peer  -> PacketFilter, strip_padding       streams and padding left out
//! packet from a peer -> restore_padding                   head + borrowed rest + zeros
//!
//! index objects      -> SimpleIndex, Index                time to packet; IndexToWrite the other way
//! time               -> Seek, SendTimeSearch              packet, by wishes for packets
//! all packets        -> FileScan, IndexBuilder            what makes a recording a proper file
//! ```

mod assembly;
mod codec_list;
mod content;
mod extension;
mod filter;
mod finish;
mod guid;
mod header;
mod header_writer;
mod index;
mod media_types;
mod metadata;
mod object;
mod packet;
mod packet_writer;
mod packetiser;
mod padding;
mod patch;
mod payload;
mod protection;
mod read;
mod relations;
mod script;
mod seek;
mod stream;
mod stream_table;
mod streaming;
mod utf16;
mod view;
mod walker;

pub use assembly::{Assembled, AssembledObject, ExtendedTime, Loss, ObjectAssembly, content_time_ms};
pub use codec_list::{CodecEntries, CodecEntry, CodecKind, CodecTag, codec_name};
pub use content::{ContentDescription, Tag, TagValue, Tags};
pub use extension::{
    ExtendedStream, ExtendedStreamFlags, ExtendedStreamProperties, ExtensionSystem, ExtensionSystems,
    ExtensionValue, ExtensionValues, StreamName, StreamNames,
};
pub use filter::{FilterError, Filtered, Keep, PacketFilter};
pub use finish::{FileScan, IndexBuilder, IndexRun, IndexRuns, IndexedStreams, indexed_streams, shift_times};
pub use guid::Guid;
pub use header::{FileFlags, FileProperties, Header, Streams};
pub use header_writer::{HeaderWriteError, HeaderWriter};
pub use index::{
    Index, IndexBlock, IndexBlockToWrite, IndexBlocks, IndexKind, IndexSpecifier, IndexSpecifiers,
    IndexToWrite, IndexType, SIMPLE_INDEX_ENTRY, SIMPLE_INDEX_FIXED, SimpleIndex, SimpleIndexEntry,
    begins_top_level_object, object_frame, simple_index_head, top_level_object,
};
pub use media_types::{AudioSpread, BinaryFormat, ImageFormat, WebSample};
pub use metadata::{IndexParameters, MetadataRecord, MetadataRecords};
pub use object::{Object, Objects};
pub use packet::PacketHead;
pub use packet_writer::{MAX_PAYLOADS, MIN_PACKET_SIZE, PacketWriter, PayloadHead};
pub use packetiser::{MediaObject, PacketiseError, Packetised, Packetiser};
pub use padding::{Restored, Stripped, restore_padding, strip_padding};
pub use patch::{HeaderPatch, HeaderRewrite};
pub use payload::{Fragment, Fragments, Packet, PacketFragments, Payload, PayloadForm, Payloads};
pub use protection::{
    Compatibility, ContentBranding, ContentEncryption, DigitalSignature, EncryptedObjects, EncryptionRecord,
    EncryptionRecords, ErrorCorrection,
};
pub use relations::{
    BandwidthSharing, ExclusionGroups, GroupMutualExclusion, Languages, MutualExclusion, StreamNumbers,
    StreamPriorities, StreamPriority,
};
pub use script::{
    CommandSample, Marker, MarkerEntries, Markers, ScriptCommand, ScriptCommandEntries, ScriptCommands,
    ScriptTypes,
};
pub use seek::{Found, Seek, SeekStreams, SendTimeSearch, first_presentation_time, packet_at, packet_offset};
pub use stream::{AudioFormat, StreamBitRate, StreamBitRates, StreamKind, StreamProperties, VideoFormat};
pub use stream_table::{StreamInfo, StreamIter, StreamTable};
pub use streaming::{HeaderPiece, HeaderPieces, LeaveOut, StreamingHeader};
pub use utf16::{Chars, Utf16};
pub use view::View;
pub use walker::{HeaderError, HeaderLimits, HeaderSummary, HeaderWalker, packet_count};

/// Bytes of the Data Object before its first packet (section 5.1).
pub const DATA_OBJECT_LEN: usize = 50;

/// The largest packet that fits one data packet of the protocols.
pub const MAX_PACKET_SIZE: u32 = 65527;
