//! A session's data as one value.

use std::cell::RefCell;

use cloakroom::{ErrorKind, Session};
use serde::{Deserialize, Deserializer};

use crate::Bed;

#[derive(Debug, PartialEq, Deserialize)]
struct Shopper {
    n: u32,
    name: Option<String>,
    #[serde(default)]
    cart: Vec<u32>,
}

#[tokio::test]
async fn a_session_decodes_to_what_this_request_made_of_it() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    let shopper = |n, name: Option<&str>, cart: &[u32]| Shopper {
        n,
        name: name.map(str::to_owned),
        cart: cart.to_owned(),
    };
    assert_eq!(session.decode::<Shopper>().unwrap(), shopper(0, None, &[]));
    session.insert("name", "Ada").unwrap();
    session.update("cart", |cart: &mut Vec<u32>| cart.push(7)).unwrap();
    session.insert("unknown", &[[1]]).unwrap();
    assert_eq!(session.decode::<Shopper>().unwrap(), shopper(0, Some("Ada"), &[7]));
    session.save().await.unwrap();
    assert_eq!(session.decode::<Shopper>().unwrap(), shopper(0, Some("Ada"), &[7]));
    session.remove("name").unwrap();
    assert_eq!(session.decode::<Shopper>().unwrap(), shopper(0, None, &[7]));
    let keys: Vec<_> = session.data().iter().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(keys, ["cart", "n", "unknown"]);
    session.clear().unwrap();
    assert_eq!(session.decode::<Shopper>().unwrap_err().kind(), ErrorKind::Type);
    assert!(session.data().is_empty());
}

/// A type may do what it likes while it is decoded.
#[tokio::test]
async fn no_lock_is_held_while_a_type_decodes_itself() {
    thread_local!(static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) });
    struct Nosy(usize);
    impl<'de> Deserialize<'de> for Nosy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            serde::de::IgnoredAny::deserialize(deserializer)?;
            let len = SESSION.with_borrow(|session| session.as_ref().map(Session::len));
            Ok(Self(len.unwrap()))
        }
    }
    let bed = Bed::new();
    let session = bed.load(&bed.create().await).await;
    SESSION.set(Some(session.clone()));
    assert_eq!(session.decode::<Nosy>().unwrap().0, 1);
}
