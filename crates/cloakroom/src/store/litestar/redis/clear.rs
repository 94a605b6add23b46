//! Ending all sessions of a namespace.

use super::RedisStore;
use super::steps::{SCRIPTS, failed, millis};
use crate::error::Result;
use crate::id::{IdFormat, SessionId};
use crate::store::redis::call::Call;
use crate::store::redis::failure::{Failure, number};

/// Sessions that one script ends, so that the server is held up for a millisecond.
const CHUNK: usize = 100;
const CLEAR: &str = "end all sessions";

impl RedisStore {
    pub(super) async fn clear(&self) -> Result<u64> {
        let mut scan = self.server.scan(self.pattern()?).await.map_err(failed(CLEAR))?;
        let mut removed = 0;
        while let Some(keys) = scan.next().await.map_err(failed(CLEAR))? {
            for chunk in keys.chunks(CHUNK) {
                removed += self.clear_chunk(chunk).await.map_err(failed(CLEAR))?;
            }
        }
        Ok(removed)
    }

    async fn clear_chunk(&self, keys: &[Vec<u8>]) -> Result<u64, Failure> {
        let theirs = self.keys.theirs();
        let mut arguments = vec![theirs.clone(), self.keys.marks(), millis(self.settings.remember)];
        let (mut known, mut removed) = (Vec::new(), 0);
        for key in keys {
            // Once more, and exactly: a pattern may match what only looks like it.
            let Some(id) = key.strip_prefix(&theirs[..]) else { continue };
            match id_of(id) {
                Some(found) => {
                    known.push(self.keys.known(found.handle()));
                    arguments.push(id.to_vec());
                }
                // Litestar takes any text for an ID; none of these opens a session here.
                None => removed += number(self.server.call(Call::new("UNLINK", key)).await?)?,
            }
        }
        if !known.is_empty() {
            removed += number(self.server.run(&SCRIPTS.clear, &known, &arguments).await?)?;
        }
        Ok(u64::try_from(removed).unwrap_or(0))
    }
}

/// The ID in a key, of any length that a configuration may have.
pub(super) fn id_of(text: &[u8]) -> Option<SessionId> {
    SessionId::parse(text, text.len() / 2, IdFormat::Hex)
}
