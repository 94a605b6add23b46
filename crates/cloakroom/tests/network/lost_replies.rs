//! A network that takes the command to the server and loses the answer.

use cloakroom::ErrorKind;
use cloakroom::store::{Created, Ended, Store, Updated};
use cloakroom_servers::{Proxy, Weather};

use crate::records::{NOW, key, live, record};
use crate::setup::{store, through};
use crate::{Networked, Server, or_skip};

/// A store with one connection behind such a network.
async fn behind() -> Option<(Networked, Proxy)> {
    store().await?;
    let (address, database) = Server::shared()?.rsplit_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let network = Proxy::start(port.parse().unwrap()).unwrap();
    let store = through(&format!("{host}:{}/{database}", network.port()));
    Some((store, network))
}

/// Connects, and has each statement prepared, so that it is the answer to a command that is lost.
async fn warm_up(store: &Networked) {
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
    network.set(Weather::CutBeforeReply);
    let error = store.create(key(1), first.clone(), NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(store.create(key(1), first.clone(), NOW).await.unwrap(), Created::Occupied);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), first.to_bytes());

    let second = record(2);
    warm_up(&store).await;
    network.set(Weather::CutBeforeReply);
    let error = store.update(key(1), second.clone(), first.revision(), NOW).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    let again = store.update(key(1), second.clone(), first.revision(), NOW).await.unwrap();
    assert_eq!(again, Updated::Conflict);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().revision(), second.revision());

    warm_up(&store).await;
    network.set(Weather::CutBeforeReply);
    assert!(store.delete(key(1), Ended::Destroyed, NOW).await.unwrap_err().is_temporary());
    assert!(!store.delete(key(1), Ended::Destroyed, NOW).await.unwrap());
    assert!(live(&store, key(1), NOW).await.is_none());
}
