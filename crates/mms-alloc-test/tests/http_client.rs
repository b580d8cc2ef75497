//! Whole sessions of a client over HTTP, from rollover to the log, in which the core allocates nothing.

use mms_alloc_test::{Counting, Heap, is_counting, measure};
use mms_core::client::{Client, FileBytes, Options, SocketId, Step, Storage, Transport};
use mms_core::time::Instant;
use mms_testkit::content::Content;
use mms_testkit::web::{Answer, PLAIN, STREAM, header, media};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A client and answers, with all that they need given beforehand.
struct World<'a> {
    client: Client<&'a mut [u8]>,
    answers: &'a [Answer],
    /// the answer under way on each connection, and how much of it was said
    open: [Option<(usize, usize)>; SocketId::COUNT],
    heard: [bool; SocketId::COUNT],
    file: Vec<u8>,
    spare: Vec<u8>,
    requests: usize,
}

impl World<'_> {
    fn run(&mut self, plants: bool) {
        let mut now = Instant::from_millis(1000);
        loop {
            match self.client.step(now) {
                Step::Connect(id) if self.client.wanted(id).port == 1755 => self.client.connection_failed(id),
                Step::Connect(id) => {
                    self.heard[id.index()] = false;
                    self.open[id.index()] = None;
                    self.client.connected(id, ([192, 0, 2, 1], 5000).into());
                }
                Step::Close(id) => self.open[id.index()] = None,
                Step::Event => self.copy(plants),
                Step::Wait { read, write, until } => {
                    let mut moved = false;
                    for id in SocketId::CONNECTIONS {
                        moved |= write.contains(id) && self.hear(id);
                        moved |= read.contains(id) && self.say(id);
                    }
                    if !moved {
                        assert!(until != Instant::MAX, "nothing moves");
                        now = until;
                    }
                }
                Step::Done => return,
                other => panic!("{other:?}"),
            }
        }
    }

    fn hear(&mut self, id: SocketId) -> bool {
        let count = self.client.pending(id).len();
        self.client.written(id, count);
        if !core::mem::replace(&mut self.heard[id.index()], true) {
            let answer = if id == SocketId::SHORT { self.answers.len() - 1 } else { self.requests };
            self.requests += usize::from(id != SocketId::SHORT);
            self.open[id.index()] = Some((answer, 0));
        }
        true
    }

    fn say(&mut self, id: SocketId) -> bool {
        let Some((answer, said)) = &mut self.open[id.index()] else { return false };
        let rest = &self.answers[*answer].bytes[*said..];
        if rest.is_empty() {
            self.open[id.index()] = None;
            self.client.end_of_stream(id);
            return true;
        }
        let space = self.client.space(id);
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        *said += count;
        self.client.filled(id, count);
        true
    }

    fn copy(&mut self, plants: bool) {
        let event = self.client.event().expect("an event was announced");
        let size = self.client.header().map_or(0, |header| header.packet_size());
        let mut reader = FileBytes::default();
        let mut room = [0; 512];
        while let Ok(count @ 1..) = reader.read(&event, size, None, &mut room) {
            self.file.extend_from_slice(&room[..count]);
        }
        if plants && self.spare.is_empty() {
            self.spare = vec![0; 8];
        }
    }
}

/// The file that came, and what was allocated meanwhile.
fn fetch(answers: &[Answer], plants: bool) -> (Vec<u8>, Heap) {
    assert!(is_counting());
    let (mut receive, mut send) = (vec![0; 1 << 17], vec![0; 8192]);
    let storage = Storage { receive: &mut receive[..], send: &mut send[..] };
    let client = Client::new("mms://me:p%40ss@server/a%20b", Options::default(), storage)
        .expect("the URL is one of the family");
    let room = answers.iter().map(|answer| answer.bytes.len()).sum::<usize>() * 2;
    let mut world = World {
        client,
        answers,
        open: [None; SocketId::COUNT],
        heard: [false; SocketId::COUNT],
        file: Vec::with_capacity(room),
        spare: Vec::new(),
        requests: 0,
    };
    let ((), heap) = measure(|| world.run(plants));
    assert_eq!((world.client.error(), world.client.transport()), (None, Transport::Http));
    (world.file, heap)
}

fn scripts(content: &Content) -> [Vec<Answer>; 2] {
    let none = Answer::new("HTTP/1.0 204 No Content", b"");
    let asked = Answer::new("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"", b"");
    let found = Answer::new("HTTP/1.1 302 Found\nLocation: /b", b"");
    let stream = [header(content), media(content)].concat();
    [
        vec![asked, Answer::new(STREAM, &header(content)), Answer::new(STREAM, &stream), none.clone()],
        vec![found, Answer::new(PLAIN, content.bytes()), none],
    ]
}

#[test]
fn a_client_over_http_allocates_nothing() {
    for name in ["made/seek-125s.wmv", "made/av-wmv2-wmav2.wmv", "made/av-16000.wmv"] {
        let content = Content::testdata(name);
        let streamed = [content.header(), content.media()].concat();
        let [stream, plain] = scripts(&content);
        let (file, heap) = fetch(&stream, false);
        assert!(file == streamed, "{name}");
        assert_eq!(heap, Heap::default(), "{name}");
        let (file, heap) = fetch(&plain, false);
        assert!(file == content.bytes(), "{name}");
        assert_eq!(heap, Heap::default(), "{name}");
    }
}

#[test]
fn one_allocation_in_a_session_is_seen() {
    let [stream, _] = scripts(&Content::testdata("made/av-256.wmv"));
    assert_eq!(fetch(&stream, true).1.allocations, 1);
}
