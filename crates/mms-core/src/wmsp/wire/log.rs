//! The client log in its two text forms (\[MS-WMLOG\] sections 2.2 and 2.4).

use core::fmt;
use core::time::Duration;

/// What a player logs about itself: a legacy log. Fields that it does not know are `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientLog<'a> {
    /// Date and time, UTC, as `2003-09-27 00:27:24`; `None` if the client has no clock.
    pub date_time: Option<&'a str>,
    /// URL that was really used, up to the first `?`.
    pub url: &'a str,
    /// Presentation time where playing began; 0 for live content.
    pub start: Duration,
    /// How long was played.
    pub played: Duration,
    /// Rate at the start, in whole numbers.
    pub rate: i16,
    /// 200, or 210 after a reconnect.
    pub status: u16,
    /// Player id in braces.
    pub player_id: &'a str,
    /// Four numbers of the player's version.
    pub player_version: [u16; 4],
    /// Length of the content; 0 for live content.
    pub file_length: Duration,
    /// Bytes of the content; 0 for live content.
    pub file_size: u64,
    /// Bit/s of what was received, if measured.
    pub average_bandwidth: Option<u32>,
    /// Bytes received.
    pub bytes: u64,
    /// ASF packets received.
    pub packets: u64,
}

impl ClientLog<'_> {
    /// The 44 values of a line in order, each given to `put` with its name.
    fn fields(&self, put: &mut impl FnMut(&str, fmt::Arguments<'_>) -> fmt::Result) -> fmt::Result {
        let (date, time) = self.date_time.and_then(|text| text.split_once(' ')).unwrap_or(("-", "-"));
        let [a, b, c, d] = self.player_version;
        let stem = self.url.split('?').next().unwrap_or_default();
        put("c-ip", format_args!("0.0.0.0"))?;
        put("date", format_args!("{}", Word(date)))?;
        put("time", format_args!("{}", Word(time)))?;
        put("c-dns", format_args!("-"))?;
        put("cs-uri-stem", format_args!("{}", Word(stem)))?;
        put("c-starttime", format_args!("{}", self.start.as_secs()))?;
        put("x-duration", format_args!("{}", seconds_up(self.played)))?;
        put("c-rate", format_args!("{}", self.rate))?;
        put("c-status", format_args!("{}", self.status))?;
        put("c-playerid", format_args!("{}", Word(self.player_id)))?;
        put("c-playerversion", format_args!("{a}.{b}.{c}.{d}"))?;
        put("c-playerlanguage", format_args!("en-US"))?;
        put("cs-User-Agent", format_args!("-"))?;
        put("cs-Referer", format_args!("-"))?;
        put("c-hostexe", format_args!("mms"))?;
        put("c-hostexever", format_args!("{a}.{b}.{c}.{d}"))?;
        put("c-os", format_args!("-"))?;
        put("c-osversion", format_args!("-"))?;
        put("c-cpu", format_args!("-"))?;
        put("filelength", format_args!("{}", seconds_up(self.file_length)))?;
        put("filesize", format_args!("{}", self.file_size))?;
        match self.average_bandwidth {
            Some(bandwidth) => put("avgbandwidth", format_args!("{bandwidth}"))?,
            None => put("avgbandwidth", format_args!("-"))?,
        }
        put("protocol", format_args!("http"))?;
        put("transport", format_args!("TCP"))?;
        for name in ["audiocodec", "videocodec", "c-channelURL", "sc-bytes"] {
            put(name, format_args!("-"))?;
        }
        put("c-bytes", format_args!("{}", self.bytes))?;
        put("s-pkts-sent", format_args!("-"))?;
        put("c-pkts-received", format_args!("{}", self.packets))?;
        for name in ["c-pkts-lost-client", "c-pkts-lost-net", "c-pkts-lost-cont-net", "c-resendreqs"] {
            put(name, format_args!("0"))?;
        }
        for name in ["c-pkts-recovered-ECC", "c-pkts-recovered-resent", "c-buffercount", "c-totalbuffertime"]
        {
            put(name, format_args!("0"))?;
        }
        put("c-quality", format_args!("100"))?;
        ["s-ip", "s-dns", "s-totalclients", "s-cpu-util"]
            .iter()
            .try_for_each(|name| put(name, format_args!("-")))
    }
}

/// The line of 44 fields, as it stands behind `log-line=`.
impl fmt::Display for ClientLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        self.fields(&mut |_, value| {
            if !core::mem::take(&mut first) {
                f.write_str(" ")?;
            }
            f.write_fmt(value)
        })
    }
}

/// The same log as XML, the body of a Log request to a server of version 9.
#[derive(Clone, Copy, Debug)]
pub struct ClientLogXml<'a>(pub ClientLog<'a>);

impl fmt::Display for ClientLogXml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<XML>\r\n<Summary>{}</Summary>\r\n", Escaped(&self.0))?;
        self.0.fields(&mut |name, value| write!(f, "<{name}>{}</{name}>\r\n", Escaped(&value)))?;
        write!(f, "<cs-url>{}</cs-url>\r\n</XML>\r\n", Escaped(&Word(self.0.url)))
    }
}

/// One value of a line: no blanks, no line breaks, never empty.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0
            .chars()
            .filter(|c| !c.is_control())
            .try_for_each(|c| fmt::Write::write_char(f, if c.is_whitespace() { '_' } else { c }))
    }
}

/// Text inside of XML.
struct Escaped<'a, T>(&'a T);

impl<T: fmt::Display> fmt::Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_fmt(&mut Escaper(f), format_args!("{}", self.0))
    }
}

struct Escaper<'f, 'a>(&'f mut fmt::Formatter<'a>);

impl fmt::Write for Escaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(['&', '<', '>']) {
            let plain = part.trim_end_matches(['&', '<', '>']);
            self.0.write_str(plain)?;
            match part.chars().next_back() {
                Some('&') => self.0.write_str("&amp;")?,
                Some('<') => self.0.write_str("&lt;")?,
                Some('>') => self.0.write_str("&gt;")?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn seconds_up(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn log() -> ClientLog<'static> {
        ClientLog {
            date_time: Some("2003-09-27 00:27:24"),
            url: "http://server:8080/music/a b&c.wma?WMBitrate=1",
            played: Duration::from_millis(1001),
            rate: 1,
            status: 200,
            player_id: "{11223344-1122-1122-1122-AABBCCDDEEFF}",
            player_version: [7, 1, 0, 3055],
            bytes: 1880,
            packets: 3,
            ..ClientLog::default()
        }
    }

    #[test]
    fn the_line_has_44_fields_in_the_order_of_the_document() {
        let line = log().to_string();
        let fields: std::vec::Vec<_> = line.split(' ').collect();
        assert_eq!(fields.len(), 44);
        assert_eq!(fields[..3], ["0.0.0.0", "2003-09-27", "00:27:24"]);
        assert_eq!(fields[4], "http://server:8080/music/a_b&c.wma");
        assert_eq!((fields[6], fields[8], fields[10]), ("2", "200", "7.1.0.3055"));
        assert_eq!(
            (fields[22], fields[23], fields[28], fields[30], fields[39]),
            ("http", "TCP", "1880", "3", "100")
        );
        assert_eq!(fields[40..], ["-", "-", "-", "-"]);
    }

    #[test]
    fn the_xml_form_escapes_and_holds_the_line() {
        let xml = ClientLogXml(log()).to_string();
        assert!(xml.starts_with("<XML>\r\n<Summary>0.0.0.0 "));
        assert!(xml.contains("<cs-uri-stem>http://server:8080/music/a_b&amp;c.wma</cs-uri-stem>"));
        assert!(xml.contains("<cs-url>http://server:8080/music/a_b&amp;c.wma?WMBitrate=1</cs-url>"));
        assert_eq!(xml.matches("<c-").count() * 2, xml.matches("c-").count() - xml.matches("sc-").count());
    }
}
