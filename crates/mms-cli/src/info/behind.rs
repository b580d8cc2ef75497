//! What stands behind the packets of a file: indexes and whatever else.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use mms_core::asf::{
    DATA_OBJECT_LEN, Guid, HeaderSummary, Index, SimpleIndex, object_frame, top_level_object,
};
use serde_json::json;

use super::objects::{ObjectInfo, Told, index_columns, units};
use crate::text::{clock, count};

/// Most objects that are told.
const MOST: usize = 1000;
/// Most bytes of an index that are read.
const LARGEST: u64 = 64 << 20;
const FRAME: u64 = 24;

/// The objects behind the Data Object; none if it does not tell where it ends.
pub(crate) fn objects(
    mut file: &File,
    summary: &HeaderSummary,
    file_bytes: u64,
) -> io::Result<Vec<ObjectInfo>> {
    let head = u64::try_from(DATA_OBJECT_LEN).unwrap_or(u64::MAX);
    let mut at = summary.data_offset.saturating_add(summary.data_size);
    let mut found = Vec::new();
    if summary.data_size <= head {
        return Ok(found);
    }
    while found.len() < MOST && at.checked_add(FRAME).is_some_and(|end| end <= file_bytes) {
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        file.take(FRAME).read_to_end(&mut bytes)?;
        let Ok((guid, size)) = object_frame(&bytes) else { break };
        if is_index(guid) {
            file.take(size.min(LARGEST).saturating_sub(FRAME)).read_to_end(&mut bytes)?;
        }
        let Ok(object) = top_level_object(&bytes, at) else { break };
        let mut told = match object.guid {
            Guid::SIMPLE_INDEX => SimpleIndex::decode(&object).map(|index| simple(&index)),
            guid if is_index(guid) => Index::decode(&object).map(|index| blocks(&index)),
            _ => Ok(Told::default()),
        }
        .map_err(|error| error.to_string());
        let next = at.checked_add(size);
        if next.is_none_or(|next| next > file_bytes) {
            let ends = "the file ends inside of it".to_owned();
            if let Ok(told) = &mut told {
                told.lines.push(ends.clone());
            }
            let mut cut = ObjectInfo::new(&object, size, told);
            cut.problem.get_or_insert(ends);
            found.push(cut);
            break;
        }
        found.push(ObjectInfo::new(&object, size, told));
        at = next.unwrap_or(u64::MAX);
    }
    Ok(found)
}

fn is_index(guid: Guid) -> bool {
    [Guid::SIMPLE_INDEX, Guid::INDEX, Guid::MEDIA_OBJECT_INDEX, Guid::TIMECODE_INDEX].contains(&guid)
}

fn simple(index: &SimpleIndex<'_>) -> Told {
    let entries = u64::try_from(index.len()).unwrap_or(u64::MAX);
    let entries_shown = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
    let line = format!(
        "{entries_shown}, one each {}; a key frame spans {} at most",
        clock(units(index.interval)),
        count(u64::from(index.maximum_packet_count), "packet")
    );
    let content = json!({
        "file_id": index.file_id.to_string(),
        "interval_ms": index.interval / 10_000,
        "entries": entries,
        "maximum_packet_count": index.maximum_packet_count,
    });
    Told::new(content, [line])
}

fn blocks(index: &Index<'_>) -> Told {
    let columns: Vec<_> = index.specifiers().collect();
    let (blocks, entries) =
        index.blocks().fold((0_u64, 0_usize), |(blocks, entries), block| (blocks + 1, entries + block.len()));
    index_columns(index.kind, index.interval, &columns, json!({ "blocks": blocks, "entries": entries }))
}
