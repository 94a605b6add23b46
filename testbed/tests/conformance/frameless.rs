//! An adapter for no framework, on a bare socket: what the backend offers is enough to keep every rule, and the
//! suite asks for nothing that axum alone has.

use std::net::SocketAddr;
use std::sync::Arc;

use cloakroom::{Error, ErrorKind, MessageHeaders, Scope, ServerSideSessionBackend, Session};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

/// Serves the routes of the suite.
pub(crate) async fn start(backend: ServerSideSessionBackend) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, backend.clone()));
        }
    });
    address
}

/// A request, and the session that it has used.
struct Request {
    backend: ServerSideSessionBackend,
    method: String,
    path: String,
    cookies: Vec<Vec<u8>>,
    body: Vec<u8>,
    session: OnceCell<Session>,
}

struct Answer {
    status: u16,
    body: String,
    retry: bool,
    /// Sent after the head, once this session has been saved.
    streams: Option<Session>,
}

impl Answer {
    fn new(status: u16, body: impl ToString) -> Self {
        Self { status, body: body.to_string(), retry: false, streams: None }
    }

    fn of_error(error: &Error) -> Self {
        let kind = error.kind();
        let body = json!({"error": kind.name()});
        Self { retry: error.is_temporary(), ..Self::new(kind.http_status(), body) }
    }
}

async fn serve(stream: TcpStream, backend: ServerSideSessionBackend) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request = Arc::new(Request::read(&mut stream, backend).await?);
    // A task of its own: it ends with what it began though nobody waits, and may panic.
    let working = tokio::spawn({
        let request = request.clone();
        async move {
            let handled = tokio::spawn(handle(request.clone())).await;
            let answer = match handled {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => Answer::of_error(&error),
                Err(_) => Answer::new(500, json!({"error": "panic"})),
            };
            request.commit(answer).await
        }
    });
    let (headers, answer) = working.await.map_err(std::io::Error::other)?;
    let stream = stream.get_mut();
    stream.write_all(head(&request, &headers, &answer).as_bytes()).await?;
    if let Some(session) = answer.streams {
        let late = session.detached();
        if late.exists() && late.insert("streamed", &true).is_ok() {
            // Gone, or a store that is down: nothing is stored, and the head has been sent.
            let _ = late.save().await;
        }
    }
    stream.write_all(answer.body.as_bytes()).await
}

fn head(request: &Request, headers: &MessageHeaders, answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", answer.status);
    if answer.body != "ok" {
        head += "Content-Type: application/json\r\n";
    }
    if answer.retry {
        head += "Retry-After: 1\r\n";
    }
    if headers.used {
        head += "Vary: Cookie\r\n";
        head += match headers.set_cookie {
            Some(_) => "Cache-Control: no-store\r\n",
            None => "Cache-Control: private\r\n",
        };
    }
    if let Some(line) = &headers.set_cookie {
        assert!(line.starts_with(request.backend.cookie_name()));
        head += &format!("Set-Cookie: {line}\r\n");
    }
    head + "\r\n"
}

impl Request {
    async fn read(
        stream: &mut BufReader<TcpStream>,
        backend: ServerSideSessionBackend,
    ) -> std::io::Result<Self> {
        let mut start = String::new();
        stream.read_line(&mut start).await?;
        let mut words = start.split(' ').map(str::to_owned);
        let (method, target) = (words.next(), words.next());
        let target = target.unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let (mut cookies, mut length) = (Vec::new(), 0);
        loop {
            let mut line = Vec::new();
            stream.read_until(b'\n', &mut line).await?;
            let line = line.trim_ascii();
            if line.is_empty() {
                break;
            }
            if let Some(cookie) = line.strip_prefix(b"Cookie: ") {
                cookies.push(cookie.to_vec());
            } else if let Some(digits) = line.strip_prefix(b"Content-Length: ") {
                length = String::from_utf8_lossy(digits).parse().map_err(std::io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let (method, session) = (method.unwrap_or_default(), OnceCell::new());
        Ok(Self { backend, method, path, cookies, body, session })
    }

    /// The session, loaded at the first call; none where the configuration says so.
    async fn session(&self) -> Result<&Session, Error> {
        if self.path == "/skip" || self.backend.excludes(Scope::Http, &self.path) {
            return Err(Error::new(ErrorKind::Excluded, "this path has no sessions"));
        }
        let cookies = self.cookies.iter().map(Vec::as_slice);
        self.session.get_or_try_init(|| self.backend.load_from_connection(cookies)).await
    }

    /// Stores what the handler changed; what the response must say, and the answer if that failed.
    async fn commit(&self, answer: Answer) -> (MessageHeaders, Answer) {
        let Some(session) = self.session.get() else {
            return (MessageHeaders::default(), answer);
        };
        match self.backend.store_in_message(session, answer.status).await {
            (headers, Ok(())) => (headers, answer),
            (headers, Err(error)) => (headers, Answer::of_error(&error)),
        }
    }

    async fn insert_all(&self) -> Result<(), Error> {
        let session = self.session().await?;
        let members: Map<String, Value> = serde_json::from_slice(&self.body).unwrap_or_default();
        members.iter().try_for_each(|(key, value)| session.insert(key, value))
    }
}

async fn handle(request: Arc<Request>) -> Result<Answer, Error> {
    let segments: Vec<_> = request.path.split('/').skip(1).collect();
    let status = || segments.last().and_then(|code| code.parse().ok()).unwrap_or(404);
    Ok(match (&*request.method, &*segments) {
        ("GET", ["untouched"]) => Answer::new(200, "ok"),
        ("GET", ["session"] | ["skip"] | ["public", ..]) => match request.session().await {
            Ok(session) => Answer::new(200, describe(session)?),
            Err(error) if error.kind() == ErrorKind::Excluded => {
                let says = if request.path == "/skip" { "skipped" } else { "excluded" };
                Answer::new(200, json!({"session": says}))
            }
            Err(error) => return Err(error),
        },
        ("GET", ["stream"]) => {
            let streams = Some(request.session().await?.clone());
            Answer { streams, ..Answer::new(200, "ok") }
        }
        ("POST", ["set"]) => {
            request.insert_all().await?;
            Answer::new(204, "")
        }
        ("POST", ["status", _]) => {
            request.insert_all().await?;
            Answer::new(status(), "")
        }
        ("POST", ["panic"]) => {
            request.insert_all().await?;
            panic!("a handler panics");
        }
        ("POST", ["incr", key]) => {
            let session = request.session().await?;
            let value = session.update(*key, |n: &mut u64| {
                *n += 1;
                *n
            });
            Answer::new(200, value?)
        }
        ("POST", ["sign-in"]) => {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            request.session().await?.sign_in(body["subject"].as_str().unwrap_or_default())?;
            Answer::new(204, "")
        }
        ("POST", ["destroy"]) => {
            request.session().await?.destroy()?;
            Answer::new(204, "")
        }
        ("POST", ["destroy", "status", _]) => {
            request.session().await?.destroy()?;
            Answer::new(status(), "")
        }
        _ => Answer::new(404, ""),
    })
}

fn describe(session: &Session) -> Result<Value, Error> {
    Ok(json!({
        "exists": session.exists(),
        "subject": session.subject(),
        "absence": session.absence().map(cloakroom::Absence::name),
        "data": session.decode::<Value>()?,
    }))
}
