use std::time::Duration;

use proptest::prelude::*;

use crate::cookie::{Attributes, CookieSpec, Spelling};
use crate::id::{IdFormat, MAX_ID_BYTES, SessionId};

fn attributes() -> Attributes<'static> {
    Attributes {
        name: "__Host-session".to_owned(),
        path: "/",
        domain: None,
        secure: true,
        http_only: true,
        same_site: "Lax",
        partitioned: false,
        format: IdFormat::Base64Url,
        spelling: Spelling::Own,
    }
}

#[test]
fn s_028_the_expiring_cookie_repeats_every_attribute() {
    let expire = |attributes| CookieSpec::new(&attributes).expire();
    assert_eq!(
        expire(attributes()),
        "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    let everything = Attributes {
        name: "__Secure-sid".to_owned(),
        path: "/app",
        domain: Some("example.com"),
        same_site: "None",
        partitioned: true,
        ..attributes()
    };
    assert_eq!(
        expire(everything.clone()),
        "__Secure-sid=; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=None; \
         Partitioned; Max-Age=0"
    );
    // Nothing but the value and the lifetime differs from the cookie it ends.
    let spec = CookieSpec::new(&everything);
    let id = SessionId::generate(32).unwrap();
    let set = spec.set(&id, Some(Duration::from_secs(60)));
    let text = id.expose(IdFormat::Base64Url);
    assert_eq!(set.replace(text.as_str(), "").replace("Max-Age=60", "Max-Age=0"), spec.expire());
}

#[test]
fn the_litestar_spelling_is_its_own() {
    let id = SessionId::generate(32).unwrap();
    let hex = id.expose(IdFormat::Hex).to_string();
    let plain = Attributes {
        name: "session".to_owned(),
        secure: false,
        format: IdFormat::Hex,
        spelling: Spelling::Litestar,
        ..attributes()
    };
    let age = Some(Duration::from_secs(1_209_600));
    assert_eq!(
        CookieSpec::new(&plain).set(&id, age),
        format!("session={hex}; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax")
    );
    let full = Attributes { domain: Some("example.com"), secure: true, ..plain };
    assert_eq!(
        CookieSpec::new(&full).set(&id, age),
        format!(
            "session={hex}; Domain=example.com; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax; \
             Secure"
        )
    );
}

#[test]
fn a_line_is_allocated_once_and_no_longer_than_it_is() {
    for spelling in [Spelling::Own, Spelling::Litestar] {
        let spec = CookieSpec::new(&Attributes { format: IdFormat::Hex, spelling, ..attributes() });
        let longest = spec.set(&SessionId::generate(MAX_ID_BYTES).unwrap(), Some(Duration::MAX));
        assert_eq!(longest.len(), longest.capacity());
        let shortest = spec.expire();
        assert_eq!(shortest.len(), shortest.capacity());
    }
}

proptest! {
    #[test]
    fn s_032_max_age_is_whole_seconds_up_to_400_days(seconds: u64, nanos in 0..1_000_000_000_u32) {
        let line = CookieSpec::new(&attributes())
            .set(&SessionId::generate(32).unwrap(), Some(Duration::new(seconds, nanos)));
        let (_, age) = line.rsplit_once("; Max-Age=").unwrap();
        prop_assert_eq!(age.parse::<u64>().unwrap(), seconds.min(34_560_000));
    }
}

#[test]
fn s_032_the_extremes_of_max_age() {
    let id = SessionId::generate(32).unwrap();
    let age = |age| {
        let line = CookieSpec::new(&attributes()).set(&id, age);
        line.rsplit_once("Max-Age=").map(|(_, age)| age.to_owned())
    };
    assert_eq!(age(None), None);
    assert_eq!(age(Some(Duration::ZERO)).as_deref(), Some("0"));
    assert_eq!(age(Some(Duration::from_millis(999))).as_deref(), Some("0"));
    assert_eq!(age(Some(Duration::from_millis(1999))).as_deref(), Some("1"));
    assert_eq!(age(Some(Duration::from_secs(34_560_001))).as_deref(), Some("34560000"));
    assert_eq!(age(Some(Duration::MAX)).as_deref(), Some("34560000"));
}
