//! Readers written by others: what they find in a file and what they complain about.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::peer::{all_installed, missing, vlc};
use crate::support::process::{Run, Scratch, bounded};

const LIMIT: Duration = Duration::from_secs(15);

/// All ASF files of the shared test data; nothing where it is missing.
pub(crate) fn shared_files() -> Option<Vec<PathBuf>> {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        missing("MMS_SHARED is not set");
        return None;
    };
    let mut files = Vec::new();
    for folder in ["made", "real/asf"] {
        for entry in fs::read_dir(PathBuf::from(&shared).join("testdata").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_asf = path.extension().is_some_and(|ext| ["wma", "wmv", "asf"].iter().any(|x| ext == *x));
            files.extend(is_asf.then_some(path));
        }
    }
    files.sort();
    assert!(files.len() > 50, "only {} files", files.len());
    Some(files)
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// A media object as ffprobe tells it: time in milliseconds, key flag, size, checksum.
pub(crate) type Object = (i64, bool, usize, String);

/// Objects of each stream, by the stream's place among those that are no pictures of tags.
pub(crate) type Objects = BTreeMap<usize, Vec<Object>>;

pub(crate) fn has_ffprobe() -> bool {
    all_installed(&[("ffprobe", "ffmpeg")])
}

/// The media objects of a file.
pub(crate) fn ffprobe(path: &Path) -> Objects {
    let entries =
        "packet=stream_index,pts,dts,size,flags,data_hash:stream=index:stream_disposition=attached_pic";
    let output = Command::new("ffprobe")
        .args(["-v", "quiet", "-fflags", "+noparse+nofillin", "-show_packets", "-show_data_hash", "sha256"])
        .args(["-show_streams", "-show_entries", entries, "-of", "compact=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let (mut streams, mut pictures) = (Objects::new(), Vec::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let fields: BTreeMap<&str, &str> =
            line.split('|').filter_map(|field| field.split_once('=')).collect();
        if let Some(index) = fields.get("index") {
            let is_picture = fields.get("disposition:attached_pic") == Some(&"1");
            pictures.extend(is_picture.then(|| index.parse::<usize>().unwrap()));
        } else {
            let time = ["pts", "dts"].iter().find_map(|name| fields.get(name)?.parse().ok());
            let hash = fields["data_hash"].rsplit(':').next().unwrap().to_owned();
            let object = (
                time.unwrap_or(i64::MIN),
                fields["flags"].starts_with('K'),
                fields["size"].parse().unwrap(),
                hash,
            );
            streams.entry(fields["stream_index"].parse().unwrap()).or_default().push(object);
        }
    }
    streams.retain(|index, _| !pictures.contains(index));
    let before = |index: usize| pictures.iter().filter(|picture| **picture < index).count();
    streams.into_iter().map(|(index, objects)| (index - before(index), objects)).collect()
}

/// A reader that complains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    Ffprobe,
    GStreamer,
    Vlc,
}

impl Reader {
    pub(crate) const ALL: [Self; 3] = [Self::Ffprobe, Self::GStreamer, Self::Vlc];

    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Ffprobe => has_ffprobe(),
            Self::GStreamer => {
                let launch = ("gst-launch-1.0", "gstreamer1.0-tools");
                all_installed(&[launch])
                    && (has_asfdemux() || missing("gstreamer1.0-plugins-ugly is missing"))
            }
            Self::Vlc => all_installed(&[("vlc", "vlc-bin"), ("setpriv", "util-linux")]),
        }
    }

    /// Reads all of a file and gives the warnings, without what changes from run to run.
    pub(crate) fn warnings(self, path: &Path, scratch: &Scratch) -> BTreeSet<String> {
        let run = match self {
            Self::Ffprobe => {
                let mut command = bounded(LIMIT, "ffprobe");
                command.args(["-v", "warning", "-show_packets", "-of", "compact"]).arg(path);
                Run::complete(&mut command, scratch, "ffprobe")
            }
            Self::GStreamer => {
                let mut command = bounded(LIMIT, "gst-launch-1.0");
                command.env("GST_DEBUG", "asfdemux:2").env("GST_DEBUG_NO_COLOR", "1");
                command.env("GST_REGISTRY", scratch.file("registry")).args(["-q", "filesrc"]);
                command.arg(format!("location={}", path.display()));
                command.args(["!", "asfdemux", "name=d", "d.", "!", "fakesink"]);
                Run::complete(&mut command, scratch, "gst")
            }
            Self::Vlc => {
                let mut command = vlc(LIMIT, scratch);
                command.args(["-vv", "--no-color", "--sout", "#std{access=dummy,mux=dummy,dst=x}"]);
                command.args(["--sout-all", "--play-and-exit"]).arg(path);
                Run::complete(&mut command, scratch, "vlc")
            }
        };
        // a pipeline that refuses a file does not always end
        let has_ended = ![124, 137].contains(&run.code()) || run.stderr.contains("ERROR: ");
        assert!(has_ended, "{}", run.explain("it did not come to an end"));
        self.lines(&run)
    }

    fn lines(self, run: &Run) -> BTreeSet<String> {
        match self {
            // `[asf @ 0x55c8] text`
            Self::Ffprobe => {
                run.stderr.lines().map(|line| line.rsplit("] ").next().unwrap().to_owned()).collect()
            }
            // `0:00:00.1 123 0x55 WARN asfdemux file.c:1:function:<d> text`, and errors of the pipeline
            Self::GStreamer => {
                let of_line = |line: &str| {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    if line.starts_with("ERROR") {
                        return Some(line.to_owned());
                    }
                    let at = words.iter().position(|word| ["WARN", "ERROR"].contains(word))?;
                    Some(words[at + 2..].join(" "))
                };
                run.stderr.lines().filter_map(of_line).collect()
            }
            // `[00007fe3] asf stream warning: text`
            Self::Vlc => {
                let of_line = |line: &str| {
                    let (_, said) = line.split_once("] asf ")?;
                    let is_complaint = said.contains(" warning: ") || said.contains(" error: ");
                    // it reads objects until it meets the end of the file
                    let is_end = said.ends_with("cannot read one asf object");
                    (is_complaint && !is_end).then(|| said.to_owned())
                };
                let is_asf = run.stderr.contains("using demux module \"asf\"");
                let other = (!is_asf).then(|| "another demux read it".to_owned());
                run.stderr.lines().filter_map(of_line).chain(other).collect()
            }
        }
    }
}

fn has_asfdemux() -> bool {
    let output = Command::new("gst-inspect-1.0").arg("asfdemux").output();
    output.is_ok_and(|output| output.status.success())
}

/// What the frames of a stream decode to: time, size and checksum of each. Fails with what the decoder says.
pub(crate) fn decoded_frames(path: &Path, index: usize, scratch: &Scratch) -> Vec<String> {
    let mut command = bounded(LIMIT, "ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(path);
    command.args(["-map", &format!("0:{index}"), "-fps_mode", "passthrough", "-f", "framecrc", "-"]);
    let run = Run::complete(&mut command, scratch, "decode");
    assert!(run.code() == 0 && run.stderr.is_empty(), "{}", run.explain("it does not decode"));
    run.stdout.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// Lets MPlayer decode all of a file; tells what it complains about.
pub(crate) fn mplayer_complaints(path: &Path, scratch: &Scratch) -> Vec<String> {
    let mut command = bounded(LIMIT, "mplayer");
    command.args(["-noconfig", "all", "-nolirc", "-vo", "null", "-ao", "pcm:fast:file=/dev/null"]).arg(path);
    let run = Run::complete(&mut command, scratch, "mplayer");
    assert!(run.code() == 0 && run.stdout.contains("Exiting... (End of file)"), "{run}");
    let is_complaint = |line: &&str| {
        // possible reasons for slow playing, which it lists where frames are seconds apart
        if line.starts_with("- ") {
            return false;
        }
        let line = line.to_ascii_lowercase();
        ["error", "corrupt", "broken", "damaged", "failed to decode"].iter().any(|word| line.contains(word))
    };
    run.stdout.lines().chain(run.stderr.lines()).filter(is_complaint).map(str::to_owned).collect()
}

/// Whether GStreamer has FFmpeg's decoders.
pub(crate) fn gstreamer_decodes() -> bool {
    let output = Command::new("gst-inspect-1.0").arg("avdec_wmav2").output();
    Reader::GStreamer.is_installed()
        && (output.is_ok_and(|output| output.status.success()) || missing("gstreamer1.0-libav is missing"))
}

/// What GStreamer decodes a stream to, raw. The stream is named by kind and place among those of its kind.
pub(crate) fn gstreamer_decoded(path: &Path, (kind, place): (&str, usize), scratch: &Scratch) -> Vec<u8> {
    let raw = scratch.file("gst.raw");
    let mut command = bounded(LIMIT, "gst-launch-1.0");
    command
        .env("GST_DEBUG", "2")
        .env("GST_DEBUG_NO_COLOR", "1")
        .env("GST_REGISTRY", scratch.file("registry"));
    command.args(["-q", "filesrc", &format!("location={}", path.display()), "!", "asfdemux", "name=d"]);
    command.args([&format!("d.{kind}_{place}"), "!", "queue", "!", "decodebin", "!", "filesink"]);
    command.arg(format!("location={}", raw.display()));
    let run = Run::complete(&mut command, scratch, "gst-decode");
    let complains = |line: &str| [" libav ", "decoder", "ERROR"].iter().any(|word| line.contains(word));
    assert!(run.code() == 0 && !run.stderr.lines().any(complains), "{}", run.explain("it does not decode"));
    fs::read(raw).unwrap()
}

/// What VLC decodes the streams of a kind to, raw: pictures as I420, sound as 16-bit samples.
pub(crate) fn vlc_decoded(path: &Path, kind: &str, scratch: &Scratch) -> Vec<u8> {
    let raw = scratch.file("vlc.raw");
    drop(fs::remove_file(&raw));
    let codecs = if kind == "video" { "vcodec=I420,acodec=none" } else { "vcodec=none,acodec=s16l" };
    let mut command = vlc(LIMIT, scratch);
    command.args(["-vv", "--no-color", "--sout-all", "--sout"]);
    command.arg(format!("#transcode{{{codecs}}}:std{{access=file,mux=dummy,dst={}}}", raw.display()));
    let run = Run::complete(command.arg("--play-and-exit").arg(path), scratch, "vlc-decode");
    let complains =
        |line: &str| line.contains("avcodec decoder error") || line.contains("avcodec decoder warning");
    assert!(run.code() == 0 && !run.stderr.lines().any(complains), "{}", run.explain("it does not decode"));
    fs::read(raw).unwrap_or_default()
}
