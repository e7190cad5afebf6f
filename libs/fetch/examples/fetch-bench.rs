//! What a request costs: CPU of this process alone, the server being another one.
//!
//! `cargo run --release -p carewire-fetch --example fetch-bench [REQUESTS]`

use std::time::{Duration, Instant};

use carewire_fetch::{Client, FetchConfig, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// The server's part: every request gets the response that its path's first letter names, on a kept connection.
async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let item = "<item><title>Diabetes and diet</title><link>https://example.org/1</link></item>\n";
    let text = format!("<rss><channel>{}</channel></rss>", item.repeat(900));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text.as_bytes())?;
    let gzip = encoder.finish()?;
    let head = "HTTP/1.1 304 Not Modified\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 20:00:00 GMT\r\nETag: \"abc\"\r\nConnection: keep-alive\r\n\r\n";
    let plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    let mut packed =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", gzip.len()).into_bytes();
    packed.extend_from_slice(&gzip);
    let responses: [&'static [u8]; 3] = [head.as_bytes(), plain.into_bytes().leak(), packed.leak()];
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                let which = match buffer[..read].get(5) {
                    Some(b'p') => 1,
                    Some(b'g') => 2,
                    _ => 0,
                };
                if stream.write_all(responses[which]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// User and system time of this process (Linux: ticks of 10 ms in fields 14 and 15 of `/proc/self/stat`).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(10 * ticks)
}

async fn measure(client: &Client, base: &str, path: &str, requests: u32) {
    let (cpu_before, started) = (cpu(), Instant::now());
    let url: url::Url = format!("{base}/{path}").parse().expect("the address is the server's own");
    let mut body = 0;
    for _ in 0..requests {
        let mut request = Request::get(url.clone());
        request.etag = Some("\"abc\"".to_owned());
        request.last_modified = Some("Mon, 23 Nov 2026 20:00:00 GMT".to_owned());
        request.subscribers = Some(3);
        match client.send(request).await {
            Ok(answer) => body = answer.body.len(),
            Err(error) => return println!("{path}: {error}"),
        }
    }
    let cpu = (cpu() - cpu_before).as_secs_f64() * 1e6 / f64::from(requests);
    let wall = started.elapsed().as_secs_f64() * 1e6 / f64::from(requests);
    println!("{path:<24} {body:>9} B   {cpu:>7.1} µs CPU   {wall:>7.1} µs wall");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One thread: what is measured is work, not the hand-over between threads.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("serve") {
        return Ok(runtime.block_on(serve())?);
    }
    let requests = first.map_or(Ok(20_000), |n| n.parse())?;
    let mut server = std::process::Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    if let Some(out) = server.stdout.take() {
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut address)?;
    }
    let base = format!("http://{}", address.trim());
    let config = FetchConfig { allow: vec!["127.0.0.0/8".parse()?], ..FetchConfig::default() };
    let client = Client::new(&config)?;
    runtime.block_on(async {
        measure(&client, &base, "warm-up", requests / 10).await;
        measure(&client, &base, "304", requests).await;
        measure(&client, &base, "plain", requests / 4).await;
        measure(&client, &base, "gzip", requests / 4).await;
    });
    server.kill()?;
    server.wait()?;
    Ok(())
}
