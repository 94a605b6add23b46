//! What a log, a debugger's print or an error report may show: everything is caught at `TRACE` and searched.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use cloakroom::store::{Lookup, Renewal, Store};
use cloakroom::testkit::{Fault, Operation};
use cloakroom::{
    Clock, IdFormat, PreviousSecret, RecordParts, ServerSideSessionConfig, SessionId,
    SubjectLimitPolicy,
};

use crate::Bed;
use crate::log::Log;

const KEY: &str = "key-canary";
const VALUE: &str = "value-canary";
const SUBJECT: &str = "subject-canary";
const LABEL: &str = "label-canary";

/// The secrets that were in use, to search for.
#[derive(Default)]
struct Secrets {
    ids: Vec<SessionId>,
    hashes: Vec<[u8; 32]>,
}

impl Secrets {
    fn add(&mut self, cookie: &str) {
        let text = cookie.split_once('=').unwrap().1;
        let id = SessionId::parse(text.as_bytes(), 32, IdFormat::Base64Url).unwrap();
        self.hashes.push(*id.secret_hash().as_bytes());
        self.ids.push(id);
    }

    /// Each piece of eight characters of any spelling, and a few bytes as a derived `Debug` prints them.
    fn check(&self, shown: &str) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut spellings = Vec::new();
        let mut lists = Vec::new();
        for id in &self.ids {
            // The first half is the handle, and public; in the cookie's spelling nothing of it is shown either.
            spellings.push(id.expose(IdFormat::Base64Url).to_string());
            spellings.push(id.expose(IdFormat::Hex)[32..].to_owned());
            let secret = id.expose(IdFormat::Hex);
            let bytes: Vec<_> = (16..32)
                .map(|at| u8::from_str_radix(&secret[at * 2..at * 2 + 2], 16).unwrap())
                .collect();
            lists.push(bytes);
        }
        for hash in &self.hashes {
            spellings.push(hex(hash));
            lists.push(hash.to_vec());
        }
        spellings.extend(spellings.clone().iter().map(|text| text.to_uppercase()));
        for spelling in spellings {
            for at in 0..=spelling.len() - 8 {
                let piece = &spelling[at..at + 8];
                assert!(!shown.contains(piece), "{piece} in {shown}");
            }
        }
        for list in lists {
            for piece in list.windows(4) {
                let printed = format!("{piece:?}");
                assert!(!shown.contains(printed.trim_matches(['[', ']'])), "{printed} in {shown}");
            }
        }
        for canary in [KEY, VALUE, SUBJECT, LABEL, "canary"] {
            assert!(!shown.contains(canary), "{canary} in {shown}");
        }
    }
}

fn config() -> ServerSideSessionConfig {
    ServerSideSessionConfig::default()
        .with_renew_on_access(true)
        .with_rotate_every(Duration::from_secs(60))
        .with_rotation_grace(Duration::from_secs(30))
        .with_max_sessions_per_subject(2)
        .with_subject_limit_policy(SubjectLimitPolicy::Refuse)
        .with_max_creations_per_second(3)
}

/// Creates, reads, writes, signs in, rotates, conflicts, is refused, fails, is reused, is revoked and ends; what
/// was shown on the way by `Debug` and by errors.
async fn live_a_life(bed: &Bed, secrets: &mut Secrets) -> String {
    let mut shown = String::new();
    let mut error = |error: cloakroom::Error| {
        write!(shown, "{error} {error:?} ").unwrap();
        let mut cause = error.source();
        while let Some(next) = cause {
            write!(shown, "{next} {next:?} ").unwrap();
            cause = next.source();
        }
    };
    let session = bed.load("").await;
    session.insert(KEY, VALUE).unwrap();
    let anonymous = bed.commit(&session, "").await;
    secrets.add(&anonymous);

    let session = bed.load(&anonymous).await;
    error(session.get::<u64>(KEY).unwrap_err());
    error(session.insert(&format!("{KEY}\n"), VALUE).unwrap_err());
    error(session.insert(&format!("__cloakroom{KEY}"), VALUE).unwrap_err());
    error(session.insert(KEY, &VALUE.repeat(2000)).unwrap_err());
    error(session.insert(KEY, &BTreeMap::from([((1, VALUE), 1)])).unwrap_err());
    error(session.sign_in(&format!("{SUBJECT}\n")).unwrap_err());
    error(session.set_label(LABEL, &LABEL.repeat(100)).unwrap_err());
    session.set_label("device", LABEL).unwrap();
    session.sign_in(SUBJECT).unwrap();
    let first = bed.commit(&session, &anonymous).await;
    secrets.add(&first);

    // A conflict, and a request from before a change of the ID.
    let (slow, fast) = (bed.load(&first).await, bed.load(&first).await);
    fast.insert("other", &1).unwrap();
    bed.commit(&fast, &first).await;
    let second = bed.load(&first).await;
    slow.insert(KEY, VALUE).unwrap();
    bed.commit(&slow, &first).await;
    second.cycle_id().unwrap();
    let cycled = bed.commit(&second, &first).await;
    secrets.add(&cycled);
    let late = bed.load(&first).await.detached();
    late.insert(KEY, VALUE).unwrap();
    error(late.save().await.unwrap_err());

    bed.clock.advance(Duration::from_secs(60));
    let rotated = bed.commit(&bed.load(&cycled).await, &cycled).await;
    secrets.add(&rotated);
    for (operation, cookie) in [(Operation::Load, &rotated), (Operation::Update, &rotated)] {
        bed.store.inject(operation, 1, Fault::Fail);
        bed.store.inject(Operation::Load, 2, Fault::Fail);
        match bed.backend.load_from_connection([cookie.as_bytes()]).await {
            Ok(session) => {
                session.insert(KEY, VALUE).unwrap();
                if let Err(failed) = bed.backend.store_in_message(&session, 200).await.1 {
                    error(failed);
                }
            }
            Err(failed) => error(failed),
        }
    }
    bed.store.set_down(true);
    error(bed.backend.load_from_connection([rotated.as_bytes()]).await.unwrap_err());
    bed.store.set_down(false);

    let other = bed.sign_in(SUBJECT).await;
    secrets.add(&other);
    let refused = bed.load("").await;
    refused.sign_in(SUBJECT).unwrap();
    error(bed.backend.store_in_message(&refused, 200).await.1.unwrap_err());
    for _ in 0..4 {
        let flood = bed.load("").await;
        flood.insert(KEY, VALUE).unwrap();
        if let (_, Err(failed)) = bed.backend.store_in_message(&flood, 200).await {
            error(failed);
        }
    }

    let session = bed.load(&rotated).await;
    let now = bed.clock.now();
    let lookup = bed.store.load(session.handle().unwrap(), None, now).await.unwrap();
    let Lookup::Live(record) = &lookup else { panic!("the session is live") };
    let parts: RecordParts = record.parts();
    let previous: PreviousSecret = parts.previous_secret.unwrap();
    secrets.hashes.push(*previous.secret_hash.as_bytes());
    let renewal = Renewal::new(record.secret_hash(), None);
    let page = bed.backend.sessions().page(None, 10).await.unwrap();
    session.insert(KEY, VALUE).unwrap();
    let (headers, _) = bed.backend.store_in_message(&session, 200).await;
    write!(
        shown,
        "{session:?} {lookup:?} {record:?} {parts:?} {previous:?} {renewal:?} {page:?} {headers:?} {:?} {:?} \
         {:?} {:?} {:?} {:?} {:?}",
        session.data(),
        record.secret_hash(),
        secrets.ids,
        bed.backend,
        bed.store,
        bed.backend.sessions(),
        cloakroom::Key::<String>::new("name"),
    )
    .unwrap();

    bed.clock.advance(Duration::from_secs(31));
    assert_eq!(bed.load(&cycled).await.absence(), Some(cloakroom::Absence::Reused));
    let session = bed.load(&other).await;
    session.sign_out().unwrap();
    bed.store.inject(Operation::Delete, 1, Fault::Fail);
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    write!(shown, "{headers:?} {outcome:?}").unwrap();
    bed.backend.sessions().revoke_all(SUBJECT).await.unwrap();
    bed.backend.sessions().delete_expired().await.unwrap();
    assert!(!bed.is_alive(&other).await);
    shown
}

#[tokio::test]
async fn s_142_nothing_shows_a_secret_or_what_a_session_holds() {
    let (log, _listening) = Log::listen();
    let bed = Bed::with(config());
    let mut secrets = Secrets::default();
    let shown = live_a_life(&bed, &mut secrets).await;
    assert!(log.text().contains("old session secret presented"), "the log is listened to");
    secrets.check(&log.text());
    secrets.check(&shown);
}

/// What a line of the log is matched with is the handle; a cookie in the log would be a login.
#[tokio::test]
async fn s_144_log_lines_are_matched_by_the_handle_alone() {
    let (log, _listening) = Log::listen();
    let bed = Bed::with(config());
    let mut secrets = Secrets::default();
    live_a_life(&bed, &mut secrets).await;
    let handles: Vec<_> = secrets.ids.iter().map(|id| id.handle().to_string()).collect();
    let text = log.text();
    let named: Vec<_> = text.lines().filter(|line| line.contains("handle=")).collect();
    assert!(named.len() >= 2, "a reuse and a failed end: {text}");
    for line in named {
        assert!(handles.iter().any(|handle| line.contains(handle)), "{line}");
    }
    secrets.check(&text);
}

/// Control characters are refused where they come in; marks that only turn the reading direction are text, and
/// are never printed by us.
#[tokio::test]
async fn s_146_hostile_text_is_refused_or_never_printed() {
    let (log, _listening) = Log::listen();
    let bed = Bed::new();
    let session = bed.load("").await;
    for hostile in ["a\r\nb", "\u{1b}[31mred", "a\0b", "\u{85}", "\u{7f}"] {
        for refused in [
            session.sign_in(hostile),
            session.set_label("device", hostile),
            session.set_label(hostile, "device"),
            session.insert(hostile, &1),
        ] {
            let error = refused.unwrap_err();
            assert!(!format!("{error} {error:?}").contains(hostile), "{hostile:?}");
        }
    }
    let turned = "ada\u{202e}gpj.exe\u{2066}";
    session.sign_in(turned).unwrap();
    session.set_label("device", turned).unwrap();
    let cookie = bed.commit(&session, "").await;
    let session = bed.load(&cookie).await;
    let list = bed.backend.sessions().of(turned).await.unwrap();
    assert_eq!(
        list[0].subject.as_deref(),
        Some(turned),
        "kept as it came, for the application to escape"
    );
    bed.backend.sessions().revoke_all(turned).await.unwrap();
    assert!(!bed.is_alive(&cookie).await);
    let shown = format!("{session:?} {list:?} {}", log.text());
    for mark in ['\u{202e}', '\u{2066}', '\u{1b}', '\r', '\0'] {
        assert!(!shown.contains(mark), "{mark:?}");
    }
}
