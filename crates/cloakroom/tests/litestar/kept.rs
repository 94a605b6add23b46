//! What is kept of a session, changed as time would change it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use blake2::{Blake2s256, Digest as _};
use cloakroom::{Clock, SystemClock};
use cloakroom_servers::RedisServer;
use data_encoding::HEXLOWER;
use tempfile::TempDir;

/// A storage of both sides whose deadlines obey the test, so that nobody has to wait for them.
pub(crate) trait Kept {
    /// Lets the session of an ID expire now, if there is one.
    fn expire(&self, id: &str);
    /// Leaves it so many seconds, if there is one.
    fn leave(&self, id: &str, seconds: u32);
    /// How many seconds it has left.
    fn left(&self, id: &str) -> Option<u64>;
}

impl Kept for RedisServer {
    fn expire(&self, id: &str) {
        // A moment that has passed: the server removes it at once.
        self.cli(&["PEXPIREAT", &format!("LITESTAR:{id}"), "1"]).expect("it runs");
    }

    fn leave(&self, id: &str, seconds: u32) {
        let key = format!("LITESTAR:{id}");
        self.cli(&["EXPIRE", &key, &seconds.to_string()]).expect("it runs");
    }

    fn left(&self, id: &str) -> Option<u64> {
        let left = self.cli(&["TTL", &format!("LITESTAR:{id}")]).expect("it runs");
        left.trim().parse().ok()
    }
}

impl Kept for TempDir {
    fn expire(&self, id: &str) {
        rewrite(file(self, id), now() - 1);
    }

    fn leave(&self, id: &str, seconds: u32) {
        rewrite(file(self, id), now() + seconds);
    }

    fn left(&self, id: &str) -> Option<u64> {
        let bytes = std::fs::read(file(self, id)).ok()?;
        let (_, at) = bytes.split_at(12);
        let seconds = match at {
            [0xd6, 0xff, seconds @ ..] => u64::from(u32::from_be_bytes(*seconds.first_chunk()?)),
            [0xd7, 0xff, both @ ..] => u64::from_be_bytes(*both.first_chunk()?) & ((1 << 34) - 1),
            _ => return None,
        };
        seconds.checked_sub(now().into())
    }
}

fn now() -> u32 {
    u32::try_from(SystemClock.now().as_millis() / 1000).expect("a moment of this century")
}

fn file(folder: &TempDir, id: &str) -> PathBuf {
    folder.path().join("kept").join(HEXLOWER.encode(&Blake2s256::digest(id.as_bytes())))
}

/// Gives a session file another end, in place of the one that it has.
fn rewrite(file: PathBuf, ends: u32) {
    let Ok(bytes) = std::fs::read(&file) else { return };
    let data = bytes.windows(5).position(|five| five == b"\xa4data").expect("an envelope");
    let head = [&b"\x82\xaaexpires_at\xd6\xff"[..], &ends.to_be_bytes()].concat();
    std::fs::write(file, [&head, &bytes[data..]].concat()).expect("it can be written");
}

/// Everything that a server is asked to do.
pub(crate) struct Monitor<'s> {
    server: &'s RedisServer,
    process: Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl<'s> Monitor<'s> {
    /// Returns when it listens.
    pub(crate) fn of(server: &'s RedisServer) -> Self {
        use std::io::BufRead as _;
        let mut process = Command::new("redis-cli")
            .args(["-p", &server.port().to_string(), "MONITOR"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-cli");
        let output = process.stdout.take().expect("it is piped");
        let mut lines = std::io::BufReader::new(output).lines();
        assert_eq!(lines.next().expect("a line").expect("text"), "OK");
        Self { server, process, lines }
    }

    /// The lines until now.
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.server.cli(&["ECHO", "the last line"]).expect("it runs");
        let mut lines = Vec::new();
        for line in &mut self.lines {
            let line = line.expect("text");
            if line.contains("the last line") {
                break;
            }
            lines.push(line);
        }
        lines
    }
}

impl Drop for Monitor<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
