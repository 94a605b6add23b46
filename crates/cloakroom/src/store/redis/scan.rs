//! A walk over all keys of a pattern, a bounded piece at a time. For operators, never for a visitor's request.

use redis::Value;

use super::failure::{Failure, list};
use super::server::Server;

/// How many keys the server looks at for a piece: a fraction of a millisecond.
const PIECE: usize = 1000;

/// A walk that is under way. It finds what is there all the time; some of it twice.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    server: &'a Server,
    pattern: String,
    /// Where it goes on; `None` at the end.
    cursor: Option<Vec<u8>>,
}

impl Server {
    /// Walks over all keys of a pattern.
    pub(super) fn scan(&self, pattern: String) -> Scan<'_> {
        Scan { server: self, pattern, cursor: Some(b"0".to_vec()) }
    }
}

impl Scan<'_> {
    /// The keys of the next piece, perhaps none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let mut command = redis::cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(PIECE);
        let Value::Array(mut parts) = self.server.call(command).await? else {
            return Err(Failure::Nonsense);
        };
        let (Some(keys), Some(Value::BulkString(cursor)), None) =
            (parts.pop(), parts.pop(), parts.pop())
        else {
            return Err(Failure::Nonsense);
        };
        self.cursor = Some(cursor).filter(|cursor| cursor != b"0");
        list(keys).map(Some)
    }
}
