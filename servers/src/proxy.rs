//! A TCP proxy between a client and a server that fails on command.
//!
//! It runs on threads of its own, so that a test's clock does not move it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::process::PATIENCE;

/// What the proxy does with what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Weather {
    /// Passes everything on.
    #[default]
    Fair,
    /// Passes everything on, this much later in each direction.
    Slow(Duration),
    /// Passes what the client sends, and nothing that the server answers; the connection stays open.
    NoReplies,
    /// Passes nothing in either direction; the connection stays open.
    Silent,
    /// Passes what the client sends; cuts the connection in place of the next answer, once, and is fair then.
    CutBeforeReply,
    /// Cuts every connection, and each new one.
    Down,
}

/// A proxy in front of a server. Gone when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    connections: Vec<TcpStream>,
    /// How many clients have connected and have not ended their connection.
    clients: usize,
    cuts: u64,
    /// Whether the last that passed was from a client.
    is_asking: bool,
    round_trips: u64,
}

impl Proxy {
    /// Starts a proxy in front of a port of the loopback interface.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub fn start(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::<Shared>::default();
        let of_listener = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if of_listener.is_over.load(Ordering::SeqCst) {
                    return;
                }
                // Whoever cannot reach the server is cut off, as by the server itself.
                if of_listener.weather() != Weather::Down {
                    let _ = of_listener.connect(client, server);
                }
            }
        });
        Ok(Self { port, shared })
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what it does from now on, with connections that are open too.
    pub fn set(&self, weather: Weather) {
        let mut state = self.shared.lock();
        state.weather = weather;
        if weather == Weather::Down {
            state.cut();
        }
        self.shared.changed.notify_all();
    }

    /// Cuts the connections that there are; new ones are served.
    pub fn cut(&self) {
        self.shared.lock().cut();
    }

    /// Waits until every client that has connected has ended its connection, as one does that has noticed that
    /// the server has.
    ///
    /// # Panics
    /// If one does not within a minute.
    pub fn wait_until_left(&self) {
        let state = self.shared.lock();
        let left =
            self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.clients > 0);
        let (state, _) = left.unwrap_or_else(PoisonError::into_inner);
        assert_eq!(state.clients, 0, "a client keeps its connection");
    }

    /// How often clients have spoken after answers: the round trips, where one is made at a time.
    pub fn round_trips(&self) -> u64 {
        self.shared.lock().round_trips
    }

    /// How often it has cut in place of an answer.
    pub fn cuts(&self) -> u64 {
        self.shared.lock().cuts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.set(Weather::Down);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl State {
    fn count(&mut self, is_reply: bool) {
        self.round_trips += u64::from(!is_reply && !self.is_asking);
        self.is_asking = !is_reply;
    }

    fn cut(&mut self) {
        for connection in self.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weather(&self) -> Weather {
        self.lock().weather
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: u16) -> io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let both = [(client.try_clone()?, server.try_clone()?, false)];
        let both = both.into_iter().chain([(server.try_clone()?, client.try_clone()?, true)]);
        let mut state = self.lock();
        if state.weather == Weather::Down {
            // Since it was asked; what was cut then did not include this one.
            return Ok(());
        }
        state.connections.extend([client, server]);
        state.clients += 1;
        for (from, to, is_reply) in both {
            let shared = self.clone();
            thread::spawn(move || {
                if shared.pass(&from, &to, is_reply).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    let _ = to.shutdown(Shutdown::Both);
                }
                if !is_reply {
                    shared.lock().clients -= 1;
                    shared.changed.notify_all();
                }
            });
        }
        Ok(())
    }

    /// Passes on what arrives, and its end. An error if the connection is to be cut.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, is_reply: bool) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = from.read(&mut buffer)?;
            if length == 0 {
                return to.shutdown(Shutdown::Write);
            }
            if !self.lets_pass(is_reply) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.lock().count(is_reply);
            to.write_all(&buffer[..length])?;
        }
    }

    /// Waits as long as the weather says; whether the connection goes on.
    fn lets_pass(&self, is_reply: bool) -> bool {
        let mut state = self.lock();
        loop {
            let holds = match state.weather {
                Weather::Fair => return true,
                Weather::Slow(time) => {
                    drop(state);
                    thread::sleep(time);
                    return true;
                }
                Weather::Down => return false,
                Weather::CutBeforeReply if is_reply => {
                    state.weather = Weather::Fair;
                    state.cuts += 1;
                    state.cut();
                    return false;
                }
                Weather::CutBeforeReply => return true,
                Weather::NoReplies => is_reply,
                Weather::Silent => true,
            };
            if !holds {
                return true;
            }
            // What was held back passes when the weather is better, as after a cable was plugged in again.
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
