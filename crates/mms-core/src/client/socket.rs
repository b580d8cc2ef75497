//! Names of the sockets that a client wants.

/// A socket of the client's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(u8);

impl SocketId {
    /// The connection for control, and for media over TCP and HTTP.
    pub const CONTROL: Self = Self(0);
    /// The UDP socket for media.
    pub const MEDIA: Self = Self(1);
    /// The connection for short requests beside a stream over HTTP.
    pub const SHORT: Self = Self(2);
    /// Sockets in the table.
    pub const COUNT: usize = 3;
    /// Those that are connected, the others being for datagrams.
    pub const CONNECTIONS: [Self; 2] = [Self::CONTROL, Self::SHORT];

    /// The sockets of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::CONTROL, Self::MEDIA, Self::SHORT].into_iter()
    }

    /// The place in a table of [`COUNT`](Self::COUNT) sockets.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sockets(u8);

impl Sockets {
    /// No socket.
    pub const NONE: Self = Self(0);

    /// Whether a socket is in the set.
    #[must_use]
    pub fn contains(self, socket: SocketId) -> bool {
        self.0 & bit(socket) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn with(self, socket: SocketId, wanted: bool) -> Self {
        if wanted { Self(self.0 | bit(socket)) } else { self }
    }
}

fn bit(socket: SocketId) -> u8 {
    1_u8.checked_shl(u32::from(socket.0)).unwrap_or(0)
}
