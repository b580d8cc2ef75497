//! Starting and stopping.

use crate::error::DecodeError;
use crate::hresult::Hresult;

use super::cursor::{Reader, Writer};

/// The client wants media (section 2.2.4.25).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartPlaying {
    /// From ReportOpenFile.
    pub open_file_id: u32,
    /// Seconds, or `POSITION_NOT_USED`.
    pub position: f64,
    /// Byte offset in the ASF file; 0 or `START_NOT_USED` if it does not say where to start.
    pub asf_offset: u32,
    /// Number of the ASF data packet; 0 or `START_NOT_USED` if it does not say where to start.
    pub location_id: u32,
    /// Where to stop: 0 at the end; else milliseconds, top bit set if counted from the start position.
    pub frame_offset: u32,
    /// Low byte goes into the Data packets.
    pub play_incarnation: u32,
    /// How fast the first part may be sent.
    pub acceleration: Option<Acceleration>,
}

/// The optional fields of StartPlaying (section 2.2.4.25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceleration {
    /// Bits per second for the first part.
    pub accel_bandwidth: u32,
    /// Milliseconds of content in the first part.
    pub accel_duration: u32,
    /// Speed of the client's link in bits per second.
    pub link_bandwidth: Option<u32>,
}

impl StartPlaying {
    #[inline]
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<32>()?;
        let open_file_id = fields.u32();
        fields.skip::<4>();
        Ok(Self {
            open_file_id,
            position: fields.f64(),
            asf_offset: fields.u32(),
            location_id: fields.u32(),
            frame_offset: fields.u32(),
            play_incarnation: fields.u32(),
            acceleration: Acceleration::read(reader),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.open_file_id);
        writer.zeros(4);
        writer.f64(self.position);
        writer.u32(self.asf_offset);
        writer.u32(self.location_id);
        writer.u32(self.frame_offset);
        writer.u32(self.play_incarnation);
        if let Some(acceleration) = self.acceleration {
            writer.u32(acceleration.accel_bandwidth);
            writer.u32(acceleration.accel_duration);
            if let Some(link_bandwidth) = acceleration.link_bandwidth {
                writer.u32(link_bandwidth);
            }
        }
    }
}

impl Acceleration {
    /// Presence follows from the length: `chunk_len` 5 none, 6 the first two, 7 and above all three.
    fn read(mut reader: Reader<'_>) -> Option<Self> {
        let mut fields = reader.fixed::<8>().ok()?;
        let link_bandwidth = reader.fixed::<4>().ok().map(|mut fields| fields.u32());
        Some(Self { accel_bandwidth: fields.u32(), accel_duration: fields.u32(), link_bandwidth })
    }
}

/// The client wants fast forward or rewind (section 2.2.4.26).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartStriding {
    /// From ReportOpenFile.
    pub open_file_id: u32,
    /// Seconds, or `POSITION_NOT_USED`.
    pub position: f64,
    /// Byte offset in the ASF file; 0 or `START_NOT_USED` if it does not say where to start.
    pub asf_offset: u32,
    /// Number of the ASF data packet; 0 or `START_NOT_USED` if it does not say where to start.
    pub location_id: u32,
    /// Send 0, ignore.
    pub frame_offset: u32,
    /// Low byte goes into the Data packets.
    pub play_incarnation: u32,
    /// -5.0 to 5.0 and not 0; negative rewinds.
    pub rate: f64,
}

impl StartStriding {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<40>()?;
        let open_file_id = fields.u32();
        fields.skip::<4>();
        Ok(Self {
            open_file_id,
            position: fields.f64(),
            asf_offset: fields.u32(),
            location_id: fields.u32(),
            frame_offset: fields.u32(),
            play_incarnation: fields.u32(),
            rate: fields.f64(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.open_file_id);
        writer.zeros(4);
        writer.f64(self.position);
        writer.u32(self.asf_offset);
        writer.u32(self.location_id);
        writer.u32(self.frame_offset);
        writer.u32(self.play_incarnation);
        writer.f64(self.rate);
    }
}

/// The client wants no more media (section 2.2.4.27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopPlaying {
    /// From ReportOpenFile.
    pub open_file_id: u32,
    /// That of the last start; many clients send garbage, copy it into the answer.
    pub play_incarnation: u32,
}

impl StopPlaying {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        Ok(Self { open_file_id: fields.u32(), play_incarnation: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.open_file_id);
        writer.u32(self.play_incarnation);
    }
}

/// Media follows, or why not (section 2.2.4.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStartedPlaying {
    /// Result.
    pub hr: Hresult,
    /// Copied from the StartPlaying.
    pub play_incarnation: u32,
    /// `open_file_id` or 0, ignore.
    pub tiger_file_id: u32,
}

impl ReportStartedPlaying {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<12>()?;
        Ok(Self { hr: fields.hr(), play_incarnation: fields.u32(), tiger_file_id: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.tiger_file_id);
        writer.zeros(16);
    }
}

/// Fast media follows, or why not (section 2.2.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStartStriding {
    /// Result.
    pub hr: Hresult,
    /// Copied from the StartStriding.
    pub play_incarnation: u32,
}

impl ReportStartStriding {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        Ok(Self { hr: fields.hr(), play_incarnation: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.zeros(4);
    }
}
