//! The gate between a client's socket and hyper: hands over only bytes that mean one thing.
//!
//! It collects a whole head, checks it ([`crate::strict`]), passes it on, and follows the body to its end before it looks at the next
//! head. A head that is refused is replaced by a harmless one that the service recognises ([`Wire::verdict`]) and answers with the
//! refusal; nothing behind it is read as a request. So answers keep their order, also when requests are pipelined. Size limits and the
//! clocks of slow clients sit here too, because hyper by itself closes such connections without an answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::chunked::Chunked;
use crate::config::Limits;
use crate::refuse::Refusal;
use crate::strict::{Framing, check_head};

/// What hyper sees in place of a head that was refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
/// Enough for nearly every head; grows to the limit when one is larger.
const FIRST_BUFFER: usize = 4 * 1024;
/// How long and how much is read and thrown away after the last answer, so that a reset doesn't destroy it on its way to the client.
const LINGER_TIME: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 256 * 1024;

/// What the gate and the service of one connection tell each other.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// Heads handed to hyper.
    heads: AtomicU64,
    /// Requests that the service has seen.
    calls: AtomicU64,
    /// Requests begun and not finished: while there is one, the connection isn't idle.
    active: AtomicU64,
    /// Requests finished: each starts the idle time anew.
    finished: AtomicU64,
    /// Which head was refused (counted from 1), 0 = none, and why.
    refused_at: AtomicU64,
    refused: Mutex<Option<Refusal>>,
    /// What was wrong with the body that is on its way.
    body_fault: Mutex<Option<Refusal>>,
}

impl Wire {
    /// The service calls this once per request, in order: the refusal, if this is the stand-in for a refused head.
    pub(crate) fn verdict(&self) -> Option<Refusal> {
        let call = self.calls.fetch_add(1, Relaxed) + 1;
        if self.refused_at.load(Relaxed) == call { *self.refused.lock() } else { None }
    }

    /// Why reading a request's body failed, if the gate is to blame and not the client's disconnect.
    pub(crate) fn body_fault(&self) -> Option<Refusal> {
        *self.body_fault.lock()
    }

    /// A request and its answer are over.
    pub(crate) fn finished(&self) {
        self.active.fetch_sub(1, Relaxed);
        self.finished.fetch_add(1, Relaxed);
    }
}

enum Stage {
    Head,
    Length(u64),
    Chunked(Chunked),
    /// Nothing more is read as HTTP.
    Closed,
}

/// Why a timer is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Idle,
    Head,
    Body,
    Write,
    Linger,
}

/// One timer that is moved only when its reason or its start changes.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Option<(Wait, u64)>,
}

impl Timer {
    /// Ready when `time` has passed since this was first asked with this reason and mark.
    fn poll(&mut self, cx: &mut Context<'_>, why: Wait, mark: u64, time: Duration) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + time)));
        if self.armed != Some((why, mark)) {
            sleep.as_mut().reset(Instant::now() + time);
            self.armed = Some((why, mark));
        }
        sleep.as_mut().poll(cx)
    }

    fn disarm(&mut self) {
        self.armed = None;
    }
}

/// See the module.
pub(crate) struct Gate<T> {
    io: T,
    wire: Arc<Wire>,
    limits: Arc<Limits>,
    buffer: Vec<u8>,
    /// Bytes `start..start + passed` may go to hyper, up to `end` is unread.
    start: usize,
    passed: usize,
    end: usize,
    /// How far behind `start` the search for the end of the head has come.
    searched: usize,
    /// Where the line begins that the search is in, behind `start`.
    line: usize,
    stage: Stage,
    /// Counts what was read: marks the read timer.
    reads: u64,
    /// The first read of the head that is being collected.
    head_mark: u64,
    read_timer: Timer,
    write_timer: Timer,
    writes: u64,
    lingered: usize,
    write_closed: bool,
    failed: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Gate<T> {
    pub(crate) fn new(io: T, wire: Arc<Wire>, limits: Arc<Limits>) -> Self {
        Self {
            io,
            wire,
            buffer: vec![0; FIRST_BUFFER.min(limits.head_bytes)],
            limits,
            start: 0,
            passed: 0,
            end: 0,
            searched: 0,
            line: 0,
            stage: Stage::Head,
            reads: 0,
            head_mark: 0,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
            writes: 0,
            lingered: 0,
            write_closed: false,
            failed: false,
        }
    }

    fn held(&self) -> usize {
        self.end - self.start
    }

    /// Looks at the unread bytes; true if some were passed or the stage changed, false if more are needed.
    fn inspect(&mut self) -> Result<bool, Refusal> {
        let held = self.held();
        match &mut self.stage {
            Stage::Head => return self.inspect_head(),
            Stage::Closed => return Ok(false),
            Stage::Length(left) => {
                self.passed = usize::try_from(*left).unwrap_or(usize::MAX).min(held);
                *left -= self.passed as u64;
                if *left == 0 {
                    self.next_head();
                }
            }
            Stage::Chunked(chunked) => {
                self.passed = chunked.advance(&self.buffer[self.start..self.end], self.limits.body_bytes)?;
                if chunked.done() {
                    self.next_head();
                }
            }
        }
        Ok(self.passed > 0)
    }

    fn next_head(&mut self) {
        self.stage = Stage::Head;
        self.searched = 0;
        self.line = 0;
    }

    fn inspect_head(&mut self) -> Result<bool, Refusal> {
        let bytes = &self.buffer[self.start..self.end];
        while let Some(found) = bytes[self.searched..].iter().position(|&byte| byte == b'\n') {
            let feed = self.searched + found;
            if feed == self.line || bytes[feed - 1] != b'\r' {
                return Err(Refusal::Malformed("a line ends in a bare line feed"));
            }
            let empty = feed - 1 == self.line;
            self.searched = feed + 1;
            self.line = feed + 1;
            if empty && feed == 1 {
                // RFC 9112, 2.2: one empty line before a request is forgiven.
                self.start += 2;
                if bytes.get(2..4) == Some(b"\r\n") {
                    return Err(Refusal::Malformed("there are empty lines before the request"));
                }
                self.next_head();
                return Ok(self.held() > 0);
            }
            if empty {
                let size = feed + 1;
                if size > self.limits.head_bytes {
                    return Err(Refusal::HeadTooLarge);
                }
                let framing = check_head(&bytes[..size], self.limits.headers)?;
                self.pass_head(size, framing)?;
                return Ok(true);
            }
        }
        self.searched = bytes.len();
        if bytes.len() >= self.limits.head_bytes { Err(Refusal::HeadTooLarge) } else { Ok(false) }
    }

    fn pass_head(&mut self, size: usize, framing: Framing) -> Result<(), Refusal> {
        match framing {
            Framing::Length(0) => self.next_head(),
            Framing::Length(length) if length > self.limits.body_bytes => return Err(Refusal::BodyTooLarge),
            Framing::Length(length) => self.stage = Stage::Length(length),
            Framing::Chunked => self.stage = Stage::Chunked(Chunked::new()),
        }
        self.passed = size;
        self.wire.heads.fetch_add(1, Relaxed);
        self.wire.active.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Nothing more is believed from this client: a refused head gets its stand-in, a bad body an error.
    fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        let in_head = matches!(self.stage, Stage::Head);
        self.stage = Stage::Closed;
        if in_head {
            let head = self.wire.heads.fetch_add(1, Relaxed) + 1;
            self.wire.active.fetch_add(1, Relaxed);
            *self.wire.refused.lock() = Some(refusal);
            self.wire.refused_at.store(head, Relaxed);
            self.buffer = STAND_IN.to_vec();
            (self.start, self.end, self.passed) = (0, STAND_IN.len(), STAND_IN.len());
            return Ok(());
        }
        *self.wire.body_fault.lock() = Some(refusal);
        self.failed = true;
        Err(Self::fault())
    }

    fn fault() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, "the request's body was refused")
    }

    /// Reads from the socket into the buffer: how many bytes, 0 at the end.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.held());
            } else {
                // Only a head fills the buffer: bodies are passed on at once. One more than the limit shows that it is passed.
                let larger = (self.buffer.len() * 2).min(self.limits.head_bytes + 1);
                self.buffer.resize(larger, 0);
            }
        }
        let mut space = ReadBuf::new(&mut self.buffer[self.end..]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut space))?;
        let count = space.filled().len();
        if self.held() == 0 {
            self.head_mark = self.reads + 1;
        }
        self.reads += 1;
        self.end += count;
        Poll::Ready(Ok(count))
    }

    /// Waits for the client; ready with what a client that is too slow gets.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Option<Refusal>> {
        let (why, mark, time) = match self.stage {
            Stage::Head if self.held() == 0 => (Wait::Idle, self.reads + self.wire.finished.load(Relaxed), self.limits.idle_time),
            Stage::Head => (Wait::Head, self.head_mark, self.limits.head_time),
            _ => (Wait::Body, self.reads, self.limits.stall_time),
        };
        loop {
            ready!(self.read_timer.poll(cx, why, mark, time));
            if why == Wait::Idle && self.wire.active.load(Relaxed) > 0 {
                // Not idle: it waits for an answer, which has a clock of its own.
                self.read_timer.disarm();
                continue;
            }
            return Poll::Ready(match why {
                Wait::Head => Some(Refusal::HeadTimeout),
                Wait::Body => Some(Refusal::BodyTimeout),
                _ => None,
            });
        }
    }

    fn hand_over(&mut self, into: &mut ReadBuf<'_>) {
        let count = self.passed.min(into.remaining());
        into.put_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        self.passed -= count;
    }

    /// Ready with an error when the client hasn't taken a byte for too long.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.write_timer.poll(cx, Wait::Write, self.writes, self.limits.stall_time));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing any more"))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gate<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        loop {
            if me.passed > 0 {
                me.hand_over(into);
                return Poll::Ready(Ok(()));
            }
            if me.failed {
                return Poll::Ready(Err(Self::fault()));
            }
            if matches!(me.stage, Stage::Closed) {
                // The refusal is being answered, and closes the connection.
                return Poll::Pending;
            }
            if me.held() > 0 {
                match me.inspect() {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(refusal) => {
                        me.refuse(refusal)?;
                        continue;
                    }
                }
            }
            match me.fill(cx)? {
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Ready(_) => {}
                Poll::Pending => match ready!(me.poll_patience(cx)) {
                    Some(refusal) => me.refuse(refusal)?,
                    None => return Poll::Ready(Ok(())),
                },
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        match Pin::new(&mut me.io).poll_write(cx, bytes) {
            Poll::Pending => me.poll_stalled(cx).map(Err),
            done => {
                me.writes += 1;
                done
            }
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        match Pin::new(&mut me.io).poll_write_vectored(cx, slices) {
            Poll::Pending => me.poll_stalled(cx).map(Err),
            done => {
                me.writes += 1;
                done
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    /// Says goodbye; if the client is still sending, reads on for a moment, so that closing doesn't reset the answer away.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if !me.write_closed {
            ready!(Pin::new(&mut me.io).poll_shutdown(cx))?;
            me.write_closed = true;
        }
        if matches!(me.stage, Stage::Head) && me.held() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut waste = [0; 4096];
        while me.lingered < LINGER_BYTES {
            let mut space = ReadBuf::new(&mut waste);
            match Pin::new(&mut me.io).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) if !space.filled().is_empty() => me.lingered += space.filled().len(),
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(me.read_timer.poll(cx, Wait::Linger, 0, LINGER_TIME));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
