//! An HTTP/1.1 answer, read to the end of its connection.

use serde_json::Value;
use tokio::net::TcpStream;

use super::client::rest_of;

/// An answer, read to the end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case and values, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, without its chunks.
    pub body: String,
}

impl Answer {
    /// Reads what a connection says until its end.
    pub async fn read(stream: &mut TcpStream) -> Self {
        Self::parse(&rest_of(stream).await)
    }

    /// Takes an answer apart; a chunked one that was cut off is a failure.
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.expect("an answer has a head");
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let status = status.and_then(|status| status.parse().ok()).expect("a status line");
        let mut answer = Self { status, headers, body: String::new() };
        let body = match answer.header("transfer-encoding") {
            Some("chunked") => unchunked(body).expect("a chunked body that goes on to its end"),
            _ => body.to_vec(),
        };
        answer.body = String::from_utf8(body).expect("a body of text");
        answer
    }

    /// The value of a header, by its name in lower case. More than one of the name is a failure.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.all(name).into_iter();
        let first = found.next();
        assert!(found.next().is_none(), "{name} is there twice");
        first
    }

    /// All values of a header, by its name in lower case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(known, _)| known == name);
        lines.map(|(_, value)| &**value).collect()
    }

    /// Whether a header has this element in its comma-separated list, in any of its lines and in any case.
    pub fn says(&self, name: &str, element: &str) -> bool {
        let lines = self.all(name);
        let mut elements = lines.iter().flat_map(|line| line.split(','));
        elements.any(|said| said.trim().eq_ignore_ascii_case(element))
    }

    /// The one `Set-Cookie` line.
    pub fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }

    /// `name=value` of the `Set-Cookie` line.
    pub fn cookie_pair(&self) -> Option<&str> {
        self.set_cookie().and_then(|line| line.split(';').next())
    }

    /// Whether the answer takes the cookie away.
    pub fn expires_cookie(&self) -> bool {
        self.set_cookie()
            .is_some_and(|line| line.split(';').any(|attribute| attribute.trim() == "Max-Age=0"))
    }

    /// The body, which must be JSON and be called so.
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.body);
        serde_json::from_str(&self.body).expect("a body of JSON")
    }

    /// The status, and what stands in `{"error":…}`.
    pub fn error(&self) -> (u16, String) {
        let error = self.json()["error"].as_str().map(str::to_owned);
        (self.status, error.expect("a text that says what is wrong"))
    }
}

/// The body of a chunked answer, if it was sent to its end.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        rest = &rest[line + 2..];
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, unchunked};

    #[test]
    fn chunks_are_joined_within_a_character_too() {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = b"2;x=y\r\na\xC3\r\nc\r\n\xA4 long chunk\r\n0\r\n\r\n";
        assert_eq!(Answer::parse(&[answer.as_bytes(), chunks].concat()).body, "aä long chunk");
        assert_eq!(unchunked(b"3\r\nab"), None);
        assert_eq!(unchunked(b"2\r\nab\r\n"), None);
    }

    #[test]
    fn lists_are_searched_by_element() {
        let answer =
            Answer::parse(b"HTTP/1.1 204 No Content\r\nVary:accept, Cookie\r\nvary: x\r\n\r\n");
        assert_eq!((answer.status, answer.all("vary").len()), (204, 2));
        assert!(answer.says("vary", "cookie") && answer.says("vary", "X"));
        assert!(!answer.says("vary", "cook"));
    }
}
