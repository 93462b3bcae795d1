//! Follows a chunked body byte by byte, strictly, so that the end of a request is known before hyper parses it (RFC 9112, 7.1).

use crate::refuse::Refusal;
use crate::strict::is_field_byte;

/// Extensions and trailers carry nothing that is passed on; more than this is an attack on memory or time.
const EXTRAS_MAX: u32 = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the digits of a chunk's size: how many were read.
    Size(u32),
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer's line, or of the empty line.
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
    Done,
}

/// Where in a chunked body we are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunked {
    at: At,
    /// Size of the chunk; while in its data, what is left of it.
    size: u64,
    /// Data bytes of all chunks so far.
    total: u64,
    extras: u32,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { at: At::Size(0), size: 0, total: 0, extras: 0 }
    }

    pub(crate) fn done(&self) -> bool {
        self.at == At::Done
    }

    /// Reads on; says how many of the bytes belong to this body. Stops behind its end.
    pub(crate) fn advance(&mut self, bytes: &[u8], data_max: u64) -> Result<usize, Refusal> {
        let mut used = 0;
        while used < bytes.len() && !self.done() {
            if self.at == At::Data {
                let here = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - used);
                self.size -= here as u64;
                used += here;
                if self.size == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            self.step(bytes[used], data_max)?;
            used += 1;
        }
        Ok(used)
    }

    fn step(&mut self, byte: u8, data_max: u64) -> Result<(), Refusal> {
        self.at = match (self.at, byte) {
            (At::Size(digits), _) if byte.is_ascii_hexdigit() && digits < 15 => {
                // A hex digit below 16: the unwrap_or never applies.
                self.size = self.size * 16 + u64::from((byte as char).to_digit(16).unwrap_or(0));
                At::Size(digits + 1)
            }
            (At::Size(1..), b'\r') | (At::Extension, b'\r') => At::SizeEnd,
            (At::Size(1..), b';') => At::Extension,
            (At::Extension, _) if is_field_byte(byte) => self.extra(At::Extension)?,
            (At::SizeEnd, b'\n') if self.size == 0 => At::TrailerStart,
            (At::SizeEnd, b'\n') => {
                self.total = self.total.saturating_add(self.size);
                if self.total > data_max {
                    return Err(Refusal::BodyTooLarge);
                }
                At::Data
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size(0),
            (At::TrailerStart, b'\r') => At::LastLf,
            (At::TrailerStart, b' ' | b'\t') => return Err(Refusal::Malformed("a trailer is folded over several lines")),
            (At::TrailerStart | At::Trailer, _) if is_field_byte(byte) => self.extra(At::Trailer)?,
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::TrailerLf, b'\n') => At::TrailerStart,
            (At::LastLf, b'\n') => At::Done,
            _ => return Err(Refusal::Malformed("the chunked body is malformed")),
        };
        Ok(())
    }

    fn extra(&mut self, at: At) -> Result<At, Refusal> {
        self.extras += 1;
        if self.extras > EXTRAS_MAX { Err(Refusal::HeadTooLarge) } else { Ok(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut chunked = Chunked::new();
        let used = chunked.advance(body, 1_000)?;
        Ok((used, chunked.done()))
    }

    #[test]
    fn a_body_ends_where_it_says() {
        assert_eq!(read(b"0\r\n\r\nGET"), Ok((5, true)));
        assert_eq!(read(b"3\r\nabc\r\n0\r\n\r\n"), Ok((13, true)));
        assert_eq!(read(b"3;x=\"y\"\r\nabc\r\n0\r\nA: b\r\n\r\n"), Ok((25, true)));
        assert_eq!(read(b"3\r\nab"), Ok((5, false)));
    }

    #[test]
    fn what_other_parsers_might_forgive_is_refused() {
        let cases: [&[u8]; 12] = [
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc0\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"-3\r\nabc\r\n",
            b" 3\r\nabc\r\n",
            b"3 \r\nabc\r\n",
            b"\r\n",
            b"3;a\nb\r\nabc\r\n",
            b"ffffffffffffffffff\r\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\n\n",
        ];
        for body in cases {
            assert!(matches!(read(body), Err(Refusal::Malformed(_))), "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn size_is_limited_before_the_data_arrives() {
        assert_eq!(read(b"3e9\r\n"), Err(Refusal::BodyTooLarge));
        assert_eq!(read(b"fffffffffffff\r\n"), Err(Refusal::BodyTooLarge));
    }

    proptest! {
        #[test]
        fn cuts_between_reads_make_no_difference(chunks in prop::collection::vec(1usize..20, 0..6), cut in 0usize..100) {
            let mut body = Vec::new();
            for length in &chunks {
                body.extend(format!("{length:x}\r\n").bytes());
                body.extend(std::iter::repeat_n(b'x', *length));
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            let cut = cut.min(body.len());
            let mut chunked = Chunked::new();
            prop_assert_eq!(chunked.advance(&body[..cut], 1_000), Ok(cut));
            prop_assert_eq!(chunked.advance(&body[cut..], 1_000), Ok(body.len() - cut));
            prop_assert!(chunked.done());
        }
    }
}
