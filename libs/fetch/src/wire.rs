//! Reads a body as it was sent, under limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use crate::{
    error::{FetchError, Limited, TimeoutKind},
    message::BodyProblem,
};

/// The limits of one body.
pub(crate) struct Limits {
    pub(crate) max_body: u64,
    pub(crate) max_ratio: u32,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
    /// When `total` passes.
    pub(crate) deadline: Instant,
}

impl Limits {
    pub(crate) fn too_large(&self) -> FetchError {
        FetchError::TooLarge { what: Limited::Body, limit: self.max_body }
    }
}

/// A body as sent, and why it ended too soon, if it did.
pub(crate) struct Wire {
    pub(crate) body: Bytes,
    pub(crate) problem: Option<BodyProblem>,
}

/// Reads the whole body. A server that stops in the middle gives what came and a problem; one that sends nothing at all
/// within the limit is an error, and so is a body larger than the limit (a part of it would look like a shorter feed).
pub(crate) async fn read(response: &mut reqwest::Response, limits: &Limits) -> Result<Wire, FetchError> {
    if response.content_length().is_some_and(|length| length > limits.max_body) {
        return Err(limits.too_large());
    }
    // Most bodies come in one piece, which is then handed on without a copy.
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    loop {
        let size = rest.as_ref().map_or(first.len(), BytesMut::len);
        let idle_end = Instant::now() + limits.idle;
        let end = idle_end.min(limits.deadline);
        let problem = match timeout_at(end, response.chunk()).await {
            Ok(Ok(Some(piece))) => {
                if (size + piece.len()) as u64 > limits.max_body {
                    return Err(limits.too_large());
                }
                if size == 0 {
                    first = piece;
                } else {
                    rest.get_or_insert_with(|| {
                        let mut all = BytesMut::with_capacity(4 * first.len().max(16 << 10));
                        all.extend_from_slice(&first);
                        all
                    })
                    .extend_from_slice(&piece);
                }
                continue;
            }
            Ok(Ok(None)) => None,
            Ok(Err(_)) => Some(BodyProblem::CutOff),
            Err(_) => {
                let (what, limit, problem) = if end < idle_end {
                    (TimeoutKind::Total, limits.total, BodyProblem::TotalTimeout)
                } else {
                    (TimeoutKind::Idle, limits.idle, BodyProblem::IdleTimeout)
                };
                if size == 0 {
                    return Err(FetchError::Timeout { what, limit });
                }
                Some(problem)
            }
        };
        return Ok(Wire { body: rest.map_or(first, BytesMut::freeze), problem });
    }
}
