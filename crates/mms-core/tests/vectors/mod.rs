//! Reads the hexadecimal vectors below `testdata/vectors/mmsp`.

/// One vector of a file.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

macro_rules! files {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: &str =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/vectors/mmsp/", $file));)*
        pub(crate) const ALL: &[&str] = &[$($name),*];
    };
}

files! {
    TCP_SESSION = "tcp-session.hex";
    UDP_SESSION = "udp-session.hex";
    OPEN_AND_END = "open-and-end.hex";
    CAPTURED_2005 = "captured-2005.hex";
}

/// The vectors of one file, in its order.
pub(crate) fn read(file: &'static str) -> Vec<Vector> {
    let mut vectors: Vec<Vector> = Vec::new();
    for line in file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            vectors.push(Vector { name, bytes: Vec::new() });
            continue;
        }
        let bytes = &mut vectors.last_mut().expect("a name comes first").bytes;
        let (offset, row) = line.split_once(": ").expect("a row has an offset");
        assert_eq!(usize::from_str_radix(offset, 16), Ok(bytes.len()), "{line}");
        bytes.extend(row.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte")));
    }
    vectors
}

/// All vectors that are whole command packets.
pub(crate) fn packets() -> Vec<Vector> {
    let all = ALL.iter().flat_map(|file| read(file));
    all.filter(|vector| {
        vector.bytes.get(4..8) == Some(&[0xCE, 0xFA, 0x0B, 0xB0]) && !vector.name.ends_with("prefix")
    })
    .collect()
}
