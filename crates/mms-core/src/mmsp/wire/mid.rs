//! Message identifiers.

use core::fmt;

/// Identifies a message (section 2.2.4); unknown values stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mid(pub u32);

macro_rules! mids {
    ($($name:ident = $value:literal, $text:literal, $section:literal;)*) => {
        impl Mid {
            $(#[doc = concat!($text, " (section ", $section, ").")] pub const $name: Self = Self($value);)*

            /// All known identifiers.
            pub const KNOWN: &[Self] = &[$(Self::$name),*];

            /// The name of a known message.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

mids! {
    CONNECT = 0x0003_0001, "Connect", "2.2.4.17";
    CONNECT_FUNNEL = 0x0003_0002, "ConnectFunnel", "2.2.4.18";
    OPEN_FILE = 0x0003_0005, "OpenFile", "2.2.4.21";
    START_PLAYING = 0x0003_0007, "StartPlaying", "2.2.4.25";
    STOP_PLAYING = 0x0003_0009, "StopPlaying", "2.2.4.27";
    CLOSE_FILE = 0x0003_000D, "CloseFile", "2.2.4.16";
    READ_BLOCK = 0x0003_0015, "ReadBlock", "2.2.4.23";
    FUNNEL_INFO = 0x0003_0018, "FunnelInfo", "2.2.4.19";
    SECURITY_RESPONSE = 0x0003_001A, "SecurityResponse", "2.2.4.24";
    PONG = 0x0003_001B, "Pong", "2.2.4.22";
    CANCEL_READ_BLOCK = 0x0003_0025, "CancelReadBlock", "2.2.4.15";
    START_STRIDING = 0x0003_0028, "StartStriding", "2.2.4.26";
    LOGGING = 0x0003_0032, "Logging", "2.2.4.20";
    STREAM_SWITCH = 0x0003_0033, "StreamSwitch", "2.2.4.28";
    REPORT_CONNECTED_EX = 0x0004_0001, "ReportConnectedEX", "2.2.4.2";
    REPORT_CONNECTED_FUNNEL = 0x0004_0002, "ReportConnectedFunnel", "2.2.4.3";
    REPORT_DISCONNECTED_FUNNEL = 0x0004_0003, "ReportDisconnectedFunnel", "2.2.4.4";
    REPORT_STARTED_PLAYING = 0x0004_0005, "ReportStartedPlaying", "2.2.4.10";
    REPORT_OPEN_FILE = 0x0004_0006, "ReportOpenFile", "2.2.4.7";
    REPORT_START_STRIDING = 0x0004_000A, "ReportStartStriding", "2.2.4.11";
    REPORT_READ_BLOCK = 0x0004_0011, "ReportReadBlock", "2.2.4.8";
    REPORT_FUNNEL_INFO = 0x0004_0015, "ReportFunnelInfo", "2.2.4.6";
    SECURITY_CHALLENGE = 0x0004_001A, "SecurityChallenge", "2.2.4.14";
    PING = 0x0004_001B, "Ping", "2.2.4.1";
    REPORT_END_OF_STREAM = 0x0004_001E, "ReportEndOfStream", "2.2.4.5";
    REPORT_STREAM_CHANGE = 0x0004_0020, "ReportStreamChange", "2.2.4.12";
    REPORT_STREAM_SWITCH = 0x0004_0021, "ReportStreamSwitch", "2.2.4.13";
    REPORT_REDIRECT = 0x0004_0022, "ReportRedirect", "2.2.4.9";
}

impl Mid {
    /// Whether the high half says "client to server".
    #[must_use]
    pub const fn from_client(self) -> bool {
        self.0 >> 16 == 3
    }

    /// Whether the high half says "server to client".
    #[must_use]
    pub const fn from_server(self) -> bool {
        self.0 >> 16 == 4
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "0x{:08X} {name}", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn every_known_message_has_one_direction_and_a_name() {
        assert_eq!(Mid::KNOWN.len(), 28);
        assert!(Mid::KNOWN.iter().all(|mid| mid.from_client() != mid.from_server() && mid.name().is_some()));
        assert_eq!(Mid::PING.to_string(), "0x0004001B Ping");
        assert_eq!(Mid(0x0004_0018).to_string(), "0x00040018");
        assert!(Mid(0x0004_0018).from_server() && !Mid(0x0005_0001).from_client());
    }
}
