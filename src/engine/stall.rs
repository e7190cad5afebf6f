//! A connection whose other side may not let us wait for ever.
//!
//! Who asks and then takes nothing (a stream that nobody reads, a slow-read attack) holds buffers here and in the
//! system. Writing that makes no progress within the limit fails, and the connection with it. Reading has no limit of
//! this kind: a client of a stream says nothing for days.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// `io`, with a limit on how long writing may stand still.
pub struct Stalled<IO> {
    io: IO,
    limit: Duration,
    /// There only while writing waits.
    end: Option<Pin<Box<Sleep>>>,
}

impl<IO> Stalled<IO> {
    /// Wraps a connection.
    pub fn new(io: IO, limit: Duration) -> Self {
        Self { io, limit, end: None }
    }

    fn limited<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let limit = self.limit;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(limit)));
        end.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the other side takes nothing")))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Stalled<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Stalled<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        self.limited(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.limited(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.limited(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_shutdown(cx);
        self.limited(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn writing_to_who_takes_nothing_ends() {
        let (near, mut far) = tokio::io::duplex(1_000);
        let mut near = Stalled::new(near, Duration::from_millis(50));
        near.write_all(&[1; 900]).await.expect("there is room");
        let stuck = near.write_all(&[1; 900]).await.expect_err("nobody reads");
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        // Who reads goes on.
        let mut taken = vec![0; 1_000];
        far.read_exact(&mut taken).await.expect("what was written");
        near.end = None;
        near.write_all(&[2; 500]).await.expect("there is room again");
    }
}
