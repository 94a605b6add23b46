//! A walk over all keys of a pattern, a bounded piece at a time. For operators, never for a visitor's request.

use std::sync::Arc;

use redis::Value;

use super::call::Call;
use super::failure::{Failure, list};
use super::link::Link;
use super::server::Server;

/// How many keys the server looks at for a piece: a fraction of a millisecond.
const PIECE: usize = 1000;

/// A walk that is under way, over one server after the other. It finds what is there all the time; some of it
/// twice.
#[derive(Debug)]
pub(in crate::store) struct Scan {
    pattern: String,
    /// The servers that are left, and where in the last of them it goes on.
    servers: Vec<Arc<Link>>,
    cursor: Vec<u8>,
}

impl Server {
    /// Walks over all keys of a pattern.
    pub(in crate::store) async fn scan(&self, pattern: String) -> Result<Scan, Failure> {
        Ok(Scan { pattern, servers: self.all().await?, cursor: b"0".to_vec() })
    }
}

impl Scan {
    /// The keys of the next piece, perhaps none; `None` at the end.
    pub(in crate::store) async fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Some(server) = self.servers.last() else { return Ok(None) };
        let mut command = redis::cmd("SCAN");
        command.arg(&self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(PIECE);
        let Value::Array(mut parts) = server.call(Call::of_server(command)).await? else {
            return Err(Failure::Nonsense);
        };
        let (Some(keys), Some(Value::BulkString(cursor)), None) =
            (parts.pop(), parts.pop(), parts.pop())
        else {
            return Err(Failure::Nonsense);
        };
        if cursor == b"0" {
            self.servers.pop();
        }
        self.cursor = cursor;
        list(keys).map(Some)
    }
}
