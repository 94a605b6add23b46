//! Who waits for the end of which session, and the connection on which the server tells of ends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Socket};

use super::names::Names;
use crate::id::SessionHandle;
use crate::store::BoxFuture;

/// How long to wait before connecting again: those who wait look for themselves every second.
const PAUSE: Duration = Duration::from_secs(1);

type Messages =
    Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> + Send>;
type Open = dyn Fn() -> BoxFuture<'static, Result<(Client, Messages), Error>> + Send + Sync;

/// Opens a connection of its own, which no pool can give: it is read from all the time.
pub(super) struct Opener(Arc<Open>);

impl Opener {
    pub(super) fn new<T>(config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(move || {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, mut connection) = config.connect(tls).await?;
                let messages: Messages = Box::new(move |context| connection.poll_message(context));
                Ok((client, messages))
            })
        }))
    }
}

/// The channel of a table: its name in few enough bytes, whatever the names of schema and table are.
pub(super) fn channel(names: &Names) -> String {
    let digest = Sha256::digest(names.table());
    digest.iter().take(8).fold("cloakroom_".to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// What is said of a session that has ended. A namespace has no stroke in it.
fn message(namespace: &str, key: SessionHandle) -> String {
    format!("{namespace}/{key}")
}

/// Those who wait, by the message that would tell them. A key is here only while someone waits.
#[derive(Default)]
struct Watchers(Mutex<HashMap<String, Arc<Notify>>>);

impl Watchers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, message: &str) {
        if let Some(notify) = self.all().get(message) {
            notify.notify_waiters();
        }
    }

    /// What happened while nobody listened is not known: all look for themselves.
    fn tell_all(&self) {
        self.all().values().for_each(|notify| notify.notify_waiters());
    }
}

/// A place among those who wait, given up on drop.
struct Place<'a> {
    watchers: &'a Watchers,
    message: String,
    notify: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.watchers.all();
        // One in the map and one here: nobody else waits.
        if Arc::strong_count(&self.notify) == 2 {
            all.remove(&self.message);
        }
    }
}

/// Listens for ends from the first time that someone waits for one, until the store is dropped.
pub(super) struct Watch {
    opener: Opener,
    channel: String,
    watchers: Arc<Watchers>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Watch {
    pub(super) fn new(opener: Opener, names: &Names) -> Self {
        Self {
            opener,
            channel: channel(names),
            watchers: Arc::default(),
            listener: Mutex::new(None),
        }
    }

    pub(super) async fn ended(&self, namespace: &str, key: SessionHandle) {
        let message = message(namespace, key);
        let notify = self.watchers.all().entry(message.clone()).or_default().clone();
        let place = Place { watchers: &self.watchers, message, notify };
        let mut told = pin!(place.notify.notified());
        // From here on an end is noticed, also one before the first poll.
        told.as_mut().enable();
        self.listen();
        told.await;
    }

    /// Starts to listen, unless a task does.
    fn listen(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.as_ref().is_none_or(JoinHandle::is_finished) {
            let (open, watchers) = (self.opener.0.clone(), self.watchers.clone());
            let sql = format!("LISTEN {}", self.channel);
            *listener = Some(tokio::spawn(async move {
                loop {
                    if listen(&*open, &sql, &watchers).await.is_err() {
                        tracing::warn!("the connection that tells of ended sessions was lost");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let listener = self.listener.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = listener.take() {
            listener.abort();
        }
    }
}

/// Passes on what the server tells, until the connection ends.
async fn listen(open: &Open, sql: &str, watchers: &Watchers) -> Result<(), Error> {
    let (client, mut messages) = open().await?;
    let mut asked = pin!(client.batch_execute(sql));
    let mut listening = false;
    poll_fn(|context| {
        loop {
            // The answer to `LISTEN` comes in between the messages.
            if !listening && let Poll::Ready(answer) = asked.as_mut().poll(context) {
                if let Err(error) = answer {
                    return Poll::Ready(Err(error));
                }
                listening = true;
                watchers.tell_all();
            }
            match messages(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => {
                    watchers.tell(told.payload());
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
