//! Redis Cluster: which server has which key.
//!
//! The driver's own client for Cluster sends a command again when its connection is lost, which may create a
//! session twice, or bring back one that was ended in between. So this is done here: a command goes again only
//! if the server said that it did not run it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use redis::Value;
use tokio::time::timeout;

use super::call::Call;
use super::failure::Failure;
use super::link::{Link, lock};
use super::replicas::Terms;
use super::slots::{Slots, slot};
use super::target::{Target, Template};

/// How often a call follows to another server. Each time the map was old; a map is not old five times in a row.
const REDIRECTS: usize = 5;

/// The servers of a Cluster.
#[derive(Debug)]
pub(in crate::store) struct Cluster {
    /// Where the map is asked for first.
    seeds: Vec<(String, u16)>,
    server: Template,
    terms: Terms,
    /// The way to each server that was ever needed.
    links: Mutex<BTreeMap<(String, u16), Arc<Link>>>,
    slots: Mutex<Arc<Slots>>,
    /// Whether a server has failed or sent a call elsewhere since the map was made.
    is_old: AtomicBool,
    /// One asks for the map at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Cluster {
    /// The Cluster that these servers are of.
    pub(super) fn new(seeds: Vec<(String, u16)>, server: Template, terms: Terms) -> Self {
        Self {
            seeds,
            server,
            terms,
            links: Mutex::default(),
            slots: Mutex::default(),
            is_old: AtomicBool::new(true),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Sends a call to the server that has its key.
    pub(super) async fn call(&self, call: Call) -> Result<Value, Failure> {
        let followed = timeout(self.terms.patience, self.follow(call)).await;
        followed.unwrap_or_else(|_| {
            self.is_old.store(true, Ordering::SeqCst);
            Err(Failure::Late)
        })
    }

    /// Sends calls to where their keys are, all before it waits for the first answer.
    pub(super) async fn call_all(&self, calls: Vec<Call>) -> Result<Vec<Value>, Failure> {
        let mut pending = Vec::with_capacity(calls.len());
        for call in calls {
            let place = timeout(self.terms.patience, self.place(call.key())).await;
            let (host, port) = place.unwrap_or(Err(Failure::Late))?;
            let sent = self.link(&host, port)?.start(call.clone()).await;
            pending.push((self.noting(sent)?, call));
        }
        let mut answers = Vec::with_capacity(pending.len());
        for (pending, call) in pending {
            answers.push(match pending.answer_within(self.terms.patience).await {
                Err(failure) if failure.redirect().is_some() => self.call(call).await?,
                answer => self.noting(answer)?,
            });
        }
        Ok(answers)
    }

    /// The ways to all servers that take writes.
    pub(super) async fn all(&self) -> Result<Vec<Arc<Link>>, Failure> {
        let slots =
            timeout(self.terms.patience, self.slots()).await.unwrap_or(Err(Failure::Late))?;
        slots.nodes().map(|(host, port)| self.link(host, port)).collect()
    }

    async fn follow(&self, call: Call) -> Result<Value, Failure> {
        let (mut host, mut port) = self.place(call.key()).await?;
        let mut asking = false;
        for _ in 0..REDIRECTS {
            let sent = if asking { call.clone().asking() } else { call.clone() };
            let answer = self.link(&host, port)?.call(sent).await;
            let Some(redirect) = answer.as_ref().err().and_then(Failure::redirect) else {
                return self.noting(answer);
            };
            if !redirect.once {
                self.is_old.store(true, Ordering::SeqCst);
            }
            asking = redirect.once;
            port = redirect.port;
            if !redirect.host.is_empty() {
                host = redirect.host.to_owned();
            }
        }
        Err(Failure::NoServer)
    }

    /// Notes that the map may be old if a server is of no use.
    fn noting<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        if answer.as_ref().is_err_and(|failure| failure.ends_connection() || failure.is_moving()) {
            self.is_old.store(true, Ordering::SeqCst);
        }
        answer
    }

    /// Where the server is that has a key.
    async fn place(&self, key: &[u8]) -> Result<(String, u16), Failure> {
        let slots = self.slots().await?;
        let Some((host, port)) = slots.of(slot(key)) else {
            self.is_old.store(true, Ordering::SeqCst);
            return Err(Failure::NoServer);
        };
        Ok((host.to_owned(), port))
    }

    /// The map, asked for anew if it may be old and nobody else is asking.
    async fn slots(&self) -> Result<Arc<Slots>, Failure> {
        let present = lock(&self.slots).clone();
        if !self.is_old.load(Ordering::SeqCst) && !present.is_empty() {
            return Ok(present);
        }
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // Calls to servers that are well do not wait for one that is not.
            Err(_) if !present.is_empty() => return Ok(present),
            Err(_) => self.turn.lock().await,
        };
        if !self.is_old.load(Ordering::SeqCst) {
            return Ok(lock(&self.slots).clone());
        }
        match self.ask(&present).await {
            Ok(slots) => {
                let slots = Arc::new(slots);
                *lock(&self.slots) = slots.clone();
                self.is_old.store(false, Ordering::SeqCst);
                Ok(slots)
            }
            Err(_) if !present.is_empty() => Ok(present),
            Err(failure) => Err(failure),
        }
    }

    /// Asks one server after the other for the map.
    async fn ask(&self, present: &Slots) -> Result<Slots, Failure> {
        let seeds = self.seeds.iter().map(|(host, port)| (&**host, *port));
        let nodes: Vec<(&str, u16)> = present.nodes().chain(seeds).collect();
        // One that hangs must not use up the time of the call that waits.
        let share = self.terms.patience / 4;
        let mut last = Failure::NoServer;
        for (host, port) in nodes {
            let link = self.link(host, port)?;
            let answer = timeout(share, link.call(Call::cluster_slots())).await;
            match answer.unwrap_or(Err(Failure::Late)).and_then(|it| Slots::read(it, host)) {
                Ok(slots) if !slots.is_empty() => return Ok(slots),
                Ok(_) => {}
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    fn link(&self, host: &str, port: u16) -> Result<Arc<Link>, Failure> {
        let mut links = lock(&self.links);
        if let Some(link) = links.get(&(host.to_owned(), port)) {
            return Ok(link.clone());
        }
        let target = Target::Fixed(self.server.at(host, port)?);
        let link = Arc::new(Link::new(target, self.terms));
        links.insert((host.to_owned(), port), link.clone());
        Ok(link)
    }
}
