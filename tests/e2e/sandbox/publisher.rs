//! A publisher on loopback whose every answer is scripted, down to the bytes on the wire.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// What a publisher was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// When the request's head was read.
    pub at: Instant,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How the body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Whole.
    Complete,
    /// So many bytes, then the connection is closed.
    CutAfter(usize),
    /// A few bytes at a time with a pause after each, until the other side gives up.
    Drip(usize, Duration),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers; a `content-length` given here is sent as it is, true or not.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Arc<Vec<u8>>,
    /// Wait before the first byte.
    pub delay: Duration,
    /// How the body is sent.
    pub ending: Ending,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: Arc::new(body.into()),
            delay: Duration::ZERO,
            ending: Ending::Complete,
        }
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), ..Self::ok("text/plain", "") }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another ending.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// After a wait.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Script = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

struct Inner {
    script: Mutex<Arc<Script>>,
    asked: Mutex<Vec<Asked>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    stopped: AtomicBool,
}

/// A publisher on a loopback address of its own: to the network, a host of its own.
pub struct Publisher {
    inner: Arc<Inner>,
    address: SocketAddr,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

impl Publisher {
    /// Starts one.
    pub fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let [_, _, high, low] = number.to_be_bytes();
        // 127.20.x.y: .0 is a loopback address as good as any other on Linux.
        let listener = TcpListener::bind((Ipv4Addr::new(127, 20, high, low), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            script: Mutex::new(Arc::new(Box::new(script))),
            asked: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let shared = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(stream) = stream {
                    let shared = shared.clone();
                    std::thread::spawn(move || serve(&shared, stream));
                }
            }
        });
        Self { inner, address }
    }

    /// One that answers the same each time.
    pub fn fixed(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    /// Answers by another script from now on.
    pub fn now(&self, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.inner.script.lock().unwrap() = Arc::new(Box::new(script));
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port and address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// The most requests that were under way at the same time.
    pub fn most_in_flight(&self) -> usize {
        self.inner.most_in_flight.load(Ordering::SeqCst)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(inner: &Inner, mut stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let _ = stream.set_nodelay(true);
    let mut held = Vec::new();
    while let Some(asked) = read_head(&mut stream, &mut held) {
        let now = inner.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        inner.most_in_flight.fetch_max(now, Ordering::SeqCst);
        inner.asked.lock().unwrap().push(asked.clone());
        let script = inner.script.lock().unwrap().clone();
        let reply = script(&asked);
        let sent = send(&mut stream, &reply);
        inner.in_flight.fetch_sub(1, Ordering::SeqCst);
        if sent.is_err() || reply.ending != Ending::Complete {
            return;
        }
    }
}

fn read_head(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(end) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => held.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&held[..end]).into_owned();
    held.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Asked { path, headers, at: Instant::now() })
}

fn send(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    if !reply.delay.is_zero() {
        std::thread::sleep(reply.delay);
    }
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if !length && !matches!(reply.status, 304 | 204) {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    match reply.ending {
        Ending::Complete => stream.write_all(&reply.body)?,
        Ending::CutAfter(count) => stream.write_all(&reply.body[..count.min(reply.body.len())])?,
        Ending::Drip(count, pause) => {
            for piece in reply.body.chunks(count) {
                stream.write_all(piece)?;
                stream.flush()?;
                std::thread::sleep(pause);
            }
        }
    }
    stream.flush()
}
