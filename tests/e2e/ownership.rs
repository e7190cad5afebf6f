//! `carewire feed prove`: by a file on the feed's host, and by a code that a real SMTP conversation brings.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use crate::sandbox::{
    SOON, eventually,
    network::{Network, Pair, QUICK},
    publisher::{Publisher, Reply},
};

/// A mail as it came: the envelope's sender and recipients, and the data.
#[derive(Clone, Debug, Default)]
struct Mail {
    from: String,
    to: Vec<String>,
    data: String,
}

/// A mail server that takes everything (RFC 5321, section 4.5.1: the least that one has).
struct MailServer {
    address: String,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mails: Arc<Mutex<Vec<Mail>>> = Arc::default();
        let taken = mails.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let taken = taken.clone();
                std::thread::spawn(move || drop(converse(client, &taken)));
            }
        });
        Self { address, mails }
    }

    fn wait(&self) -> Mail {
        eventually("a mail", SOON, || self.mails.lock().unwrap().last().cloned().ok_or_else(|| "none".to_owned()))
    }
}

fn converse(client: TcpStream, mails: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let mut out = client.try_clone()?;
    let mut lines = BufReader::new(client).lines();
    let mut mail = Mail::default();
    out.write_all(b"220 mail.example ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let (verb, rest) = line.split_at(line.find([' ', ':']).unwrap_or(line.len()));
        let address = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer: &[u8] = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
            "HELO" | "RSET" | "NOOP" => b"250 fine\r\n",
            "MAIL" => {
                mail = Mail { from: address(), ..Mail::default() };
                b"250 fine\r\n"
            }
            "RCPT" => {
                mail.to.push(address());
                b"250 fine\r\n"
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                while let Some(line) = lines.next().transpose()? {
                    if line == "." {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.data.push('\n');
                }
                mails.lock().unwrap().push(std::mem::take(&mut mail));
                b"250 taken\r\n"
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => b"502 unknown\r\n",
        };
        out.write_all(answer)?;
    }
    Ok(())
}

#[test]
fn a_feed_is_proven_by_a_file_and_by_a_mailed_code() {
    let server = MailServer::start();
    let settings = format!(
        "{QUICK}\n[mail]\nsmtp = \"smtp://{}\"\nfrom = \"Carewire <network@carewire.example>\"\n",
        server.address
    );
    let network = Network::new(&Pair::Embedded, &settings);
    let publisher = Publisher::fixed(Reply::status(404));
    let url = publisher.url("/feed");
    network.json(&["org", "add", "Heart Centre", "--slug", "heart", "--accept"]);
    network.json(&["feed", "add", "heart", &url]);
    let up = network.start_ready("up");

    // By a file: not before it is there, and then at once.
    let before = network.json(&["feed", "prove", &url]);
    let token = before["token"].as_str().unwrap().to_owned();
    assert_eq!(before["ownership"]["state"], "failed", "{before}");
    assert_eq!(network.feed(&url)["proof"], "none");
    let shown = network.cli(&["feed", "prove", &url]).out;
    assert!(shown.contains(&token) && shown.contains("to prove it, do one of these"), "{shown}");
    publisher.now(move |asked| match asked.path.as_str() {
        "/.well-known/carewire-verification.txt" => Reply::ok("text/plain", format!("{token}\n")),
        _ => Reply::status(404),
    });
    let proven = network.json(&["feed", "prove", &url]);
    assert_eq!((&proven["ownership"]["state"], &proven["ownership"]["way"]), (&"proven".into(), &"well-known".into()));
    assert_eq!(network.feed(&url)["proof"], "proven");

    // By mail: to the feed's own domain only, and with the code that came, a few times wrong at most.
    let mailed = "https://news.heart.example/feed.xml";
    network.json(&["feed", "add", "heart", mailed]);
    for (address, why) in [("info@other.example", "domain"), ("ada@heart.example", "one person")] {
        let refused = network.cli(&["feed", "prove", mailed, "--mail", address]);
        assert!(refused.code == Some(1) && refused.err.contains(why), "{address}: {}", refused.err);
    }
    network.json(&["feed", "prove", mailed, "--mail", "info@heart.example"]);
    let mail = server.wait();
    assert_eq!(
        (mail.from.as_str(), &mail.to[..]),
        ("network@carewire.example", &["info@heart.example".to_owned()][..])
    );
    assert!(mail.data.contains("Subject: ") && mail.data.contains(mailed), "{}", mail.data);
    let body = mail.data.split_once("\n\n").unwrap().1;
    let code = body.lines().map(str::trim).find(|line| is_code(line)).unwrap_or_else(|| panic!("no code: {body}"));
    let wrong = network.cli(&["feed", "prove", mailed, "--code", "00000000"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("more may be tried"), "{}", wrong.err);
    let proven = network.json(&["feed", "prove", mailed, "--code", code]);
    assert_eq!((&proven["ownership"]["state"], &proven["ownership"]["way"]), (&"proven".into(), &"mail".into()));
    assert_eq!(network.feed(mailed)["proof"], "proven");
    let again = network.cli(&["feed", "prove", mailed, "--code", code]);
    assert!(again.code == Some(1), "a code holds once: {}", again.out);
    let log = up.log();
    assert!(!log.contains(code), "the code is not in the log");
    let (status, _) = up.stop();
    assert!(status.success());
}

/// What stands alone on a line, without blanks, and is no address.
fn is_code(line: &str) -> bool {
    line.len() >= 6 && line.len() <= 40 && line.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
