//! ASF content of any size, made up.

use core::time::Duration;

/// What made-up content looks like.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Bytes of the header with the 50 bytes of the Data Object, at least [`Recipe::least_header`].
    pub header_len: usize,
    /// Bytes of a packet.
    pub packet_size: usize,
    /// Send time of each packet in milliseconds.
    pub send_times: Vec<u32>,
    /// Streams, numbered from 1.
    pub streams: u8,
    /// What the header says of the duration.
    pub duration: Duration,
    /// What the header says of the rate.
    pub bit_rate: u32,
}

impl Default for Recipe {
    /// The sample of the digest's worked example: 70 packets of 1444 bytes in 12.5 s, a header of 2000 bytes.
    fn default() -> Self {
        Self {
            header_len: 2000,
            packet_size: 1444,
            send_times: (0..70).map(|number| number * 180).collect(),
            streams: 2,
            duration: Duration::from_millis(12_500),
            bit_rate: 64_000,
        }
    }
}

const HEADER: [u8; 16] = guid(0x75B2_2630, 0x668E, 0x11CF, *b"\xA6\xD9\x00\xAA\x00\x62\xCE\x6C");
const DATA: [u8; 16] = guid(0x75B2_2636, 0x668E, 0x11CF, *b"\xA6\xD9\x00\xAA\x00\x62\xCE\x6C");
const FILE_PROPERTIES: [u8; 16] = guid(0x8CAB_DCA1, 0xA947, 0x11CF, *b"\x8E\xE4\x00\xC0\x0C\x20\x53\x65");
const STREAM_PROPERTIES: [u8; 16] = guid(0xB7DC_0791, 0xA9B7, 0x11CF, *b"\x8E\xE6\x00\xC0\x0C\x20\x53\x65");
const AUDIO: [u8; 16] = guid(0xF869_9E40, 0x5B4D, 0x11CF, *b"\xA8\xFD\x00\x80\x5F\x5C\x44\x2B");

const fn guid(a: u32, b: u16, c: u16, rest: [u8; 8]) -> [u8; 16] {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    let [d, e, f, g, h, i, j, k] = rest;
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d, e, f, g, h, i, j, k]
}

fn object(guid: [u8; 16], body: &[u8]) -> Vec<u8> {
    let size = u64::try_from(body.len()).unwrap() + 24;
    [&guid[..], &size.to_le_bytes(), body].concat()
}

impl Recipe {
    /// The least header for so many streams, with an object that fills the rest.
    #[must_use]
    pub const fn least_header(streams: u8) -> usize {
        30 + 104 + 78 * streams as usize + 24 + 50
    }

    /// The whole file.
    ///
    /// # Panics
    /// If the header is too small for what it has to hold.
    #[must_use]
    pub fn bake(&self) -> Vec<u8> {
        let packets = u64::try_from(self.send_times.len()).unwrap();
        let packet_size = u32::try_from(self.packet_size).unwrap();
        let ticks = u64::try_from(self.duration.as_nanos() / 100).unwrap();
        let total = self.header_len + self.send_times.len() * self.packet_size;
        let mut objects = object(
            FILE_PROPERTIES,
            &[
                &[7; 16][..],
                &u64::try_from(total).unwrap().to_le_bytes(),
                &0_u64.to_le_bytes(),
                &packets.to_le_bytes(),
                &ticks.to_le_bytes(),
                &ticks.to_le_bytes(),
                &0_u64.to_le_bytes(),
                &2_u32.to_le_bytes(),
                &packet_size.to_le_bytes(),
                &packet_size.to_le_bytes(),
                &self.bit_rate.to_le_bytes(),
            ]
            .concat(),
        );
        for number in 1..=self.streams {
            let body = [&AUDIO[..], &[0; 16], &[0; 8], &[0; 8], &u16::from(number).to_le_bytes(), &[0; 4]];
            objects.extend(object(STREAM_PROPERTIES, &body.concat()));
        }
        let filler = self.header_len.checked_sub(Self::least_header(self.streams)).expect("a larger header");
        let noise: Vec<u8> = (0..filler).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
        objects.extend(object([0x5A; 16], &noise));
        let count = u32::from(self.streams) + 2;
        let mut file = object(HEADER, &[&count.to_le_bytes()[..], &[1, 2], &objects].concat());
        let data_size = u64::try_from(50 + self.send_times.len() * self.packet_size).unwrap();
        file.extend(
            [&DATA[..], &data_size.to_le_bytes(), &[7; 16], &packets.to_le_bytes(), &[1, 1]].concat(),
        );
        assert_eq!(file.len(), self.header_len);
        for (number, time) in self.send_times.iter().enumerate() {
            file.extend(self.packet(number, *time));
        }
        file
    }

    /// A single payload that fills the packet.
    fn packet(&self, number: usize, send_time: u32) -> Vec<u8> {
        let mut packet = vec![0x82, 0, 0, 0x08, 0x5D, 0];
        packet.extend(send_time.to_le_bytes());
        packet.extend([0, 0, 0x81, u8::try_from(number % 256).unwrap()]);
        packet.extend([0, 0, 0, 0, 8]);
        packet.extend(u32::try_from(self.packet_size).unwrap().to_le_bytes());
        packet.extend(send_time.to_le_bytes());
        let seed = number * 7;
        packet.extend((packet.len()..self.packet_size).map(|at| u8::try_from((at + seed) % 253).unwrap()));
        packet
    }
}
