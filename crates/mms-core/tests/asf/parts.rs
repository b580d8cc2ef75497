//! Headers taken apart into views and put together again.

use mms_core::asf::{
    ExtendedStreamProperties, HeaderWriter, MutualExclusion, Object, Objects, StreamProperties, Utf16, View,
};

/// Every field and entry of the objects, one line for each.
pub(crate) fn describe(objects: Objects<'_>) -> Vec<String> {
    objects.flat_map(|object| describe_one(&object)).collect()
}

fn lines<T: core::fmt::Debug>(name: &str, entries: impl Iterator<Item = T>) -> Vec<String> {
    let entries = entries.map(|entry| format!("{name}: {entry:?}"));
    core::iter::once(name.to_owned()).chain(entries).collect()
}

fn exclusion(name: &str, view: &MutualExclusion<'_>) -> Vec<String> {
    lines(&format!("{name} {:?}", view.exclusion_type), view.streams())
}

fn extended(view: &ExtendedStreamProperties<'_>) -> Vec<String> {
    let mut out = lines(&format!("{:?}", view.stream), view.names());
    out.extend(lines("systems", view.extension_systems()));
    out.push(format!("{:?}", view.stream_properties()));
    out
}

fn describe_one(object: &Object<'_>) -> Vec<String> {
    let name = format!("{:?}", object.guid);
    match object.view().unwrap_or_else(|error| panic!("{name}: {error}")) {
        View::HeaderExtension(inner) => [vec![name], describe(inner)].concat(),
        View::CodecList(entries) => lines(&name, entries),
        View::ScriptCommands(view) => [lines(&name, view.types()), lines("", view.commands())].concat(),
        View::Markers(view) => lines(&format!("{name} {:?}", view.name), view.markers()),
        View::BitrateMutualExclusion(view) | View::AdvancedMutualExclusion(view) => exclusion(&name, &view),
        View::GroupMutualExclusion(view) => {
            let groups = view.groups().map(|group| group.collect::<Vec<_>>());
            lines(&format!("{name} {:?}", view.exclusion_type), groups)
        }
        View::ExtendedContentDescription(entries) => lines(&name, entries),
        View::StreamBitRates(entries) => lines(&name, entries),
        View::ExtendedStreamProperties(view) => extended(&view),
        View::StreamPrioritization(entries) => lines(&name, entries),
        View::BandwidthSharing(view) => {
            let fixed = (view.sharing_type, view.data_bit_rate, view.buffer_size_bits);
            lines(&format!("{name} {fixed:?}"), view.streams())
        }
        View::LanguageList(entries) => lines(&name, entries),
        View::Metadata(entries) | View::MetadataLibrary(entries) => lines(&name, entries),
        View::IndexParameters(view) => {
            lines(&format!("{name} {:?} {}", view.kind, view.interval), view.specifiers())
        }
        View::AdvancedContentEncryption(entries) => {
            let records = entries.map(|record| {
                (record.system, record.version, record.data, record.streams().collect::<Vec<_>>())
            });
            lines(&name, records)
        }
        other => vec![format!("{name} {other:?}")],
    }
}

/// Writes the objects again, each by its own method where there is one.
pub(crate) fn rewrite(writer: &mut HeaderWriter<'_>, objects: Objects<'_>) {
    for object in objects {
        match object.view().unwrap() {
            View::FileProperties(view) => writer.file_properties(&view),
            View::StreamProperties(view) => writer.stream_properties(&view),
            View::HeaderExtension(inner) => {
                writer.begin_extension();
                rewrite(writer, inner);
                writer.end_extension();
            }
            View::CodecList(entries) => writer.codec_list(&entries.collect::<Vec<_>>()),
            View::ScriptCommands(view) => {
                let types: Vec<Utf16<'_>> = view.types().collect();
                writer.script_commands(&types, &view.commands().collect::<Vec<_>>());
            }
            View::Markers(view) => writer.markers(view.name, &view.markers().collect::<Vec<_>>()),
            View::BitrateMutualExclusion(view) | View::AdvancedMutualExclusion(view) => {
                writer.mutual_exclusion(view.exclusion_type, &view.streams().collect::<Vec<_>>());
            }
            View::GroupMutualExclusion(view) => {
                let groups: Vec<Vec<u16>> = view.groups().map(Iterator::collect).collect();
                let groups: Vec<_> = groups.iter().map(Vec::as_slice).collect();
                writer.group_mutual_exclusion(view.exclusion_type, &groups);
            }
            View::ContentDescription(view) => writer.content_description(&view),
            View::ExtendedContentDescription(entries) => {
                writer.extended_content(&entries.collect::<Vec<_>>())
            }
            View::StreamBitRates(entries) => writer.stream_bit_rates(&entries.collect::<Vec<_>>()),
            View::Padding(len) if object.guid == mms_core::asf::Guid::PADDING => writer.padding(len + 24),
            View::ExtendedStreamProperties(view) => {
                let (names, systems) =
                    (view.names().collect::<Vec<_>>(), view.extension_systems().collect::<Vec<_>>());
                let embedded: Option<StreamProperties<'_>> = view.stream_properties();
                writer.extended_stream(&view.stream, &names, &systems, embedded.as_ref());
            }
            View::StreamPrioritization(entries) => writer.stream_prioritization(&entries.collect::<Vec<_>>()),
            View::BandwidthSharing(view) => {
                let streams = view.streams().collect::<Vec<_>>();
                writer.bandwidth_sharing(
                    view.sharing_type,
                    view.data_bit_rate,
                    view.buffer_size_bits,
                    &streams,
                );
            }
            View::LanguageList(entries) => writer.language_list(&entries.collect::<Vec<_>>()),
            View::Metadata(entries) => writer.metadata(&entries.collect::<Vec<_>>()),
            View::MetadataLibrary(entries) => writer.metadata_library(&entries.collect::<Vec<_>>()),
            View::IndexParameters(view) => {
                writer.index_parameters(view.kind, view.interval, &view.specifiers().collect::<Vec<_>>());
            }
            View::Compatibility(_) => writer.compatibility(),
            _ => writer.object(object.guid, object.body),
        }
    }
}
