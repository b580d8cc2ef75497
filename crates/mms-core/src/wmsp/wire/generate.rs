//! Valid values out of arbitrary bytes, for property tests, fuzz targets and benches.
//!
//! Texts hold what survives on its line, so that `decode(encode(x)) == x` can be asked for.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::hresult::Hresult;
use crate::mmsp::wire::DataHeader;

use super::{
    ByteRange, CacheControl, Connection, ContentRange, ContentType, Decimal, EntryFeatures, FrameBody,
    FrameHead, NO_STREAM, Numbers, Offset, PacketId, Product, ProductName, StartupProfile, Supported,
    SwitchEntries, SwitchEntry,
};

/// A value as it stands in a token or field.
pub(super) trait Generate<'a>: Sized {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self>;
}

/// Text without control characters, quotes and separators, and without blanks around it.
pub(super) fn word<'a>(u: &mut Unstructured<'a>) -> Result<&'a str> {
    let text: &'a str = u.arbitrary()?;
    let bad = |c: char| c.is_control() || matches!(c, '"' | ',' | '=' | ';');
    Ok(text.split(bad).next().unwrap_or_default().trim())
}

impl<'a> Generate<'a> for &'a str {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        word(u)
    }
}

macro_rules! any {
    ($($ty:ty),*) => {
        $(impl<'a> Generate<'a> for $ty {
            fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
                u.arbitrary()
            }
        })*
    };
}

any!(u32, u64, bool);

impl<'a> Generate<'a> for i8 {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.int_in_range(-1..=1)
    }
}

impl<'a> Generate<'a> for Decimal {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary::<i32>().map(|thousandths| Self(i64::from(thousandths)))
    }
}

impl<'a> Generate<'a> for Offset {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self)
    }
}

impl<'a> Generate<'a> for EntryFeatures {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_bits_truncate)
    }
}

impl<'a> Generate<'a> for Supported {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_bits_truncate)
    }
}

/// Lists as clients write them, and whatever comes.
const ENTRIES: &[&str] = &["ffff:1:0", "ffff:1:0 ffff:a:2 ", "1:1:1 2:ffff:0", "", "1:2", "FFFF:10:0"];

impl<'a> Generate<'a> for SwitchEntries<'a> {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.arbitrary()? { Ok(Self::Text(u.choose(ENTRIES)?)) } else { word(u).map(Self::Text) }
    }
}

impl<'a> Generate<'a> for CacheControl<'a> {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        word(u).map(Self)
    }
}

impl<'a> Generate<'a> for ContentType<'a> {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        word(u).map(Self)
    }
}

impl<'a> Generate<'a> for Connection {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        let close = u.arbitrary()?;
        // a field without any word is none
        Ok(Self { close, keep_alive: !close || u.arbitrary()? })
    }
}

impl<'a> Generate<'a> for ContentRange {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        let first = u.int_in_range(0..=u64::MAX >> 1)?;
        let end = u.int_in_range(first.saturating_add(1)..=u64::MAX)?;
        Ok(Self { range: u.arbitrary::<bool>()?.then_some((first, end)), len: u.arbitrary()? })
    }
}

impl<'a> Generate<'a> for ByteRange {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        let first = u.arbitrary()?;
        Ok(match u.int_in_range(0..=2)? {
            0 => Self::Last(first),
            1 => Self::From(first, None),
            _ => Self::From(first, Some(u.int_in_range(first..=u64::MAX)?)),
        })
    }
}

impl<'a> Generate<'a> for Product {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary()
    }
}

impl<'a> Arbitrary<'a> for Product {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let names = [
            ProductName::Cougar,
            ProductName::Rex,
            ProductName::NsPlayer,
            ProductName::NsServer,
            ProductName::WmCacheProxy,
        ];
        Ok(Self {
            name: *u.choose(&names)?,
            version: u.arbitrary()?,
            slash: u.arbitrary()?,
            via_proxy: u.arbitrary()?,
        })
    }
}

const NUMBERS: &[&str] = &["", "10", "10,12,15,20,30", "459,459", "0,0,0,0,0"];

impl<'a> Generate<'a> for StartupProfile<'a> {
    fn generate(u: &mut Unstructured<'a>) -> Result<Self> {
        let list = |u: &mut Unstructured<'a>| u.choose(NUMBERS).map(|list| Numbers(list));
        Ok(Self {
            rate: list(u)?,
            max_bytes: list(u)?,
            time: list(u)?,
            start_time: u.arbitrary()?,
            last_time: u.arbitrary()?,
            max_diff_time: u.arbitrary()?,
            max_diff_snd_time: u.arbitrary()?,
            byte_rate: list(u)?,
        })
    }
}

impl<'a> Arbitrary<'a> for SwitchEntry {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let stream =
            |u: &mut Unstructured<'a>| Ok(if u.arbitrary()? { NO_STREAM } else { u.int_in_range(0..=0x7F)? });
        Ok(Self { src: stream(u)?, dst: stream(u)?, level: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for FrameHead {
    /// All but `$P`, whose length depends on the frames before it.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let burst = u.arbitrary()?;
        let id = *u.choose(b"CDEHMTF")?;
        let packet_id = PacketId(id);
        let (packet_length, body) = if packet_id.has_data_header() {
            let header: DataHeader = u.arbitrary()?;
            (header.packet_size, FrameBody::Data(header))
        } else if packet_id.has_reason() {
            (u.int_in_range(4..=12)?, FrameBody::Reason(Hresult(u.arbitrary()?)))
        } else {
            (u.int_in_range(0..=12)?, FrameBody::Other)
        };
        Ok(Self { burst, packet_id, packet_length, body })
    }
}
