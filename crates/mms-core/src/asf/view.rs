//! Every object of a header as what it is (sections 3 and 4).

use super::codec_list::CodecEntries;
use super::content::{ContentDescription, Tags};
use super::extension::ExtendedStreamProperties;
use super::guid::Guid;
use super::header::FileProperties;
use super::metadata::{IndexParameters, MetadataRecords};
use super::object::{Object, Objects, extension_objects};
use super::protection::{
    Compatibility, ContentBranding, ContentEncryption, DigitalSignature, EncryptionRecords, ErrorCorrection,
};
use super::relations::{
    BandwidthSharing, GroupMutualExclusion, Languages, MutualExclusion, StreamPriorities,
};
use super::script::{Markers, ScriptCommands};
use super::stream::{StreamBitRates, StreamProperties};
use crate::error::DecodeError;

/// An object of the Header Object or of its extension, decoded by its GUID.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "a view is looked at and dropped, never stored in numbers")]
pub enum View<'a> {
    /// File Properties Object (section 3.2).
    FileProperties(FileProperties),
    /// Stream Properties Object (section 3.3).
    StreamProperties(StreamProperties<'a>),
    /// Header Extension Object (section 3.4).
    HeaderExtension(Objects<'a>),
    /// Codec List Object (section 3.5).
    CodecList(CodecEntries<'a>),
    /// Script Command Object (section 3.6).
    ScriptCommands(ScriptCommands<'a>),
    /// Marker Object (section 3.7).
    Markers(Markers<'a>),
    /// Bitrate Mutual Exclusion Object (section 3.8).
    BitrateMutualExclusion(MutualExclusion<'a>),
    /// Error Correction Object (section 3.9).
    ErrorCorrection(ErrorCorrection<'a>),
    /// Content Description Object (section 3.10).
    ContentDescription(ContentDescription<'a>),
    /// Extended Content Description Object (section 3.11).
    ExtendedContentDescription(Tags<'a>),
    /// Stream Bitrate Properties Object (section 3.12).
    StreamBitRates(StreamBitRates<'a>),
    /// Content Branding Object (section 3.13).
    ContentBranding(ContentBranding<'a>),
    /// Content Encryption Object (section 3.14).
    ContentEncryption(ContentEncryption<'a>),
    /// Extended Content Encryption Object, or another object of DRM, as bytes (section 3.15).
    Protection(&'a [u8]),
    /// Digital Signature Object (section 3.16).
    DigitalSignature(DigitalSignature<'a>),
    /// Padding Object or room for index parameters, with its number of bytes (section 3.17).
    Padding(usize),
    /// Extended Stream Properties Object (section 4.1).
    ExtendedStreamProperties(ExtendedStreamProperties<'a>),
    /// Advanced Mutual Exclusion Object (section 4.2).
    AdvancedMutualExclusion(MutualExclusion<'a>),
    /// Group Mutual Exclusion Object (section 4.3).
    GroupMutualExclusion(GroupMutualExclusion<'a>),
    /// Stream Prioritization Object (section 4.4).
    StreamPrioritization(StreamPriorities<'a>),
    /// Bandwidth Sharing Object (section 4.5).
    BandwidthSharing(BandwidthSharing<'a>),
    /// Language List Object (section 4.6).
    LanguageList(Languages<'a>),
    /// Metadata Object (section 4.7).
    Metadata(MetadataRecords<'a>),
    /// Metadata Library Object (section 4.8).
    MetadataLibrary(MetadataRecords<'a>),
    /// Index Parameters, Media Object Index Parameters or Timecode Index Parameters Object
    /// (sections 4.9 to 4.11).
    IndexParameters(IndexParameters<'a>),
    /// Compatibility Object (section 4.12).
    Compatibility(Compatibility),
    /// Advanced Content Encryption Object (section 4.13).
    AdvancedContentEncryption(EncryptionRecords<'a>),
    /// An object that is not known here.
    Unknown(&'a [u8]),
}

impl<'a> Object<'a> {
    /// The object as what it is. Entries are read when they are asked for; an entry that is cut ends them.
    ///
    /// # Errors
    /// If the fixed part of a known object is not there, or a length in it runs beyond the object.
    pub fn view(&self) -> Result<View<'a>, DecodeError> {
        let body = self.body;
        Ok(match self.guid {
            Guid::FILE_PROPERTIES => View::FileProperties(FileProperties::decode(body)?),
            Guid::STREAM_PROPERTIES => View::StreamProperties(StreamProperties::decode(self, false)?),
            Guid::HEADER_EXTENSION => View::HeaderExtension(extension_objects(self)),
            Guid::CODEC_LIST => View::CodecList(CodecEntries::new(body)),
            Guid::SCRIPT_COMMAND => View::ScriptCommands(ScriptCommands::decode(body)?),
            Guid::MARKER => View::Markers(Markers::decode(body)?),
            Guid::BITRATE_MUTUAL_EXCLUSION => View::BitrateMutualExclusion(MutualExclusion::decode(body)?),
            Guid::ERROR_CORRECTION => View::ErrorCorrection(ErrorCorrection::decode(body)?),
            Guid::CONTENT_DESCRIPTION => View::ContentDescription(ContentDescription::decode(body)?),
            Guid::EXTENDED_CONTENT_DESCRIPTION => View::ExtendedContentDescription(Tags::new(body)),
            Guid::STREAM_BITRATE_PROPERTIES => View::StreamBitRates(StreamBitRates::new(body)),
            Guid::CONTENT_BRANDING => View::ContentBranding(ContentBranding::decode(body)?),
            Guid::CONTENT_ENCRYPTION => View::ContentEncryption(ContentEncryption::decode(body)?),
            Guid::EXTENDED_CONTENT_ENCRYPTION
            | Guid::ALTERNATE_EXTENDED_CONTENT_ENCRYPTION
            | Guid::PROTECTION_SYSTEM => View::Protection(body),
            Guid::DIGITAL_SIGNATURE => View::DigitalSignature(DigitalSignature::decode(body)?),
            Guid::PADDING | Guid::INDEX_PLACEHOLDER => View::Padding(body.len()),
            _ => return self.extension_view(),
        })
    }

    fn extension_view(&self) -> Result<View<'a>, DecodeError> {
        let body = self.body;
        Ok(match self.guid {
            Guid::EXTENDED_STREAM_PROPERTIES => {
                View::ExtendedStreamProperties(ExtendedStreamProperties::decode(self)?)
            }
            Guid::ADVANCED_MUTUAL_EXCLUSION => View::AdvancedMutualExclusion(MutualExclusion::decode(body)?),
            Guid::GROUP_MUTUAL_EXCLUSION => View::GroupMutualExclusion(GroupMutualExclusion::decode(body)?),
            Guid::STREAM_PRIORITIZATION => View::StreamPrioritization(StreamPriorities::decode(body)?),
            Guid::BANDWIDTH_SHARING => View::BandwidthSharing(BandwidthSharing::decode(body)?),
            Guid::LANGUAGE_LIST => View::LanguageList(Languages::decode(body)?),
            Guid::METADATA => View::Metadata(MetadataRecords::decode(body)?),
            Guid::METADATA_LIBRARY => View::MetadataLibrary(MetadataRecords::decode(body)?),
            Guid::INDEX_PARAMETERS
            | Guid::MEDIA_OBJECT_INDEX_PARAMETERS
            | Guid::TIMECODE_INDEX_PARAMETERS => View::IndexParameters(IndexParameters::decode(self)?),
            Guid::COMPATIBILITY => View::Compatibility(Compatibility::decode(body)?),
            Guid::ADVANCED_CONTENT_ENCRYPTION => {
                View::AdvancedContentEncryption(EncryptionRecords::decode(body)?)
            }
            _ => View::Unknown(body),
        })
    }

    /// True if the object says that content is encrypted.
    #[must_use]
    pub fn is_protection(&self) -> bool {
        matches!(
            self.guid,
            Guid::CONTENT_ENCRYPTION
                | Guid::EXTENDED_CONTENT_ENCRYPTION
                | Guid::ALTERNATE_EXTENDED_CONTENT_ENCRYPTION
                | Guid::ADVANCED_CONTENT_ENCRYPTION
                | Guid::PROTECTION_SYSTEM
        )
    }
}
