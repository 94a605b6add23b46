//! The map of a Cluster: sixteen thousand slots, and which server has which.

use redis::Value;

use super::failure::Failure;

/// The number of slots that every Cluster has.
const SLOTS: u16 = 16_384;

/// Which server has which slots.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// First and last slot, host, port; sorted by the last.
    ranges: Vec<(u16, u16, String, u16)>,
}

impl Slots {
    /// Reads what `CLUSTER SLOTS` answered; `asked` is the host that was asked.
    pub(super) fn read(answer: Value, asked: &str) -> Result<Self, Failure> {
        let Value::Array(entries) = answer else { return Err(Failure::Nonsense) };
        let mut ranges = Vec::with_capacity(entries.len());
        for entry in entries {
            let Value::Array(parts) = entry else { return Err(Failure::Nonsense) };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else {
                return Err(Failure::Nonsense);
            };
            let [host, Value::Int(port), ..] = &master[..] else { return Err(Failure::Nonsense) };
            let host = match host {
                Value::BulkString(host) => String::from_utf8_lossy(host).into_owned(),
                Value::Nil => String::new(),
                _ => return Err(Failure::Nonsense),
            };
            // A server that does not know its own name is where it was asked; one that nobody knows is nowhere.
            let host = if host.is_empty() { asked.to_owned() } else { host };
            let number = |number: i64| u16::try_from(number).map_err(|_| Failure::Nonsense);
            if host != "?" {
                ranges.push((number(*first)?, number(*last)?, host, number(*port)?));
            }
        }
        ranges.sort_by_key(|&(_, last, ..)| last);
        Ok(Self { ranges })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Who has a slot.
    pub(super) fn of(&self, slot: u16) -> Option<(&str, u16)> {
        let at = self.ranges.partition_point(|&(_, last, ..)| last < slot);
        let (first, _, host, port) = self.ranges.get(at)?;
        (*first <= slot).then_some((host, *port))
    }

    /// All servers that have slots, each once.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, u16)> {
        let mut nodes: Vec<_> =
            self.ranges.iter().map(|(_, _, host, port)| (&**host, *port)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.into_iter()
    }
}

/// The slot of a key: of what stands between its braces, if anything does.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key
        .iter()
        .position(|&byte| byte == b'{')
        .map(|open| &key[open + 1..])
        .and_then(|rest| Some(&rest[..rest.iter().position(|&byte| byte == b'}')?]))
        .filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
///
/// Source: the specification of Redis Cluster, appendix A.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first number is the specification's own check; the others are what `CLUSTER KEYSLOT` answers.
    #[test]
    fn a_slot_is_that_of_the_tag() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"{foo}bar"), slot(b"foo"));
        assert_eq!(slot(b"cloakroom:s:{foo}"), slot(b"foo"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    }

    fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
        let master = Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())]);
        Value::Array(vec![Value::Int(first), Value::Int(last), master])
    }

    #[test]
    fn a_map_finds_the_server_of_each_slot() {
        let host = |name: &str| Value::BulkString(name.into());
        let slots = Slots::read(
            Value::Array(vec![
                range(5461, 10_922, Value::Nil, 2),
                range(0, 5460, host("a"), 1),
                range(11_000, 16_383, host("a"), 1),
                range(10_923, 10_930, host("?"), 9),
            ]),
            "asked",
        )
        .unwrap();
        assert_eq!(slots.of(0), Some(("a", 1)));
        assert_eq!(slots.of(5460), Some(("a", 1)));
        assert_eq!(slots.of(5461), Some(("asked", 2)));
        assert_eq!(slots.of(10_923), None);
        assert_eq!(slots.of(16_383), Some(("a", 1)));
        assert_eq!(slots.nodes().collect::<Vec<_>>(), [("a", 1), ("asked", 2)]);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for answer in [
            Value::Nil,
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![Value::Array(vec![Value::Int(1)])]),
            Value::Array(vec![range(-1, 5, Value::Nil, 1)]),
            Value::Array(vec![range(0, 5, Value::Nil, 70_000)]),
            Value::Array(vec![range(0, 5, Value::Int(1), 1)]),
        ] {
            assert!(matches!(Slots::read(answer, "asked"), Err(Failure::Nonsense)));
        }
    }
}
