//! As much of HTTP/1.1 as a client of the API server speaks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::answer::Answer;

/// A call as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Decoded, sorted by key.
    pub query: Vec<(String, String)>,
    /// `Null` = none, or no JSON.
    pub body: Value,
}

/// Path and decoded query, sorted by key.
pub(super) fn split(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| pair.split_once('=').map_or((pair.to_owned(), String::new()), |(key, value)| (decode(key), decode(value)));
    let mut query: Vec<_> = query.split('&').filter(|part| !part.is_empty()).map(pair).collect();
    query.sort();
    (path.to_owned(), query)
}

fn decode(text: &str) -> String {
    let (mut bytes, mut out) = (text.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0) as u8;
        match byte {
            b'%' => out.push(hex(bytes.next()) * 16 + hex(bytes.next())),
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).unwrap()
}

pub(super) fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = split(&target);
    Some(Call { method, path, query, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

pub(super) fn write(stream: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    send(stream, answer, &format!("Content-Length: {}", answer.body.len()), &answer.body)
}

/// The beginning of an answer whose end isn't known yet.
pub(super) fn begin(stream: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    send(stream, answer, "Transfer-Encoding: chunked", "")?;
    if answer.body.is_empty() { Ok(()) } else { chunk(stream, &answer.body) }
}

/// A piece of an answer that was begun; an empty one is its end.
pub(super) fn chunk(mut stream: &TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}

fn send(mut stream: &TcpStream, answer: &Answer, length: &str, body: &str) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n{length}\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}
