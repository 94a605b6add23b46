//! The envelope of a session file: a MessagePack map of when it expires and its data.

use crate::time::UnixMillis;

/// The last second that Python's `datetime` holds; Litestar could not read a later one.
const LAST_SECOND: u64 = 253_402_300_799;

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Envelope {
    /// When it expires; `None` is never.
    pub(super) expires_at: Option<UnixMillis>,
    pub(super) data: Vec<u8>,
}

impl Envelope {
    /// As Litestar writes it, byte for byte.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![0x82, 0xaa];
        out.extend(b"expires_at");
        match self.expires_at {
            None => out.push(0xc0),
            Some(moment) => {
                let millis = moment.as_millis();
                let (seconds, nanos) = (millis / 1000, millis % 1000 * 1_000_000);
                let (seconds, nanos) =
                    if seconds > LAST_SECOND { (LAST_SECOND, 0) } else { (seconds, nanos) };
                match u32::try_from(seconds) {
                    Ok(seconds) if nanos == 0 => {
                        out.extend([0xd6, 0xff]);
                        out.extend(seconds.to_be_bytes());
                    }
                    _ if seconds < 1 << 34 => {
                        out.extend([0xd7, 0xff]);
                        out.extend((nanos << 34 | seconds).to_be_bytes());
                    }
                    _ => {
                        out.extend([0xc7, 12, 0xff]);
                        out.extend((nanos as u32).to_be_bytes());
                        out.extend(seconds.to_be_bytes());
                    }
                }
            }
        }
        out.push(0xa4);
        out.extend(b"data");
        let len = self.data.len();
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len), _) => out.extend([0xc4, len]),
            (_, Ok(len)) => {
                out.push(0xc5);
                out.extend(len.to_be_bytes());
            }
            _ => {
                out.push(0xc6);
                out.extend((len as u32).to_be_bytes());
            }
        }
        out.extend(&self.data);
        out
    }

    /// Reads what Litestar reads, but no date as text; nothing if it is broken. The bytes are not trusted.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let members = match input.byte()? {
            marker @ 0x80..=0x8f => usize::from(marker & 0x0f),
            0xde => input.number(2)?,
            _ => return None,
        };
        let (mut expires_at, mut data) = (None, None);
        for _ in 0..members {
            match input.text()? {
                b"expires_at" => expires_at = Some(input.moment()?),
                b"data" => data = Some(input.binary()?.to_vec()),
                _ => input.skip(0)?,
            }
        }
        input.0.is_empty().then_some(Self { expires_at: expires_at?, data: data? })
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self, len: usize) -> Option<usize> {
        let bytes = self.take(len)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let len = match self.byte()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            0xd9 => self.number(1)?,
            0xda => self.number(2)?,
            _ => return None,
        };
        self.take(len)
    }

    fn binary(&mut self) -> Option<&'a [u8]> {
        let len = match self.byte()? {
            0xc4 => self.number(1)?,
            0xc5 => self.number(2)?,
            0xc6 => self.number(4)?,
            _ => return None,
        };
        self.take(len)
    }

    /// A timestamp; a part of a millisecond is dropped.
    fn moment(&mut self) -> Option<Option<UnixMillis>> {
        let len = match self.byte()? {
            0xc0 => return Some(None),
            0xd6 => 4,
            0xd7 => 8,
            0xc7 => self.number(1)?,
            _ => return None,
        };
        if self.byte()? != 0xff {
            return None;
        }
        let bytes = self.take(len)?;
        let (seconds, nanos) = match len {
            4 => (i64::from(u32::from_be_bytes(*bytes.first_chunk()?)), 0),
            8 => {
                let both = u64::from_be_bytes(*bytes.first_chunk()?);
                ((both & ((1 << 34) - 1)) as i64, both >> 34)
            }
            12 => {
                let nanos = u32::from_be_bytes(*bytes.first_chunk()?);
                (i64::from_be_bytes(*bytes.last_chunk()?), u64::from(nanos))
            }
            _ => return None,
        };
        let millis = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
        Some(Some(UnixMillis::from_millis(millis.saturating_add(nanos / 1_000_000))))
    }

    /// Passes over any value.
    fn skip(&mut self, depth: usize) -> Option<()> {
        if depth > 32 {
            return None;
        }
        let (bytes, values) = match self.byte()? {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            marker @ 0x80..=0x8f => (0, 2 * usize::from(marker & 0x0f)),
            marker @ 0x90..=0x9f => (0, usize::from(marker & 0x0f)),
            marker @ 0xa0..=0xbf => (usize::from(marker & 0x1f), 0),
            0xc1 => return None,
            0xc4 | 0xd9 => (self.number(1)?, 0),
            0xc5 | 0xda => (self.number(2)?, 0),
            0xc6 | 0xdb => (self.number(4)?, 0),
            0xc7 => (self.number(1)? + 1, 0),
            0xc8 => (self.number(2)? + 1, 0),
            0xc9 => (self.number(4)? + 1, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 => (2, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            marker @ 0xd4..=0xd8 => (1 + (1 << (marker - 0xd4)), 0),
            0xdc => (0, self.number(2)?),
            0xdd => (0, self.number(4)?),
            0xde => (0, 2 * self.number(2)?),
            0xdf => (0, 2 * self.number(4)?),
        };
        self.take(bytes)?;
        (0..values).try_for_each(|_| self.skip(depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn what_litestar_wrote_is_read() {
        let bytes = HEXLOWER
            .decode(b"82aa657870697265735f6174d7ff2f6637606b0382b3a464617461c4077b2261223a317d")
            .unwrap();
        let read = Envelope::read(&bytes).unwrap();
        assert_eq!(read.data, br#"{"a":1}"#);
        let moment = read.expires_at.unwrap().as_millis();
        assert_eq!(moment / 1000, 0x6b03_82b3);
        // Microseconds are dropped, so that only a whole millisecond is the same again.
        assert_eq!(Envelope::read(&read.write()), Some(read));
    }

    #[test]
    fn every_size_is_read_back() {
        for millis in
            [0, 1, 1_790_000_000_000, 1_790_000_000_123, 4_294_967_296_000, 17_179_869_184_001]
        {
            for len in [0, 7, 255, 256, 65_535, 65_536] {
                let expires_at = Some(UnixMillis::from_millis(millis));
                let made = Envelope { expires_at, data: vec![b'x'; len] };
                assert_eq!(Envelope::read(&made.write()), Some(made));
            }
        }
        let never = Envelope { expires_at: None, data: Vec::new() };
        assert_eq!(Envelope::read(&never.write()), Some(never));
    }

    #[test]
    fn other_orders_and_keys_are_read_and_broken_files_are_not() {
        let read = |text: &[u8]| Envelope::read(&HEXLOWER.decode(text).unwrap());
        let expected = Some(Envelope { expires_at: None, data: b"{}".to_vec() });
        assert_eq!(read(b"82a464617461c4027b7daa657870697265735f6174c0"), expected);
        assert_eq!(
            read(b"de0003d90464617461c500027b7da17881a17901aa657870697265735f6174c0"),
            expected
        );
        let good = b"82aa657870697265735f6174c0a464617461c4027b7d";
        for end in (0..good.len()).step_by(2) {
            assert_eq!(read(&good[..end]), None);
        }
        assert_eq!(read(&[&good[..], b"00"].concat()), None);
        assert_eq!(read(b"81a464617461c4027b7d"), None);
        assert_eq!(read(b"82aa657870697265735f617401a464617461c4027b7d"), None);
        assert_eq!(read(b"82aa657870697265735f6174c0a464617461a27b7d"), None);
    }
}
