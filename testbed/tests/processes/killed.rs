//! A process that is killed in the middle of its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::testkit::client::{Answer, Visitor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::pair::Pair;
use crate::process::Process;
use crate::stores::Place;

/// Visitors of each process.
const VISITORS: usize = 6;
/// How many of their requests are answered before one process is killed.
const ANSWERED: usize = 150;

/// What a visitor was told.
struct Told {
    visitor: Visitor,
    /// The number that was written last.
    written: u64,
    /// Sessions that they signed out of.
    left: Vec<Visitor>,
    /// A change was sent and not answered: it may have happened.
    under_way: bool,
}

/// Counts, and tells when it is enough.
#[derive(Default)]
struct Answers {
    count: AtomicUsize,
    enough: Notify,
}

/// Writes ever greater numbers, and now and then signs out and begins anew, until no answer comes or it is enough.
async fn write(mut visitor: Visitor, answers: Arc<Answers>, until: usize) -> Told {
    let mut told = Told { visitor: visitor.clone(), written: 0, left: Vec::new(), under_way: true };
    for n in 1.. {
        let leaves = n % 20 == 0;
        let (path, body) = if leaves {
            ("/sign-out", String::new())
        } else {
            ("/set", json!({"n": n}).to_string())
        };
        let Some(answer) = attempt(&mut visitor, path, &body).await else { return told };
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
        if leaves {
            told.left.push(told.visitor.clone());
        }
        told.written = if leaves { 0 } else { n };
        told.visitor = visitor.clone();
        let count = answers.count.fetch_add(1, Ordering::SeqCst) + 1;
        if count == ANSWERED {
            answers.enough.notify_one();
        }
        if count >= until {
            told.under_way = false;
            return told;
        }
    }
    told
}

/// Posts; nothing if there is no whole answer.
async fn attempt(visitor: &mut Visitor, path: &str, body: &str) -> Option<Answer> {
    let cookie = visitor.cookie.as_ref().map(|pair| format!("Cookie: {pair}\r\n"));
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
        cookie.unwrap_or_default(),
        body.len()
    );
    let mut stream = TcpStream::connect(visitor.address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let answer = Answer::parse(&bytes);
    if let Some(pair) = answer.cookie_pair() {
        visitor.cookie = (!answer.expires_cookie()).then(|| pair.to_owned());
    }
    Some(answer)
}

pub(crate) async fn s_088_what_a_killed_process_acknowledged_is_there(place: &Place) {
    let mut pair = Pair::start(place, &[]).await;
    let answers = Arc::new(Answers::default());
    let [mut of_killed, mut of_other] = [JoinSet::new(), JoinSet::new()];
    for n in 0..VISITORS {
        of_killed.spawn(write(pair.visitor(0), answers.clone(), usize::MAX));
        // They go on for a while without the other process.
        of_other.spawn(write(pair.visitor(1), answers.clone(), 2 * ANSWERED + n));
    }
    answers.enough.notified().await;
    pair.processes[0].kill().await;

    let of_killed = of_killed.join_all().await;
    let of_other = of_other.join_all().await;
    for told in &of_other {
        // Nobody at the other process was turned away.
        assert!(!told.under_way, "an answer did not come");
    }
    let url = place.url();
    let again = Process::start(&["--store", &url, "--set", "secure=false"]).await;
    pair.processes[0] = again;
    let mut written = 0;
    for told in of_killed.iter().chain(&of_other) {
        for left in &told.left {
            assert!(!pair.is_alive(left).await, "who has signed out is out");
        }
        if told.written == 0 {
            continue;
        }
        written += 1;
        for n in 0..2 {
            let session = pair.moved(&told.visitor, n).session().await;
            // A sign-out may have been under way, which nobody was told of.
            if told.under_way && session["exists"] == false && (told.written + 1) % 20 == 0 {
                continue;
            }
            let found = session["data"]["n"].as_u64();
            let next = told.written + u64::from(told.under_way);
            assert!(
                found == Some(told.written) || found == Some(next),
                "{} was acknowledged, {found:?} is there",
                told.written
            );
        }
    }
    assert!(written > VISITORS, "{written} have a session");
    let mut visitor = pair.visitor(0);
    visitor.does("/set", r#"{"a":1}"#).await;
    assert_eq!(pair.moved(&visitor, 1).data().await, json!({"a": 1}) as Value);
}
