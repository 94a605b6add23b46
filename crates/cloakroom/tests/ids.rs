//! Session IDs as text.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::collections::HashSet;

use cloakroom::{IdFormat, SessionHandle, SessionId};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn parses(text: &[u8]) -> bool {
    SessionId::parse(text, 32, IdFormat::Base64Url).is_some()
}

#[test]
fn s_002_a_million_ids_are_unique_and_use_every_symbol_everywhere() {
    const COUNT: usize = 1_000_000;
    let mut seen = HashSet::with_capacity(COUNT);
    let mut symbols = vec![[0_u32; 256]; 43];
    for _ in 0..COUNT {
        let id = SessionId::generate(32).unwrap();
        let text = id.expose(IdFormat::Base64Url);
        for (counts, &symbol) in symbols.iter_mut().zip(text.as_bytes()) {
            counts[usize::from(symbol)] += 1;
        }
        assert!(seen.insert(id.handle()), "a handle twice");
    }
    // The last symbol holds four bits and two that are zero: sixteen symbols, each as likely.
    let last = symbols.pop().unwrap();
    let ends = last.iter().enumerate().filter(|(_, count)| **count > 0);
    assert!(ends.clone().all(|(symbol, _)| b"AEIMQUYcgkosw048".contains(&(symbol as u8))));
    assert_eq!(ends.count(), 16);
    assert_eq!(symbols.len(), 42);
    for (position, counts) in symbols.iter().enumerate() {
        let expected = COUNT as f64 / 64.0;
        let chi_square: f64 = ALPHABET
            .iter()
            .map(|&symbol| (f64::from(counts[usize::from(symbol)]) - expected).powi(2) / expected)
            .sum();
        // 63 degrees of freedom: beyond 140 lies less than one in a million.
        assert!(chi_square < 140.0, "position {position}: {chi_square}");
    }
}

#[test]
fn s_003_only_the_canonical_text_is_an_id() {
    let text = SessionId::generate(32).unwrap().expose(IdFormat::Base64Url).to_string();
    assert!(parses(text.as_bytes()));
    for variant in [
        String::new(),
        text[..42].to_owned(),
        format!("{text}A"),
        format!("{text}="),
        format!("\"{text}\""),
        format!(" {text}"),
        format!("{text} "),
        format!("{}+", &text[..42]),
        format!("{}/", &text[..42]),
        format!("%41{}", &text[3..]),
        format!("{}\0", &text[..42]),
    ] {
        assert!(!parses(variant.as_bytes()), "{variant:?}");
    }
    // Of the 64 last symbols only the 16 whose two spare bits are zero can end an ID.
    let ends = ALPHABET.iter().filter(|&&end| {
        let mut variant = text.clone().into_bytes();
        variant[42] = end;
        parses(&variant)
    });
    assert_eq!(ends.count(), 16);
    let hex = SessionId::generate(32).unwrap().expose(IdFormat::Hex).to_string();
    assert!(SessionId::parse(hex.as_bytes(), 32, IdFormat::Hex).is_some());
    let upper = hex.to_uppercase();
    assert!(upper == hex || SessionId::parse(upper.as_bytes(), 32, IdFormat::Hex).is_none());
}

#[test]
fn a_handle_is_its_hexadecimal_text_and_nothing_else() {
    let handle = SessionId::generate(32).unwrap().handle();
    assert_eq!(handle.to_string().parse::<SessionHandle>().unwrap(), handle);
    for bad in ["", "00", &handle.to_string().to_uppercase().replace(char::is_numeric, "A"), "zz"] {
        assert!(bad.parse::<SessionHandle>().is_err(), "{bad:?}");
    }
}

/// Wiped when dropped, as far as types can promise it without looking at freed memory.
#[test]
fn s_147_ids_and_their_text_are_wiped_when_dropped() {
    fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    fn text_is_wiped(_: &zeroize::Zeroizing<String>) {}
    let id = SessionId::generate(32).unwrap();
    is_wiped(&id);
    assert!(std::mem::needs_drop::<SessionId>());
    for format in [IdFormat::Base64Url, IdFormat::Hex] {
        let text = id.expose(format);
        text_is_wiped(&text);
        // Room for it from the start: a string that grows leaves a copy behind.
        assert_eq!(text.capacity(), format.text_len(32));
    }
}
