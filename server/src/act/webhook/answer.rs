//! What a receiver's answer means for an order.
//!
//! 2xx acknowledges, unless a JSON body says `{"accepted": false}`. Whether a failure may pass follows the status: a request that was too
//! early, too many or met a broken server may be sent again with the same id; one that was understood and refused would be refused again.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use crate::act::ActError;
use crate::outgoing::{BodyError, body, chain};
use crate::secret::Secret;

/// So much of an answer is read; an acknowledgement is one line.
pub(super) const ANSWER_MAX: usize = 64 * 1024;
/// So much of it is repeated in an error.
const EXCERPT_MAX: usize = 200;

/// What a 2xx may say beyond its status.
#[derive(Deserialize)]
struct Acknowledgement {
    accepted: bool,
    reason: Option<String>,
}

/// Reads an answer, and judges it. A receiver may repeat what it was sent: what is `hidden` is taken out before anything is cut or
/// quoted.
pub(super) async fn read(response: Response, hidden: &[Secret]) -> Result<(), ActError> {
    let status = response.status().as_u16();
    let retry_after_ms = response.headers().get(RETRY_AFTER).and_then(|value| retry_after_ms(value.to_str().ok()?, Timestamp::now()));
    let body = match body(response, ANSWER_MAX).await {
        Ok(body) => body,
        // A longer text than any acknowledgement says nothing beyond its status.
        Err(BodyError::TooLong) => Vec::new(),
        Err(BodyError::Broken(error)) => {
            return Err(ActError::passing(format!("answered {status}, and the answer broke off: {}", chain(error))));
        }
    };
    let text = hidden.iter().fold(String::from_utf8_lossy(&body).into_owned(), |text, secret| secret.scrub(&text));
    judge(status, retry_after_ms, &text)
}

fn judge(status: u16, retry_after_ms: Option<i64>, body: &str) -> Result<(), ActError> {
    let said = excerpt(body);
    let text = if said.is_empty() { format!("answered {status}") } else { format!("answered {status}: {said}") };
    match status {
        200..300 => match serde_json::from_str::<Acknowledgement>(body) {
            Ok(Acknowledgement { accepted: false, reason }) => {
                let reason = reason.map_or_else(|| "it gave no reason".to_owned(), |reason| excerpt(&reason));
                Err(ActError::lasting(format!("answered {status} and did not accept: {reason}")))
            }
            _ => Ok(()),
        },
        300..400 => Err(ActError::lasting(format!("answered {status}, and redirects are not followed: set the URL that it redirects to"))),
        408 | 425 | 429 | 500.. => Err(ActError { retry_after_ms, ..ActError::passing(text) }),
        _ => Err(ActError::lasting(text)),
    }
}

/// Seconds, or a date (RFC 9110, 10.2.3), as milliseconds from `now`; `None` for anything else.
fn retry_after_ms(text: &str, now: Timestamp) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let until = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some((until.as_millisecond() - now.as_millisecond()).max(0))
}

/// The beginning of what somebody else said, on one line.
fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split(|one: char| one.is_whitespace() || one.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(EXCERPT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_whether_asking_again_can_help() {
        for status in [200, 201, 202, 204] {
            assert_eq!(judge(status, None, "fine"), Ok(()), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(judge(status, None, "").unwrap_err().retry, "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 409, 410, 422] {
            assert!(!judge(status, None, "").unwrap_err().retry, "{status}");
        }
        assert_eq!(judge(200, None, r#"{"accepted":true}"#), Ok(()));
        let refused = judge(202, None, r#"{"accepted":false,"reason":"frozen\nuntil Monday"}"#).unwrap_err();
        assert_eq!((refused.text.as_str(), refused.retry), ("answered 202 and did not accept: frozen until Monday", false));
        assert_eq!(judge(409, None, "<b>a\u{7}\r\nnewer order</b>").unwrap_err().text, "answered 409: <b>a newer order</b>");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        assert_eq!(retry_after_ms(" 120 ", now), Some(120_000));
        assert_eq!(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(37_000));
        assert_eq!(retry_after_ms("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(0));
        assert_eq!(retry_after_ms("soon", now), None);
        assert_eq!(retry_after_ms("-5", now), None);
    }
}
