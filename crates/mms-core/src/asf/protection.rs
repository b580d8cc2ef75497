//! Objects that are recognised and carried, not interpreted: error correction, branding, encryption,
//! signature (sections 3.9, 3.13 to 3.16, 4.12, 4.13).

use super::guid::Guid;
use super::read::{Reader, entries};
use crate::error::DecodeError;

/// The Error Correction Object: packets carry error correction data of this type (section 3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCorrection<'a> {
    /// Error Correction Type.
    pub error_correction_type: Guid,
    /// Error Correction Data.
    pub data: &'a [u8],
}

impl<'a> ErrorCorrection<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        Ok(Self { error_correction_type: reader.guid()?, data: reader.bytes32()? })
    }
}

/// The Content Branding Object (section 3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentBranding<'a> {
    /// Banner Image Type: 0 none, 1 bitmap, 2 JPEG, 3 GIF.
    pub image_type: u32,
    /// Banner Image Data.
    pub image: &'a [u8],
    /// Banner Image URL, ASCII.
    pub image_url: &'a [u8],
    /// Copyright URL, ASCII.
    pub copyright_url: &'a [u8],
}

impl<'a> ContentBranding<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let image_type = reader.u32()?;
        let (image, image_url, copyright_url) = (reader.bytes32()?, reader.bytes32()?, reader.bytes32()?);
        Ok(Self { image_type, image, image_url, copyright_url })
    }
}

/// The Content Encryption Object (section 3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentEncryption<'a> {
    /// Secret Data.
    pub secret: &'a [u8],
    /// Protection Type, ASCII.
    pub protection_type: &'a [u8],
    /// Key ID, ASCII.
    pub key_id: &'a [u8],
    /// License URL, ASCII.
    pub license_url: &'a [u8],
}

impl<'a> ContentEncryption<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (secret, protection_type) = (reader.bytes32()?, reader.bytes32()?);
        Ok(Self { secret, protection_type, key_id: reader.bytes32()?, license_url: reader.bytes32()? })
    }
}

/// A record of the Advanced Content Encryption Object (section 4.13).
#[derive(Clone, Debug)]
pub struct EncryptionRecord<'a> {
    /// System ID.
    pub system: Guid,
    /// System Version.
    pub version: u32,
    /// Data.
    pub data: &'a [u8],
    objects: EncryptedObjects<'a>,
}

impl<'a> EncryptionRecord<'a> {
    /// The numbers of the streams that are encrypted, 0 for the whole file.
    #[must_use]
    pub fn streams(&self) -> EncryptedObjects<'a> {
        self.objects.clone()
    }
}

entries! {
    /// The streams of an [`EncryptionRecord`].
    EncryptedObjects<'a>, u16, |reader| {
        reader.u16()?;
        let id = reader.bytes16()?;
        Reader::new(id).u16()
    }
}

entries! {
    /// The records of an Advanced Content Encryption Object.
    EncryptionRecords<'a>, EncryptionRecord<'a>, |reader| {
        let (system, version, count) = (reader.guid()?, reader.u32()?, reader.u16()?);
        let objects = EncryptedObjects::new(*reader, u32::from(count));
        for _ in 0..count {
            reader.u16()?;
            reader.bytes16()?;
        }
        Ok(EncryptionRecord { system, version, data: reader.bytes32()?, objects })
    }
}

impl<'a> EncryptionRecords<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.u16()?;
        Ok(Self::new(reader, u32::from(count)))
    }
}

/// The Digital Signature Object (section 3.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitalSignature<'a> {
    /// Signature Type.
    pub signature_type: u32,
    /// Signature Data.
    pub data: &'a [u8],
}

impl<'a> DigitalSignature<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        Ok(Self { signature_type: reader.u32()?, data: reader.bytes32()? })
    }
}

/// The Compatibility Object (section 4.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compatibility {
    /// Profile, 2.
    pub profile: u8,
    /// Mode, 1.
    pub mode: u8,
}

impl Compatibility {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        Ok(Self { profile: reader.u8()?, mode: reader.u8()? })
    }
}
