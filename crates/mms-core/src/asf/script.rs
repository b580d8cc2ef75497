//! Markers and script commands (sections 3.6 and 3.7).

use super::read::{Reader, entries};
use super::utf16::Utf16;
use crate::error::DecodeError;

/// Text behind a length that counts 16-bit units.
fn units<'a>(reader: &mut Reader<'a>) -> Result<Utf16<'a>, DecodeError> {
    let len = reader.u16()?;
    reader.take(usize::from(len).saturating_mul(2)).map(Utf16::new)
}

entries! {
    /// The command types of a Script Command Object, by their index.
    ScriptTypes<'a>, Utf16<'a>, units
}

/// A command of the Script Command Object (section 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptCommand<'a> {
    /// Presentation Time in milliseconds with the preroll.
    pub presentation_time_ms: u32,
    /// Type Index; beyond the types the command means nothing.
    pub type_index: u16,
    /// Command Name.
    pub command: Utf16<'a>,
}

entries! {
    /// The commands of a Script Command Object.
    ScriptCommandEntries<'a>, ScriptCommand<'a>, |reader| {
        let (presentation_time_ms, type_index) = (reader.u32()?, reader.u16()?);
        Ok(ScriptCommand { presentation_time_ms, type_index, command: units(reader)? })
    }
}

/// The Script Command Object (section 3.6).
#[derive(Clone, Debug)]
pub struct ScriptCommands<'a> {
    types: ScriptTypes<'a>,
    commands: ScriptCommandEntries<'a>,
}

impl<'a> ScriptCommands<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        // Wrong values of the constant exist, so it is not looked at.
        reader.guid()?;
        let (commands, types) = (reader.u16()?, reader.u16()?);
        let types = ScriptTypes::new(reader, u32::from(types));
        let mut behind = types.clone();
        let is_whole = behind.by_ref().count() == usize::try_from(types.left).unwrap_or(usize::MAX);
        let count = if is_whole { u32::from(commands) } else { 0 };
        Ok(Self { types, commands: ScriptCommandEntries::new(behind.reader, count) })
    }

    /// The command types.
    #[must_use]
    pub fn types(&self) -> ScriptTypes<'a> {
        self.types.clone()
    }

    /// The commands.
    #[must_use]
    pub fn commands(&self) -> ScriptCommandEntries<'a> {
        self.commands.clone()
    }

    /// The type of a command, if its index is one.
    #[must_use]
    pub fn type_of(&self, command: &ScriptCommand<'_>) -> Option<Utf16<'a>> {
        self.types().nth(usize::from(command.type_index))
    }
}

/// A marker (section 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    /// Offset in bytes: behind the first packet in some files, from the start of the file in others.
    pub offset: u64,
    /// Presentation Time in units of 100 ns with the preroll.
    pub presentation_time: u64,
    /// Send Time in milliseconds.
    pub send_time_ms: u32,
    /// Flags.
    pub flags: u32,
    /// Marker Description.
    pub description: Utf16<'a>,
}

entries! {
    /// The markers of a Marker Object.
    MarkerEntries<'a>, Marker<'a>, |reader| {
        let (offset, presentation_time) = (reader.u64()?, reader.u64()?);
        let entry_len = usize::from(reader.u16()?);
        let (send_time_ms, flags) = (reader.u32()?, reader.u32()?);
        let len = usize::try_from(reader.u32()?).unwrap_or(usize::MAX).saturating_mul(2);
        let description = Utf16::new(reader.take(len)?);
        // Older writers pad entries; a length that does not fit is wrong and says nothing.
        let rest = entry_len.saturating_sub(12).saturating_sub(len);
        if rest <= reader.rest().len() {
            reader.take(rest)?;
        }
        Ok(Marker { offset, presentation_time, send_time_ms, flags, description })
    }
}

/// The Marker Object (section 3.7).
#[derive(Clone, Debug)]
pub struct Markers<'a> {
    /// Name of the whole object.
    pub name: Utf16<'a>,
    markers: MarkerEntries<'a>,
}

impl<'a> Markers<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        reader.guid()?;
        let count = reader.u32()?;
        reader.u16()?;
        let name = Utf16::new(reader.bytes16()?);
        Ok(Self { name, markers: MarkerEntries::new(reader, count) })
    }

    /// The markers.
    #[must_use]
    pub fn markers(&self) -> MarkerEntries<'a> {
        self.markers.clone()
    }
}

/// A media object of a command stream: two strings (section 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandSample<'a> {
    /// Type, such as `URL`, `FILENAME` or `TEXT`.
    pub kind: Utf16<'a>,
    /// Value.
    pub value: Utf16<'a>,
}

impl<'a> CommandSample<'a> {
    /// Splits the bytes of the media object; a missing NUL ends with the bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let (units, _) = bytes.as_chunks::<2>();
        let len =
            units.iter().position(|unit| *unit == [0, 0]).map_or(units.len(), |at| at.saturating_add(1));
        let (kind, value) = bytes.split_at_checked(len.saturating_mul(2)).unwrap_or((bytes, &[]));
        Self { kind: Utf16::new(kind), value: Utf16::new(value) }
    }
}
