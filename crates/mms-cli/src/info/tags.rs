//! What a file says of its content in words: tags, wherever they stand.

use mms_core::asf::{Header, TagValue, Utf16, View};
use serde::Serialize;

use super::objects::hex;

/// Bytes of a binary value that are printed.
const BYTES: usize = 256;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TagInfo {
    pub(crate) name: String,
    /// As text; of bytes how many they are.
    pub(crate) value: String,
    /// `text`, `bytes`, `bool`, `u16`, `u32`, `u64` or `guid`.
    pub(crate) kind: &'static str,
    /// Hexadecimal, of short binary values.
    pub(crate) hex: Option<String>,
    /// `null` if it holds for the whole file.
    pub(crate) stream: Option<u16>,
    /// Of the Metadata Library.
    pub(crate) language: Option<String>,
    /// Where it stands.
    pub(crate) object: &'static str,
}

impl TagInfo {
    fn new(object: &'static str, name: Utf16<'_>, value: &TagValue<'_>) -> Self {
        let kind = match value {
            TagValue::Text(_) => "text",
            TagValue::Bytes(_) => "bytes",
            TagValue::Bool(_) => "bool",
            TagValue::U32(_) => "u32",
            TagValue::U64(_) => "u64",
            TagValue::U16(_) => "u16",
            TagValue::Guid(_) => "guid",
            _ => "unknown",
        };
        let hex = match value {
            TagValue::Bytes(bytes) if bytes.len() <= BYTES => Some(hex(bytes)),
            _ => None,
        };
        Self {
            name: name.to_string(),
            value: value.to_string(),
            kind,
            hex,
            stream: None,
            language: None,
            object,
        }
    }
}

/// All tags, in the order of the objects that they stand in.
pub(crate) fn all(header: &Header<'_>) -> Vec<TagInfo> {
    let mut tags = Vec::new();
    let mut languages: Vec<String> = Vec::new();
    for object in header.objects().chain(header.extension_objects()) {
        if let Ok(View::LanguageList(list)) = object.view() {
            languages.extend(list.map(|language| language.to_string()));
        }
    }
    for object in header.objects().chain(header.extension_objects()) {
        match object.view() {
            Ok(View::ContentDescription(content)) => {
                let texts = [
                    ("Title", content.title),
                    ("Author", content.author),
                    ("Copyright", content.copyright),
                    ("Description", content.description),
                    ("Rating", content.rating),
                ];
                for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
                    let tag = TagInfo::new("Content Description", text, &TagValue::Text(text));
                    tags.push(TagInfo { name: name.to_owned(), ..tag });
                }
            }
            Ok(View::ExtendedContentDescription(list)) => {
                tags.extend(
                    list.map(|tag| TagInfo::new("Extended Content Description", tag.name, &tag.value)),
                );
            }
            Ok(View::Metadata(list)) => tags.extend(list.map(|record| {
                let stream = Some(record.stream_number).filter(|stream| *stream > 0);
                TagInfo { stream, ..TagInfo::new("Metadata", record.name, &record.value) }
            })),
            Ok(View::MetadataLibrary(list)) => tags.extend(list.map(|record| {
                let stream = Some(record.stream_number).filter(|stream| *stream > 0);
                let language = languages.get(usize::from(record.language_index)).cloned();
                TagInfo { stream, language, ..TagInfo::new("Metadata Library", record.name, &record.value) }
            })),
            _ => {}
        }
    }
    tags
}
