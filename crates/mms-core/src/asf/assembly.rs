//! Media objects from their fragments (section 5.2.3, rules of 8.2.16).
//!
//! One [`ObjectAssembly`] and one buffer for each stream; nothing else is kept. What is missing is told
//! when it is noticed:
//!
//! ```text
//! fragment -> lost tail of the object before | objects that never came | hole before this fragment
//!          -> object, if this fragment is its last
//! ```

use core::ops::Range;

use super::payload::Fragment;
use crate::error::BufferTooSmall;

/// The media object of a stream that is being put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectAssembly {
    state: State,
    /// The object that came last, or of which fragments came last.
    last: Progress,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    #[default]
    New,
    /// Fragments of the last object came and its end did not.
    Open,
    /// All of the last object came.
    Done,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    number: u32,
    size: u32,
    time: Option<u32>,
    is_key_frame: bool,
    /// Everything before was received or told to be missing.
    end: u32,
    missing: u32,
}

/// A media object of which all bytes were received, or its last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssembledObject {
    /// Media Object Number.
    pub number: u32,
    /// Size in bytes.
    pub size: u32,
    /// Presentation time in milliseconds with the preroll, if the first fragment told it.
    pub presentation_time_ms: Option<u32>,
    /// True if it is a key frame.
    pub is_key_frame: bool,
    /// Bytes that never came; they are zero in the buffer. 0 for an object without damage.
    pub missing: u32,
    /// True if the object is the fragment that was pushed, which was not copied to the buffer.
    pub is_fragment: bool,
}

/// Bytes of a media object that never came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    /// Media Object Number.
    pub number: u32,
    /// Size of the media object.
    pub size: u32,
    /// Which bytes of it.
    pub missing: Range<u32>,
}

/// What one fragment changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembled {
    /// The end of the object before, which will not come.
    pub abandoned: Option<Loss>,
    /// Media objects between the last one and this of which nothing came, as far as the numbers tell.
    pub skipped_objects: u32,
    /// A hole in front of this fragment.
    pub hole: Option<Loss>,
    /// True if the fragment came before, or too late.
    pub is_duplicate: bool,
    /// The object, if this fragment was the last of it.
    pub object: Option<AssembledObject>,
}

impl Assembled {
    /// True if something is known to be missing that was not known before.
    #[must_use]
    pub fn has_loss(&self) -> bool {
        self.abandoned.is_some() || self.hole.is_some() || self.skipped_objects > 0
    }
}

impl ObjectAssembly {
    /// Before the first fragment of a stream.
    #[must_use]
    pub const fn new() -> Self {
        let last = Progress { number: 0, size: 0, time: None, is_key_frame: false, end: 0, missing: 0 };
        Self { state: State::New, last }
    }

    /// True if an object is begun and not finished.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Takes the next fragment of the stream. A whole object is not copied; the pieces of others are
    /// put into `buffer`, which must be the same in every call until the object is finished.
    ///
    /// # Errors
    /// If the fragment ends behind the buffer; nothing changed then. Calling again with a larger buffer
    /// that begins with the same bytes goes on, so a buffer may grow with what arrives; not calling again
    /// loses the fragment.
    #[inline]
    pub fn push(&mut self, fragment: &Fragment<'_>, buffer: &mut [u8]) -> Result<Assembled, BufferTooSmall> {
        match self.usual(fragment, buffer) {
            Some(object) => Ok(Assembled { object, ..Assembled::default() }),
            None => self.any(fragment, buffer),
        }
    }

    /// What comes without loss: the piece behind the last one, or the beginning of the next object. `None` if
    /// this is something else; nothing changed then.
    #[inline]
    fn usual(&mut self, fragment: &Fragment<'_>, buffer: &mut [u8]) -> Option<Option<AssembledObject>> {
        let goes_on = match self.state {
            State::Open if self.last.is_continued_by(fragment) => true,
            State::Done if self.last.is_before(fragment) && fragment.offset == 0 => false,
            State::New | State::Open | State::Done => return None,
        };
        let is_fragment = fragment.is_whole();
        if !is_fragment {
            buffer.get_mut(place(fragment, buffer.len()).ok()?)?.copy_from_slice(fragment.data);
        }
        if !goes_on {
            self.last = Progress::of(fragment);
        }
        self.last.end = fragment.end();
        let is_done = self.last.end == self.last.size;
        self.state = if is_done { State::Done } else { State::Open };
        Some(is_done.then(|| AssembledObject { is_fragment, ..self.last.object() }))
    }

    #[inline(never)]
    fn any(&mut self, fragment: &Fragment<'_>, buffer: &mut [u8]) -> Result<Assembled, BufferTooSmall> {
        let last = self.last;
        let is_next = match self.state {
            State::Open if last.is_of(fragment) => {
                if fragment.end() <= last.end {
                    return Ok(Assembled { is_duplicate: true, ..Assembled::default() });
                }
                false
            }
            State::Open | State::Done if last.repeats(fragment) || last.is_after(fragment) => {
                return Ok(Assembled { is_duplicate: true, ..Assembled::default() });
            }
            State::New | State::Open | State::Done => true,
        };
        let mut assembled = Assembled::default();
        if is_next && fragment.is_whole() {
            self.leave(fragment, &mut assembled);
            self.last = Progress { end: fragment.object_size, ..Progress::of(fragment) };
            self.state = State::Done;
            assembled.object = Some(AssembledObject { is_fragment: true, ..self.last.object() });
            return Ok(assembled);
        }
        let place = place(fragment, buffer.len())?;
        if is_next {
            self.leave(fragment, &mut assembled);
        }
        let mut progress = if is_next { Progress::of(fragment) } else { last };
        assembled.hole = progress.hole(fragment);
        if let Some(hole) = &assembled.hole {
            fill_zero(buffer, &hole.missing);
            let len = hole.missing.end.saturating_sub(hole.missing.start);
            progress.missing = progress.missing.saturating_add(len);
        }
        if let Some(bytes) = buffer.get_mut(place) {
            bytes.copy_from_slice(fragment.data);
        }
        if fragment.offset == 0 {
            progress.missing = 0;
        }
        progress.end = fragment.end();
        self.last = progress;
        self.state = State::Open;
        if progress.end == progress.size {
            assembled.object = Some(progress.object());
            self.state = State::Done;
        }
        Ok(assembled)
    }

    /// No more fragments will come, or those of another place: gives up the open object and forgets what
    /// was before.
    pub fn finish(&mut self) -> Option<Loss> {
        let before = core::mem::take(self);
        before.is_open().then(|| before.last.tail())
    }

    /// Leaves the object before, because the fragment belongs to another.
    fn leave(&mut self, fragment: &Fragment<'_>, assembled: &mut Assembled) {
        match self.state {
            State::New => return,
            State::Open => assembled.abandoned = Some(self.last.tail()),
            State::Done => {}
        }
        let step = fragment.object_number.wrapping_sub(self.last.number) & fragment.number_mask;
        // Numbers that go back or stay are not evidence of loss; neither are very large steps.
        if step <= fragment.number_mask >> 1 {
            assembled.skipped_objects = step.saturating_sub(1);
        }
    }
}

impl Progress {
    fn of(fragment: &Fragment<'_>) -> Self {
        Self {
            number: fragment.object_number,
            size: fragment.object_size,
            time: fragment.presentation_time_ms,
            is_key_frame: fragment.is_key_frame,
            end: 0,
            missing: 0,
        }
    }

    /// True if the fragment is the next piece of this open object.
    #[inline]
    fn is_continued_by(&self, fragment: &Fragment<'_>) -> bool {
        (self.number, self.size, self.end) == (fragment.object_number, fragment.object_size, fragment.offset)
            && self.end > 0
    }

    /// True if the fragment is of the object behind this one, as far as the numbers tell.
    #[inline]
    fn is_before(&self, fragment: &Fragment<'_>) -> bool {
        // Of fewer bits a number may be one of the objects before as well.
        let next = self.number.wrapping_add(1) & fragment.number_mask;
        fragment.number_mask >= 0xff && fragment.object_number == next
    }

    fn same_object(&self, fragment: &Fragment<'_>) -> bool {
        (self.number, self.size, self.time)
            == (fragment.object_number, fragment.object_size, fragment.presentation_time_ms)
    }

    /// True if the fragment belongs to this open object.
    fn is_of(&self, fragment: &Fragment<'_>) -> bool {
        // Times differ within an object of some writers; the offset then still tells.
        let goes_on = fragment.offset == self.end && self.end > 0;
        let same = (self.number, self.size) == (fragment.object_number, fragment.object_size);
        same && (goes_on || self.time == fragment.presentation_time_ms)
    }

    /// True if the fragment is one of this finished object.
    fn repeats(&self, fragment: &Fragment<'_>) -> bool {
        // Without numbers or times nothing tells a repetition from the next object.
        fragment.number_mask != 0 && self.time.is_some() && self.same_object(fragment)
    }

    /// True if the fragment is of an object shortly before this one, so that its packet came again or late.
    fn is_after(&self, fragment: &Fragment<'_>) -> bool {
        const OBJECTS: u32 = 63;
        const MS: u32 = 10_000;
        let back = self.number.wrapping_sub(fragment.object_number) & fragment.number_mask;
        let (Some(last), Some(time)) = (self.time, fragment.presentation_time_ms) else { return false };
        let is_back = (1..=OBJECTS).contains(&back) && OBJECTS < fragment.number_mask;
        is_back && last.wrapping_sub(time) <= MS
    }

    fn hole(&self, fragment: &Fragment<'_>) -> Option<Loss> {
        let missing = self.end..fragment.offset;
        (!missing.is_empty()).then_some(Loss { number: self.number, size: self.size, missing })
    }

    fn tail(&self) -> Loss {
        Loss { number: self.number, size: self.size, missing: self.end..self.size }
    }

    fn object(&self) -> AssembledObject {
        AssembledObject {
            number: self.number,
            size: self.size,
            presentation_time_ms: self.time,
            is_key_frame: self.is_key_frame,
            missing: self.missing,
            is_fragment: false,
        }
    }
}

/// Where a fragment belongs in a buffer of this length.
fn place(fragment: &Fragment<'_>, len: usize) -> Result<Range<usize>, BufferTooSmall> {
    let start = usize::try_from(fragment.offset).unwrap_or(usize::MAX);
    let needed = start.saturating_add(fragment.data.len());
    if needed > len { Err(BufferTooSmall { needed }) } else { Ok(start..needed) }
}

fn fill_zero(buffer: &mut [u8], range: &Range<u32>) {
    let start = usize::try_from(range.start).unwrap_or(usize::MAX);
    let end = usize::try_from(range.end).unwrap_or(usize::MAX);
    if let Some(bytes) = buffer.get_mut(start..end) {
        bytes.fill(0);
    }
}

/// Milliseconds of 32 bits made 64 bits wide: they wrap after 49.7 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtendedTime {
    last: u64,
}

impl ExtendedTime {
    /// The time that is nearest to the one before, never below 0.
    pub fn extend(&mut self, ms: u32) -> u64 {
        const WRAP: u64 = 1 << 32;
        const HALF: u64 = 1 << 31;
        let base = self.last & !(WRAP.wrapping_sub(1));
        let same = base | u64::from(ms);
        let time = if same.saturating_add(HALF) < self.last {
            same.saturating_add(WRAP)
        } else if same > self.last.saturating_add(HALF) {
            // Before the first wrap a large step is a step forward.
            same.checked_sub(WRAP).unwrap_or(same)
        } else {
            same
        };
        self.last = time;
        time
    }
}

/// Milliseconds of content: a presentation time without the preroll, negative before the beginning.
#[must_use]
pub fn content_time_ms(presentation_time_ms: u64, preroll_ms: u64) -> i64 {
    let clamp = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    clamp(presentation_time_ms).saturating_sub(clamp(preroll_ms))
}
