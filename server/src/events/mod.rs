//! What happened, for whoever watches: one stream of server-sent events with ids, which can be taken up again where it broke off.
//!
//! A [`Feed`] keeps what was last told of each service, and the events that led there in a [`ring`] of bounded size. An event is compared,
//! serialised and framed once, by whoever publishes it (a task of its own, never the control loop), and every subscriber sends the same
//! bytes.
//!
//! **A subscriber holds nothing but a place in the ring**, so a slow one costs no memory: when the ring has moved on, it has missed
//! something, and what it gets next is a `reset` with everything, as at the beginning, after a restart (another epoch), or with an id that
//! was never given out. Between events it gets a beat, so that silence means that the connection is broken, and nothing else.

mod feed;
mod id;
mod ring;
mod subscription;

pub use feed::{Feed, Limits, News, TooMany};
pub use id::EventId;
pub use subscription::Subscription;

#[cfg(test)]
mod tests;
