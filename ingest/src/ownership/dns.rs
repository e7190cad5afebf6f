//! TXT records (RFC 1035): one question to a name server over UDP, over TCP where the answer is too long.
//!
//! A client of our own, because one kind of question needs no more, and the libraries at hand bring a resolver with a cache and change
//! how crates are built that everything here rests on.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use uuid::Uuid;

const TXT: u16 = 16;
const INTERNET: u16 = 1;
const PORT: u16 = 53;
/// The answer that is offered to be taken over UDP (what passes everywhere unfragmented).
const UDP_SIZE: u16 = 1232;
const WAIT: Duration = Duration::from_secs(3);
const TRIES: usize = 2;
/// Records of one name that are read.
const MAX_RECORDS: usize = 100;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name cannot be asked for.
    #[error("`{0}` is no name in the DNS")]
    BadName(String),
    /// No server answered.
    #[error("no name server answered")]
    NoAnswer,
    /// A server answered that it cannot tell (RFC 1035, 4.1.1: RCODE).
    #[error("the name server failed with code {0}")]
    Failed(u8),
    /// What came is no answer to the question.
    #[error("the name server's answer cannot be read")]
    Unreadable,
}

/// Asks name servers for TXT records.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// One that asks `server`, or else those of `/etc/resolv.conf`.
    #[must_use]
    pub fn new(server: Option<SocketAddr>) -> Self {
        let of_system = || servers(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
        Self { servers: server.map_or_else(of_system, |server| vec![server]) }
    }

    /// The TXT records of a name, the parts of each put together. A name that is not there has none.
    ///
    /// # Errors
    /// When no server gives an answer.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let mut last = DnsError::NoAnswer;
        for _ in 0..TRIES {
            for &server in &self.servers {
                // A fresh number and port for each question, so that answers cannot be guessed beforehand.
                let id = u16::from_be_bytes([Uuid::new_v4().as_bytes()[0], Uuid::new_v4().as_bytes()[1]]);
                let question = question(id, name)?;
                match ask(server, &question).await {
                    Ok(records) => return Ok(records),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

/// The `nameserver` lines of resolv.conf(5).
fn servers(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let mut found: Vec<SocketAddr> =
        lines.filter_map(|rest| Some(SocketAddr::new(rest.trim().parse::<IpAddr>().ok()?, PORT))).take(3).collect();
    if found.is_empty() {
        found.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
    }
    found
}

/// Section 4.1: header, the question, and an OPT record that allows longer answers (RFC 6891).
fn question(id: u16, name: &str) -> Result<Vec<u8>, DnsError> {
    let wrong = || DnsError::BadName(name.chars().take(100).collect());
    let mut message = Vec::with_capacity(64);
    message.extend(id.to_be_bytes());
    // Recursion desired; one question, one additional record.
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    let start = message.len();
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length)).ok_or_else(wrong)?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    if message.len() - start > 255 || !name.is_ascii() {
        return Err(wrong());
    }
    message.extend(TXT.to_be_bytes());
    message.extend(INTERNET.to_be_bytes());
    message.extend([0, 0, 41]);
    message.extend(UDP_SIZE.to_be_bytes());
    message.extend([0; 6]);
    Ok(message)
}

async fn ask(server: SocketAddr, question: &[u8]) -> Result<Vec<String>, DnsError> {
    let answer = timeout(WAIT, over_udp(server, question)).await.map_err(|_| DnsError::NoAnswer)?;
    match records(&answer.map_err(|_| DnsError::NoAnswer)?, question)? {
        Some(records) => Ok(records),
        None => {
            let answer = timeout(WAIT, over_tcp(server, question)).await.map_err(|_| DnsError::NoAnswer)?;
            records(&answer.map_err(|_| DnsError::NoAnswer)?, question)?.ok_or(DnsError::Unreadable)
        }
    }
}

async fn over_udp(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    // Connected: what others send does not come here.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if buffer.get(..2) == question.get(..2) && length >= 12 {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

/// Section 4.2.2: two bytes of length before the message.
async fn over_tcp(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await?;
    Ok(buffer)
}

/// The TXT records of an answer; none where it was cut and must be asked for over TCP.
fn records(answer: &[u8], question: &[u8]) -> Result<Option<Vec<String>>, DnsError> {
    let word = |at: usize| {
        let bytes = answer.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).ok_or(DnsError::Unreadable)?;
        Ok::<_, DnsError>(u16::from_be_bytes(bytes))
    };
    let is_answer = answer.get(2).is_some_and(|flags| flags & 0x80 != 0) && answer.get(..2) == question.get(..2);
    if !is_answer {
        return Err(DnsError::Unreadable);
    }
    if answer[2] & 0x02 != 0 {
        return Ok(None);
    }
    match word(2)? & 0x0f {
        0 => {}
        // The name is not there.
        3 => return Ok(Some(Vec::new())),
        code => return Err(DnsError::Failed(u8::try_from(code).unwrap_or(u8::MAX))),
    }
    let (questions, count) = (word(4)?, word(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(answer, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..usize::from(count).min(MAX_RECORDS) {
        at = after_name(answer, at)?;
        let (kind, class, length) = (word(at)?, word(at + 2)?, usize::from(word(at + 8)?));
        let data = answer.get(at + 10..at + 10 + length).ok_or(DnsError::Unreadable)?;
        at += 10 + length;
        // Aliases on the way (CNAME) were followed by the server; its answers stand beside them.
        if kind == TXT && class == INTERNET {
            found.push(text(data));
        }
    }
    Ok(Some(found))
}

/// Where a name ends: at a zero, or after a pointer (section 4.1.4), which need not be followed.
fn after_name(message: &[u8], mut at: usize) -> Result<usize, DnsError> {
    loop {
        match *message.get(at).ok_or(DnsError::Unreadable)? {
            0 => return Ok(at + 1),
            length if length & 0xc0 == 0xc0 => return Ok(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// Section 3.3.14: one or more strings, each after its length.
fn text(mut data: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(data.len());
    while let Some((&length, rest)) = data.split_first() {
        let (part, after) = rest.split_at(usize::from(length).min(rest.len()));
        bytes.extend(part);
        data = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_servers() {
        for (name, good) in [
            ("clinic.example", true),
            ("_carewire.clinic.example.", true),
            ("", false),
            ("a..b", false),
            ("é.example", false),
        ] {
            assert_eq!(question(7, name).is_ok(), good, "{name}");
        }
        assert!(question(7, &"a".repeat(64)).is_err());
        assert!(question(7, &["abcdefg"; 40].join(".")).is_err());
        assert_eq!(servers("# x\nnameserver 192.0.2.1\n nameserver  2001:db8::1 \noptions edns0\n").len(), 2);
        assert_eq!(servers("")[0].to_string(), "127.0.0.1:53");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(mut answer in prop::collection::vec(any::<u8>(), 0..200)) {
            let question = question(0x0102, "clinic.example").unwrap();
            if answer.len() > 3 {
                (answer[0], answer[1], answer[2], answer[3]) = (1, 2, 0x81, 0x80);
            }
            let _ = records(&answer, &question);
            answer.insert(0, 0);
            let _ = text(&answer);
        }
    }
}
