//! A network that takes the command to the server and loses the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom::ErrorKind;
use cloakroom::store::{Created, Ended, MysqlStore, Store, Updated};
use cloakroom_servers::MariaDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::or_skip;
use crate::setup::{NOW, fresh, key, live, record, store};

/// What stands between the store and the server. Once it is told to lose answers it passes commands on, and
/// ends the connection when the server has answered.
struct Network {
    port: u16,
    loses: Arc<AtomicBool>,
}

impl Network {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let loses = Arc::new(AtomicBool::new(false));
        let losing = loses.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(pass(near, far, losing.clone()));
            }
        });
        Self { port, loses }
    }

    fn lose(&self, loses: bool) {
        self.loses.store(loses, Ordering::SeqCst);
    }
}

async fn pass(near: TcpStream, far: TcpStream, loses: Arc<AtomicBool>) {
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_near, &mut to_far).await;
    });
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from_far.read(&mut buffer).await {
        if loses.load(Ordering::SeqCst) || to_near.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// A store behind such a network.
async fn behind() -> Option<(MysqlStore, Network)> {
    store().await?;
    let url = MariaDb::shared()?;
    let (address, database) = url.rsplit_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let network = Network::before(port.parse().unwrap()).await;
    let url = format!("{host}:{}/{database}?namespace={}", network.port, fresh("lost"));
    let store = MysqlStore::from_url(&url).unwrap().with_max_connections(1).build().unwrap();
    Some((store, network))
}

/// Connects, and has each statement prepared, so that it is the answer to a command that is lost.
async fn warm_up(store: &MysqlStore) {
    let made = record(9);
    assert_eq!(store.create(key(9), made.clone(), NOW).await.unwrap(), Created::Created);
    let updated = store.update(key(9), record(9), made.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    assert!(store.delete(key(9), Ended::Destroyed, NOW).await.unwrap());
}

/// S-90: what was done is done once, and is recognised by its revision.
#[tokio::test]
async fn s_090_a_write_whose_reply_was_lost_is_done_once() {
    let (store, network) = or_skip!(behind().await);
    let first = record(1);
    warm_up(&store).await;
    network.lose(true);
    let error = store.create(key(1), first.clone(), NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    network.lose(false);
    assert_eq!(store.create(key(1), first.clone(), NOW).await.unwrap(), Created::Occupied);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), first.to_bytes());

    let second = record(2);
    warm_up(&store).await;
    network.lose(true);
    let error = store.update(key(1), second.clone(), first.revision(), NOW).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    network.lose(false);
    let again = store.update(key(1), second.clone(), first.revision(), NOW).await.unwrap();
    assert_eq!(again, Updated::Conflict);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().revision(), second.revision());

    warm_up(&store).await;
    network.lose(true);
    assert!(store.delete(key(1), Ended::Destroyed, NOW).await.unwrap_err().is_temporary());
    network.lose(false);
    assert!(!store.delete(key(1), Ended::Destroyed, NOW).await.unwrap());
    assert!(live(&store, key(1), NOW).await.is_none());
}
