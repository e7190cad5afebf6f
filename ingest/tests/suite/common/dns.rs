//! A name server on loopback that knows TXT records only (RFC 1035), over UDP and TCP.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

#[derive(Clone, Default)]
pub struct NameServer {
    records: Arc<Mutex<HashMap<String, Vec<String>>>>,
    /// Answers over UDP are cut, as those too long for it are.
    pub cut: Arc<Mutex<bool>>,
    /// Answers with this code.
    pub code: Arc<Mutex<u8>>,
}

impl NameServer {
    pub async fn start() -> (NameServer, SocketAddr) {
        let server = NameServer::default();
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // The same port for both, which another process may have.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let over_udp = server.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                let cut = *over_udp.cut.lock().unwrap();
                let _ = udp.send_to(&over_udp.answer(&buffer[..length], cut), from).await;
            }
        });
        let over_tcp = server.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let answer = over_tcp.answer(&question, false);
                stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        (server, address)
    }

    pub fn set(&self, name: &str, records: &[&str]) {
        self.records.lock().unwrap().insert(name.to_owned(), records.iter().map(|one| (*one).to_owned()).collect());
    }

    fn answer(&self, question: &[u8], cut: bool) -> Vec<u8> {
        let (mut at, mut labels) = (12, Vec::new());
        while question[at] != 0 {
            let length = usize::from(question[at]);
            labels.push(String::from_utf8(question[at + 1..=at + length].to_vec()).unwrap());
            at += length + 1;
        }
        let records = self.records.lock().unwrap().get(&labels.join(".")).cloned();
        let code = match (*self.code.lock().unwrap(), &records) {
            (0, None) => 3,
            (code, _) => code,
        };
        let records = records.filter(|_| !cut && code == 0).unwrap_or_default();
        let mut answer = question[..2].to_vec();
        answer.extend([0x81 | if cut { 2 } else { 0 }, 0x80 | code, 0, 1]);
        answer.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
        answer.extend([0, 0, 0, 0]);
        answer.extend(&question[12..at + 5]);
        for record in &records {
            // The name by a pointer to the question (4.1.4); a text in strings of at most 10 bytes.
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
            let data: Vec<u8> = record
                .as_bytes()
                .chunks(10)
                .flat_map(|part| [&[u8::try_from(part.len()).unwrap()], part].concat())
                .collect();
            answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            answer.extend(data);
        }
        answer
    }
}
