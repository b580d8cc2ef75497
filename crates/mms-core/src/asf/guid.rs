//! Object and stream type identifiers (section 10).

use core::fmt;

/// A GUID as its 16 bytes on the wire (section 2.1).
///
/// The first three groups of the canonical text are little-endian, the last two are in order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// A GUID from the groups of its canonical text, the last two groups as bytes.
    #[must_use]
    pub const fn from_groups(first: u32, second: u16, third: u16, rest: [u8; 8]) -> Self {
        let [a, b, c, d] = first.to_le_bytes();
        let [e, f] = second.to_le_bytes();
        let [g, h] = third.to_le_bytes();
        let [i, j, k, l, m, n, o, p] = rest;
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0;
        let first = u32::from_le_bytes([a, b, c, d]);
        let (second, third) = (u16::from_le_bytes([e, g]), u16::from_le_bytes([h, i]));
        write!(f, "{first:08X}-{second:04X}-{third:04X}-")?;
        for (n, byte) in rest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if n == 2 { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Guid({name})"),
            None => write!(f, "Guid({self})"),
        }
    }
}

macro_rules! known {
    ($($(#[$meta:meta])* $name:ident = $text:literal, $a:literal, $b:literal, $c:literal, $d:expr;)*) => {
        impl Guid {
            $($(#[$meta])* pub const $name: Self = Self::from_groups($a, $b, $c, $d);)*

            /// The name of a GUID that is known here, without the prefix and the word "Object".
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

known! {
    /// Header: top-level objects (section 10.1).
    HEADER = "Header", 0x75b2_2630, 0x668e, 0x11cf, [0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
    /// Data: top-level objects (section 10.1).
    DATA = "Data", 0x75b2_2636, 0x668e, 0x11cf, [0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
    /// Simple Index: top-level objects (section 10.1).
    SIMPLE_INDEX = "Simple Index", 0x3300_0890, 0xe5b1, 0x11cf, [0x89, 0xf4, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xcb];
    /// Index: top-level objects (section 10.1).
    INDEX = "Index", 0xd6e2_29d3, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Media Object Index: top-level objects (section 10.1).
    MEDIA_OBJECT_INDEX = "Media Object Index", 0xfeb1_03f8, 0x12ad, 0x4c64, [0x84, 0x0f, 0x2a, 0x1d, 0x2f, 0x7a, 0xd4, 0x8c];
    /// Timecode Index: top-level objects (section 10.1).
    TIMECODE_INDEX = "Timecode Index", 0x3cb7_3fd0, 0x0c4a, 0x4803, [0x95, 0x3d, 0xed, 0xf7, 0xb6, 0x22, 0x8f, 0x0c];
    /// File Properties: objects of the Header Object (section 10.2).
    FILE_PROPERTIES = "File Properties", 0x8cab_dca1, 0xa947, 0x11cf, [0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    /// Stream Properties: objects of the Header Object (section 10.2).
    STREAM_PROPERTIES = "Stream Properties", 0xb7dc_0791, 0xa9b7, 0x11cf, [0x8e, 0xe6, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    /// Header Extension: objects of the Header Object (section 10.2).
    HEADER_EXTENSION = "Header Extension", 0x5fbf_03b5, 0xa92e, 0x11cf, [0x8e, 0xe3, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    /// Codec List: objects of the Header Object (section 10.2).
    CODEC_LIST = "Codec List", 0x86d1_5240, 0x311d, 0x11d0, [0xa3, 0xa4, 0x00, 0xa0, 0xc9, 0x03, 0x48, 0xf6];
    /// Script Command: objects of the Header Object (section 10.2).
    SCRIPT_COMMAND = "Script Command", 0x1efb_1a30, 0x0b62, 0x11d0, [0xa3, 0x9b, 0x00, 0xa0, 0xc9, 0x03, 0x48, 0xf6];
    /// Marker: objects of the Header Object (section 10.2).
    MARKER = "Marker", 0xf487_cd01, 0xa951, 0x11cf, [0x8e, 0xe6, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    /// Bitrate Mutual Exclusion: objects of the Header Object (section 10.2).
    BITRATE_MUTUAL_EXCLUSION = "Bitrate Mutual Exclusion", 0xd6e2_29dc, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Error Correction: objects of the Header Object (section 10.2).
    ERROR_CORRECTION = "Error Correction", 0x75b2_2635, 0x668e, 0x11cf, [0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
    /// Content Description: objects of the Header Object (section 10.2).
    CONTENT_DESCRIPTION = "Content Description", 0x75b2_2633, 0x668e, 0x11cf, [0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
    /// Extended Content Description: objects of the Header Object (section 10.2).
    EXTENDED_CONTENT_DESCRIPTION = "Extended Content Description", 0xd2d0_a440, 0xe307, 0x11d2, [0x97, 0xf0, 0x00, 0xa0, 0xc9, 0x5e, 0xa8, 0x50];
    /// Stream Bitrate Properties: objects of the Header Object (section 10.2).
    STREAM_BITRATE_PROPERTIES = "Stream Bitrate Properties", 0x7bf8_75ce, 0x468d, 0x11d1, [0x8d, 0x82, 0x00, 0x60, 0x97, 0xc9, 0xa2, 0xb2];
    /// Content Branding: objects of the Header Object (section 10.2).
    CONTENT_BRANDING = "Content Branding", 0x2211_b3fa, 0xbd23, 0x11d2, [0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc, 0x6e];
    /// Content Encryption: objects of the Header Object (section 10.2).
    CONTENT_ENCRYPTION = "Content Encryption", 0x2211_b3fb, 0xbd23, 0x11d2, [0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc, 0x6e];
    /// Extended Content Encryption: objects of the Header Object (section 10.2).
    EXTENDED_CONTENT_ENCRYPTION = "Extended Content Encryption", 0x298a_e614, 0x2622, 0x4c17, [0xb9, 0x35, 0xda, 0xe0, 0x7e, 0xe9, 0x28, 0x9c];
    /// Digital Signature: objects of the Header Object (section 10.2).
    DIGITAL_SIGNATURE = "Digital Signature", 0x2211_b3fc, 0xbd23, 0x11d2, [0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc, 0x6e];
    /// Padding: objects of the Header Object (section 10.2).
    PADDING = "Padding", 0x1806_d474, 0xcadf, 0x4509, [0xa4, 0xba, 0x9a, 0xab, 0xcb, 0x96, 0xaa, 0xe8];
    /// Extended Stream Properties: objects of the Header Extension Object (section 10.3).
    EXTENDED_STREAM_PROPERTIES = "Extended Stream Properties", 0x14e6_a5cb, 0xc672, 0x4332, [0x83, 0x99, 0xa9, 0x69, 0x52, 0x06, 0x5b, 0x5a];
    /// Advanced Mutual Exclusion: objects of the Header Extension Object (section 10.3).
    ADVANCED_MUTUAL_EXCLUSION = "Advanced Mutual Exclusion", 0xa086_49cf, 0x4775, 0x4670, [0x8a, 0x16, 0x6e, 0x35, 0x35, 0x75, 0x66, 0xcd];
    /// Group Mutual Exclusion: objects of the Header Extension Object (section 10.3).
    GROUP_MUTUAL_EXCLUSION = "Group Mutual Exclusion", 0xd146_5a40, 0x5a79, 0x4338, [0xb7, 0x1b, 0xe3, 0x6b, 0x8f, 0xd6, 0xc2, 0x49];
    /// Stream Prioritization: objects of the Header Extension Object (section 10.3).
    STREAM_PRIORITIZATION = "Stream Prioritization", 0xd4fe_d15b, 0x88d3, 0x454f, [0x81, 0xf0, 0xed, 0x5c, 0x45, 0x99, 0x9e, 0x24];
    /// Bandwidth Sharing: objects of the Header Extension Object (section 10.3).
    BANDWIDTH_SHARING = "Bandwidth Sharing", 0xa696_09e6, 0x517b, 0x11d2, [0xb6, 0xaf, 0x00, 0xc0, 0x4f, 0xd9, 0x08, 0xe9];
    /// Language List: objects of the Header Extension Object (section 10.3).
    LANGUAGE_LIST = "Language List", 0x7c43_46a9, 0xefe0, 0x4bfc, [0xb2, 0x29, 0x39, 0x3e, 0xde, 0x41, 0x5c, 0x85];
    /// Metadata: objects of the Header Extension Object (section 10.3).
    METADATA = "Metadata", 0xc5f8_cbea, 0x5baf, 0x4877, [0x84, 0x67, 0xaa, 0x8c, 0x44, 0xfa, 0x4c, 0xca];
    /// Metadata Library: objects of the Header Extension Object (section 10.3).
    METADATA_LIBRARY = "Metadata Library", 0x4423_1c94, 0x9498, 0x49d1, [0xa1, 0x41, 0x1d, 0x13, 0x4e, 0x45, 0x70, 0x54];
    /// Index Parameters: objects of the Header Extension Object (section 10.3).
    INDEX_PARAMETERS = "Index Parameters", 0xd6e2_29df, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Media Object Index Parameters: objects of the Header Extension Object (section 10.3).
    MEDIA_OBJECT_INDEX_PARAMETERS = "Media Object Index Parameters", 0x6b20_3bad, 0x3f11, 0x48e4, [0xac, 0xa8, 0xd7, 0x61, 0x3d, 0xe2, 0xcf, 0xa7];
    /// Timecode Index Parameters: objects of the Header Extension Object (section 10.3).
    TIMECODE_INDEX_PARAMETERS = "Timecode Index Parameters", 0xf55e_496d, 0x9797, 0x4b5d, [0x8c, 0x8b, 0x60, 0x4d, 0xfe, 0x9b, 0xfb, 0x24];
    /// Compatibility: objects of the Header Extension Object (section 10.3).
    COMPATIBILITY = "Compatibility", 0x26f1_8b5d, 0x4584, 0x47ec, [0x9f, 0x5f, 0x0e, 0x65, 0x1f, 0x04, 0x52, 0xc9];
    /// Advanced Content Encryption: objects of the Header Extension Object (section 10.3).
    ADVANCED_CONTENT_ENCRYPTION = "Advanced Content Encryption", 0x4305_8533, 0x6981, 0x49e6, [0x9b, 0x74, 0xad, 0x12, 0xcb, 0x86, 0xd5, 0x8c];
    /// Audio Media: stream types (section 10.4).
    AUDIO_MEDIA = "Audio Media", 0xf869_9e40, 0x5b4d, 0x11cf, [0xa8, 0xfd, 0x00, 0x80, 0x5f, 0x5c, 0x44, 0x2b];
    /// Video Media: stream types (section 10.4).
    VIDEO_MEDIA = "Video Media", 0xbc19_efc0, 0x5b4d, 0x11cf, [0xa8, 0xfd, 0x00, 0x80, 0x5f, 0x5c, 0x44, 0x2b];
    /// Command Media: stream types (section 10.4).
    COMMAND_MEDIA = "Command Media", 0x59da_cfc0, 0x59e6, 0x11d0, [0xa3, 0xac, 0x00, 0xa0, 0xc9, 0x03, 0x48, 0xf6];
    /// JFIF Media: stream types (section 10.4).
    JFIF_MEDIA = "JFIF Media", 0xb61b_e100, 0x5b4e, 0x11cf, [0xa8, 0xfd, 0x00, 0x80, 0x5f, 0x5c, 0x44, 0x2b];
    /// Degradable JPEG Media: stream types (section 10.4).
    DEGRADABLE_JPEG_MEDIA = "Degradable JPEG Media", 0x3590_7de0, 0xe415, 0x11cf, [0xa9, 0x17, 0x00, 0x80, 0x5f, 0x5c, 0x44, 0x2b];
    /// File Transfer Media: stream types (section 10.4).
    FILE_TRANSFER_MEDIA = "File Transfer Media", 0x91bd_222c, 0xf21c, 0x497a, [0x8b, 0x6d, 0x5a, 0xa8, 0x6b, 0xfc, 0x01, 0x85];
    /// Binary Media: stream types (section 10.4).
    BINARY_MEDIA = "Binary Media", 0x3afb_65e2, 0x47ef, 0x40f2, [0xac, 0x2c, 0x70, 0xa9, 0x0d, 0x71, 0xd3, 0x43];
    /// Error correction type of streams that are not audio (section 10.5).
    NO_ERROR_CORRECTION = "No Error Correction", 0x20fb_5700, 0x5b55, 0x11cf, [0xa8, 0xfd, 0x00, 0x80, 0x5f, 0x5c, 0x44, 0x2b];
    /// Error correction type of audio streams (section 10.5).
    AUDIO_SPREAD = "Audio Spread", 0xbfc3_cd50, 0x618f, 0x11cf, [0x8b, 0xb2, 0x00, 0xaa, 0x00, 0xb4, 0xe2, 0x20];
    /// Constant of the Header Extension Object (section 10.6).
    RESERVED_1 = "Reserved 1", 0xabd3_d211, 0xa9ba, 0x11cf, [0x8e, 0xe6, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    /// Constant of the Codec List Object (section 10.6).
    RESERVED_2 = "Reserved 2", 0x86d1_5241, 0x311d, 0x11d0, [0xa3, 0xa4, 0x00, 0xa0, 0xc9, 0x03, 0x48, 0xf6];
    /// Constant of the Script Command Object (section 10.6).
    RESERVED_3 = "Reserved 3", 0x4b1a_cbe3, 0x100b, 0x11d0, [0xa3, 0x9b, 0x00, 0xa0, 0xc9, 0x03, 0x48, 0xf6];
    /// Constant of the Marker Object (section 10.6).
    RESERVED_4 = "Reserved 4", 0x4cfe_db20, 0x75f6, 0x11cf, [0x9c, 0x0f, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xcb];
    /// Exclusion by language (section 10.8).
    MUTEX_LANGUAGE = "Mutex Language", 0xd6e2_2a00, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Exclusion by bit rate (section 10.8).
    MUTEX_BITRATE = "Mutex Bitrate", 0xd6e2_2a01, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Exclusion for another reason (section 10.8).
    MUTEX_UNKNOWN = "Mutex Unknown", 0xd6e2_2a02, 0x35da, 0x11d1, [0x90, 0x34, 0x00, 0xa0, 0xc9, 0x03, 0x49, 0xbe];
    /// Bandwidth that only one stream uses at a time (section 10.9).
    BANDWIDTH_SHARING_EXCLUSIVE = "Bandwidth Sharing Exclusive", 0xaf60_60aa, 0x5197, 0x11d2, [0xb6, 0xaf, 0x00, 0xc0, 0x4f, 0xd9, 0x08, 0xe9];
    /// Bandwidth that streams use together (section 10.9).
    BANDWIDTH_SHARING_PARTIAL = "Bandwidth Sharing Partial", 0xaf60_60ab, 0x5197, 0x11d2, [0xb6, 0xaf, 0x00, 0xc0, 0x4f, 0xd9, 0x08, 0xe9];
    /// Payload extension system (section 10.13).
    EXTENSION_TIMECODE = "Timecode", 0x3995_95ec, 0x8667, 0x4e2d, [0x8f, 0xdb, 0x98, 0x81, 0x4c, 0xe7, 0x6c, 0x1e];
    /// Payload extension system (section 10.13).
    EXTENSION_FILE_NAME = "File Name", 0xe165_ec0e, 0x19ed, 0x45d7, [0xb4, 0xa7, 0x25, 0xcb, 0xd1, 0xe2, 0x8e, 0x9b];
    /// Payload extension system (section 10.13).
    EXTENSION_CONTENT_TYPE = "Content Type", 0xd590_dc20, 0x07bc, 0x436c, [0x9c, 0xf7, 0xf3, 0xbb, 0xfb, 0xf1, 0xa4, 0xdc];
    /// Payload extension system (section 10.13).
    EXTENSION_PIXEL_ASPECT_RATIO = "Pixel Aspect Ratio", 0x1b1e_e554, 0xf9ea, 0x4bc8, [0x82, 0x1a, 0x37, 0x6b, 0x74, 0xe4, 0xc4, 0xb8];
    /// Payload extension system (section 10.13).
    EXTENSION_SAMPLE_DURATION = "Sample Duration", 0xc6bd_9450, 0x867f, 0x4907, [0x83, 0xa3, 0xc7, 0x79, 0x21, 0xb7, 0x33, 0xad];
    /// Payload extension system (section 10.13).
    EXTENSION_ENCRYPTION_SAMPLE_ID = "Encryption Sample ID", 0x6698_b84e, 0x0afa, 0x4330, [0xae, 0xb2, 0x1c, 0x0a, 0x98, 0xd7, 0xa4, 0x4d];
    /// Payload extension system of Media Foundation; not in the specification.
    EXTENSION_OUTPUT_CLEAN_POINT = "Output Clean Point", 0xf72a_3c6f, 0x6eb4, 0x4ebc, [0xb1, 0x92, 0x09, 0xad, 0x97, 0x59, 0xe8, 0x28];
    /// Web streams: subtype of File Transfer Media (section 10.4.1).
    WEB_STREAM_SUBTYPE = "Web Stream Media Subtype", 0x7762_57d4, 0xc627, 0x41cb, [0x8f, 0x81, 0x7a, 0xc7, 0xff, 0x1c, 0x40, 0xcc];
    /// Web streams: format of File Transfer Media (section 10.4.1).
    WEB_STREAM_FORMAT = "Web Stream Format", 0xda1e_6b13, 0x8359, 0x4050, [0xb3, 0x98, 0x38, 0x8e, 0x96, 0x5b, 0xf0, 0x0c];
    /// A DRM object that is not in the specification; never interpreted.
    PROTECTION_SYSTEM = "Protection System", 0x9a04_f079, 0x9840, 0x4286, [0xab, 0x92, 0xe6, 0x5b, 0xe0, 0x88, 0x5f, 0x95];
    /// Room for index parameters; in real files, not in the specification.
    INDEX_PLACEHOLDER = "Index Placeholder", 0xd9aa_de20, 0x7c17, 0x4f9c, [0xbc, 0x28, 0x85, 0x55, 0xdd, 0x98, 0xe2, 0xa2];
    /// Of an older revision.
    ALTERNATE_EXTENDED_CONTENT_ENCRYPTION = "Alternate Extended Content Encryption", 0xff88_9ef1, 0xadee, 0x40da, [0x9e, 0x71, 0x98, 0x70, 0x4b, 0xb9, 0x28, 0xce];
    /// XML of tagging tools behind the Data Object; not in the specification.
    XMP = "XMP", 0xbe7a_cfcb, 0x97a9, 0x42e8, [0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn the_header_guid_has_its_bytes_and_its_canonical_text() {
        let wire =
            [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
        assert_eq!(Guid::HEADER, Guid(wire));
        assert_eq!(Guid::HEADER.to_string(), "75B22630-668E-11CF-A6D9-00AA0062CE6C");
        assert_eq!(std::format!("{:?}", Guid::HEADER), "Guid(Header)");
    }

    #[test]
    fn the_compatibility_guid_is_the_real_one_and_not_the_printed_one() {
        assert_eq!(Guid::COMPATIBILITY.to_string(), "26F18B5D-4584-47EC-9F5F-0E651F0452C9");
    }
}
