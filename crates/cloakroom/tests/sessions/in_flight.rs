//! What a clone of the handle asks for while a save of the same session is on its way to the store.

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{Result, Session};
use tokio::task::JoinHandle;

use crate::Bed;

/// Begins to save, and returns when the store has been asked and does not answer before the gate is open.
async fn saving(
    bed: &Bed,
    session: &Session,
    operation: Operation,
) -> (Gate, JoinHandle<Result<()>>) {
    let gate = Gate::new();
    bed.store.inject(operation, 1, Fault::Wait(gate.clone()));
    let session = session.clone();
    let save = tokio::spawn(async move { session.save().await });
    gate.reached().await;
    (gate, save)
}

#[tokio::test]
async fn s_050_a_destroy_beside_a_first_save_ends_what_it_makes() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.sign_in("ada").unwrap();
    let (gate, save) = saving(&bed, &session, Operation::Create).await;
    session.destroy().unwrap();
    gate.open();
    save.await.unwrap().unwrap();
    assert_eq!(bed.commit(&session, "").await, "");
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn s_050_a_destroy_beside_a_save_is_followed_by_another_session() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    let (gate, save) = saving(&bed, &session, Operation::Update).await;
    session.destroy().unwrap();
    session.insert("after", &2).unwrap();
    gate.open();
    save.await.unwrap().unwrap();
    session.save().await.unwrap();
    let other = bed.commit(&session, &cookie).await;
    assert!(!bed.is_alive(&cookie).await);
    let found = bed.load(&other).await;
    assert_eq!((found.subject(), found.keys()), (None, vec!["after".to_owned()]));
    assert_eq!(bed.live().await, 1);
}

#[tokio::test]
async fn s_050_a_destroy_beside_a_save_that_is_given_up_takes_its_changes_too() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.sign_in("ada").unwrap();
    let (gate, save) = saving(&bed, &session, Operation::Create).await;
    session.destroy().unwrap();
    save.abort();
    assert!(save.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(bed.commit(&session, "").await, "");
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn another_subject_who_signs_in_beside_a_save_finds_nothing_of_the_first() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.sign_in("ada").unwrap();
    session.insert("of_ada", &1).unwrap();
    let (gate, save) = saving(&bed, &session, Operation::Create).await;
    session.sign_in("bob").unwrap();
    gate.open();
    save.await.unwrap().unwrap();
    let cookie = bed.commit(&session, "").await;
    let found = bed.load(&cookie).await;
    assert_eq!((found.subject().as_deref(), found.len()), (Some("bob"), 0));
}

/// A save that failed is looked for by the next; who destroys the session meanwhile may begin another.
#[tokio::test]
async fn s_050_a_destroy_beside_the_look_for_a_failed_save_is_followed_by_another_session() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::Fail);
    bed.store.inject(Operation::Update, 2, Fault::Fail);
    session.save().await.unwrap_err();
    let (gate, save) = saving(&bed, &session, Operation::Load).await;
    session.destroy().unwrap();
    session.insert("after", &2).unwrap();
    gate.open();
    save.await.unwrap().unwrap();
    let other = bed.commit(&session, &cookie).await;
    assert!(!bed.is_alive(&cookie).await);
    assert_eq!(bed.load(&other).await.keys(), ["after"]);
    assert_eq!(bed.live().await, 1);
}
