//! The body of a watch: one JSON object a line, as they happen.

use bytes::{Buf, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;

use super::api::{Asked, reason};
use super::failure::{self, Failure};
use crate::clock::Clock;

/// No object is larger: etcd takes 1.5 MiB, and JSON is a few times as long as what is kept there.
const LINE_MAX: usize = 16 * 1024 * 1024;

/// A watch that is open. Dropping it ends it.
pub(super) struct Events {
    body: Body,
    /// What came after the last whole line.
    rest: BytesMut,
    asked: Asked,
    clock: Clock,
}

impl Events {
    pub fn new(body: Body, asked: Asked, clock: Clock) -> Self {
        Self { body, rest: BytesMut::new(), asked, clock }
    }

    /// The next event; `None` when the server has ended the watch between two of them. An `ERROR` event is an error: it is the last one, and
    /// carries the status that the request would have been answered with, had the server known at once.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<WatchEvent<T>>, Failure> {
        let Some(line) = self.line().await? else { return Ok(None) };
        match serde_json::from_slice(&line).map_err(|error| failure::garbage(&self.asked, &error))? {
            WatchEvent::Error(status) => {
                let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let body = serde_json::to_vec(&status).unwrap_or_default();
                Err(failure::refused(&self.asked, code, &HeaderMap::new(), &body, self.clock.now_ms()))
            }
            event => Ok(Some(event)),
        }
    }

    async fn line(&mut self) -> Result<Option<BytesMut>, Failure> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.rest[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(searched + end);
                self.rest.advance(1);
                return Ok(Some(line));
            }
            searched = self.rest.len();
            if searched > LINE_MAX {
                return Err(failure::no_answer(&self.asked, &format!("an event is longer than {LINE_MAX} bytes")));
            }
            let frame = self.body.frame().await.transpose();
            let frame = frame.map_err(|error| failure::no_answer(&self.asked, &reason(&error)))?;
            match frame {
                Some(frame) => frame.into_data().iter().for_each(|data| self.rest.extend_from_slice(data)),
                None if self.rest.is_empty() => return Ok(None),
                None => return Err(failure::no_answer(&self.asked, "it broke off within an event")),
            }
        }
    }
}
