//! Two processes, and visitors who go to one and to the other.

use std::net::SocketAddr;

use cloakroom::testkit::client::{Visitor, is_alive};
use serde_json::{Value, json};

use crate::process::Process;
use crate::stores::Place;

pub(crate) struct Pair {
    pub(crate) processes: [Process; 2],
}

impl Pair {
    /// Starts two processes on one store with settings, as `--set` takes them.
    pub(crate) async fn start(place: &Place, settings: &[&str]) -> Self {
        Self::on(&place.url(), settings).await
    }

    /// Starts them on the store of a URL. They come up at the same time, and race for making what it needs.
    pub(crate) async fn on(url: &str, settings: &[&str]) -> Self {
        let mut arguments = vec!["--store", url, "--set", "secure=false"];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let (one, other) = tokio::join!(Process::start(&arguments), Process::start(&arguments));
        Self { processes: [one, other] }
    }

    /// Where a request goes: the even ones to the first, the odd ones to the second.
    pub(crate) fn address(&self, n: usize) -> SocketAddr {
        self.processes[n % 2].address
    }

    /// Someone without a cookie, who asks the process of a number.
    pub(crate) fn visitor(&self, n: usize) -> Visitor {
        Visitor::at(self.address(n))
    }

    /// The same visitor at the process of a number.
    pub(crate) fn moved(&self, visitor: &Visitor, n: usize) -> Visitor {
        Visitor { address: self.address(n), ..visitor.clone() }
    }

    /// Someone who has signed in at the process of a number.
    pub(crate) async fn signed_in(&self, n: usize, subject: &str) -> Visitor {
        let mut visitor = self.visitor(n);
        visitor.does("/sign-in", &json!({"subject": subject}).to_string()).await;
        visitor
    }

    /// Ends all sessions of a subject, at the process of a number; how many there were.
    pub(crate) async fn revoke(&self, n: usize, subject: &str) -> Value {
        let path = format!("/subjects/{subject}/revoke");
        self.visitor(n).post(&path, "").await.json()["revoked"].take()
    }

    /// Whether a visitor's cookie selects a session, on which both agree.
    pub(crate) async fn is_alive(&self, visitor: &Visitor) -> bool {
        let Some(cookie) = &visitor.cookie else { return false };
        let [one, other] =
            [is_alive(self.address(0), cookie).await, is_alive(self.address(1), cookie).await];
        assert_eq!(one, other, "one process says that it lives, the other that it does not");
        one
    }
}

/// The part of a cookie that names the session, and stays when its ID is changed.
pub(crate) fn name_of(cookie: &str) -> &str {
    // 16 bytes are 21 characters and a third of the next.
    &cookie.split_once('=').unwrap().1[..21]
}
