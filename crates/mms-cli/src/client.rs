//! What `get` and `info` share: a client with the user's settings, and texts that come instead of media.

use mms_core::client::{Attempt, Client, Options, Outcome, Player, Proxy, SocketId, Transports};
use mms_core::error::Error;
use mms_core::metafile::Kind as TextKind;
use mms_core::url::Scheme;
use serde::Serialize;

use crate::address::Address;
use crate::exit::{Failure, Kind};
use crate::metafile::Document;
use crate::text::printable;

/// Settings of a client that waits with playing until the header was looked at.
pub(crate) fn options(address: &Address, transports: Transports) -> Result<Options, Failure> {
    let mut options = Options::default();
    options.play = None;
    let guid = mms_media::random()
        .map_err(|error| Failure::new(Kind::Local, format!("the system gives no random bytes: {error}")))?;
    options.mms.player = Player::with_guid(guid);
    options.http.player.guid = guid;
    options.transports = transports;
    options.proxy = match proxy() {
        // only a redirect can lead to HTTP
        Err(failure) if matches!(address.scheme(), Scheme::Mmst | Scheme::Mmsu) => {
            Failure::warn(&failure.message);
            None
        }
        proxy => proxy?,
    };
    Ok(options)
}

/// Why a session failed, with what the system said of it.
pub(crate) fn failure(
    client: &mut mms_std::Client,
    error: Error,
    address: &Address,
    media_began: bool,
) -> Failure {
    let failure =
        match elsewhere(client, address).filter(|_| error == Error::ConnectionFailed && !media_began) {
            Some((place, hint)) => {
                Failure::new(Kind::Connection, format!("no connection to {place}")).with_hint(hint)
            }
            None => Failure::of_session(error, address, media_began),
        };
    failure.because(error, client.system_error())
}

/// Where the connection was to go, if that is another host than the one of the URL, and how it came to that.
fn elsewhere(client: &mut mms_std::Client, address: &Address) -> Option<(String, &'static str)> {
    let driver = client.driver();
    let wanted = driver.wanted(SocketId::CONTROL);
    let hint = if wanted.host != driver.url().url().host {
        "that is the proxy of http_proxy; no_proxy=HOST goes without it"
    } else if wanted.host != address.host() {
        "the server sent the client there"
    } else {
        return None;
    };
    Some((format!("{}:{}", printable(wanted.host), wanted.port), hint))
}

/// The proxy of the environment. HTTP_PROXY in capitals does not count: it can come from a header of CGI.
fn proxy() -> Result<Option<Proxy>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(url) = variable("http_proxy") else { return Ok(None) };
    let except = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    Proxy::new(url.trim(), except.trim()).map(Some).map_err(|error| {
        Failure::new(Kind::Usage, format!("http_proxy and no_proxy cannot be used: {error}")).with_hint(
            "the form is http_proxy=http://USER:PASSWORD@HOST:PORT, with or without a user, and no_proxy=HOST,DOMAIN",
        )
    })
}

/// One transport, as `--json` tells it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AttemptInfo {
    transport: String,
    port: u16,
    /// `used`, `failed`, `skipped` (it would have met the same) or `untried`.
    outcome: &'static str,
    error: Option<String>,
}

/// What became of each transport.
pub(crate) fn attempts(client: &Client<Vec<u8>>, opened: bool) -> Vec<AttemptInfo> {
    let tell = |attempt: Attempt| {
        let (outcome, error) = match attempt.outcome {
            Outcome::Current if opened => ("used", None),
            Outcome::Current => ("failed", client.error().map(|error| error.to_string())),
            Outcome::Failed(error) => ("failed", Some(error.to_string())),
            Outcome::Skipped => ("skipped", None),
            _ => ("untried", None),
        };
        let port = attempt.transport.port(&client.url().url());
        AttemptInfo { transport: attempt.transport.to_string(), port, outcome, error }
    };
    client.attempts().map(tell).collect()
}

/// A text that comes instead of media.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(Vec<u8>);

impl Text {
    /// Takes a part; the document when it is complete.
    ///
    /// # Errors
    /// It is no metafile.
    pub(crate) fn take(&mut self, part: &[u8], last: bool) -> Result<Option<Document>, Failure> {
        self.0.extend_from_slice(part);
        if !last {
            return Ok(None);
        }
        let refused = |what: &str| Failure::new(Kind::Refused, format!("the server sent {what}, not media"));
        match Document::of_bytes(&self.0) {
            Ok(Ok(document)) => Ok(Some(document)),
            Ok(Err(TextKind::Html)) => {
                Err(refused("a page").with_hint("open the URL in a browser; it may name the stream"))
            }
            _ => Err(refused("something that is neither ASF nor a metafile")
                .with_hint("only Windows Media is spoken; other files are for a download program")),
        }
    }
}
