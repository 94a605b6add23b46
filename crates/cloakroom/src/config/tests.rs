use std::time::Duration;

use proptest::prelude::*;

use super::{
    ConfigError, CookiePrefix, Profile, SameSite, Scope, ServerSideSessionConfig,
    SubjectLimitPolicy,
};
use crate::id::{IdFormat, SessionId};
use crate::record::Limits;

type Config = ServerSideSessionConfig;

const MINUTE: Duration = Duration::from_secs(60);

fn config() -> Config {
    Config::default()
}

/// Checks that a configuration is refused for `field`, and that the error says what to do.
#[track_caller]
fn check_refused(config: &Config, field: &str) -> ConfigError {
    let error = config.check().expect_err("is illegal");
    assert_eq!(error.field(), field, "{error}");
    assert!(!error.fix().is_empty());
    assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
    error
}

/// The `Set-Cookie` line of a configuration for its own `max_age`, with `<id>` for the value.
#[track_caller]
fn line(config: &Config) -> String {
    let checked = config.check().unwrap();
    let id = SessionId::generate(checked.session_id_bytes).unwrap();
    let max_age = (!checked.browser_session).then_some(checked.max_age);
    let text = id.expose(checked.id_format);
    let line = checked.cookie.set(&id, max_age);
    assert!(line.contains(text.as_str()));
    line.replace(text.as_str(), "<id>")
}

#[test]
fn s_025_the_default_cookie() {
    let expected = "__Host-session=<id>; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1209600";
    assert_eq!(line(&config()), expected);
    assert_eq!(
        line(&config().with_browser_session(true)),
        "__Host-session=<id>; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    let checked = config().check().unwrap();
    assert_eq!(checked.id_format.text_len(checked.session_id_bytes), 43);
}

#[test]
fn s_025_the_prefix_is_the_strongest_that_the_attributes_allow() {
    let name = |config: Config| config.check().unwrap().cookie.name().to_owned();
    assert_eq!(name(config()), "__Host-session");
    assert_eq!(name(config().with_path("/app")), "__Secure-session");
    assert_eq!(name(config().with_domain("example.com")), "__Secure-session");
    assert_eq!(name(config().with_secure(false)), "session");
    assert_eq!(name(config().with_prefix(CookiePrefix::None)), "session");
    assert_eq!(name(config().with_prefix(CookiePrefix::Secure)), "__Secure-session");
    assert_eq!(name(config().with_prefix(CookiePrefix::Host).with_key("sid")), "__Host-sid");
}

#[test]
fn the_presets_cookies() {
    let development = Config::development();
    assert_eq!(line(&development), "session=<id>; Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600");
    let litestar = Config::litestar();
    assert_eq!(line(&litestar), "session=<id>; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax");
    assert_eq!(
        line(&litestar.with_domain("example.com").with_secure(true).with_samesite(SameSite::None)),
        "session=<id>; Domain=example.com; HttpOnly; Max-Age=1209600; Path=/; SameSite=none; Secure"
    );
    let checked = Config::litestar().check().unwrap();
    assert_eq!(checked.id_format.text_len(checked.session_id_bytes), 64);
}

#[test]
fn s_026_combinations_that_browsers_refuse_are_errors() {
    let host = || config().with_prefix(CookiePrefix::Host);
    check_refused(&host().with_domain("example.com"), "prefix");
    check_refused(&host().with_path("/app"), "prefix");
    check_refused(&host().with_secure(false), "prefix");
    check_refused(&config().with_prefix(CookiePrefix::Secure).with_secure(false), "prefix");
    check_refused(&config().with_samesite(SameSite::None).with_secure(false), "samesite");
    check_refused(&config().with_partitioned(true).with_secure(false), "partitioned");
    check_refused(&Config::litestar().with_samesite(SameSite::None), "samesite");
    for key in
        ["__Host-session", "__host-session", "__HOST-s", "__Secure-s", "__secure-s", "__Http-s"]
    {
        for prefix in [CookiePrefix::Auto, CookiePrefix::None, CookiePrefix::Host] {
            check_refused(&config().with_key(key).with_prefix(prefix), "key");
        }
    }
    // The order of the calls does not matter, and what is legal passes.
    check_refused(&config().with_domain("example.com").with_prefix(CookiePrefix::Host), "prefix");
    for legal in [
        config().with_httponly(false),
        config().with_samesite(SameSite::None).with_partitioned(true),
        config().with_prefix(CookiePrefix::Secure).with_domain("example.com").with_path("/app"),
        config().with_secure(false).with_samesite(SameSite::Strict),
        config().with_key("__session"),
    ] {
        legal.check().unwrap();
    }
}

#[test]
fn s_027_illegal_characters_are_errors() {
    for bad in [";", ",", "\r", "\n", "\0", "\x7f", " ", "\t", "é", "\u{1f36a}", "; Domain=evil"] {
        check_refused(&config().with_key(format!("a{bad}b")), "key");
        check_refused(&config().with_path(format!("/a{bad}b")), "path");
        check_refused(&config().with_domain(format!("a{bad}b.example")), "domain");
    }
    for bad in ["", "a=b", "\"a\"", "a/b", "a(b)", "a@b", "a[b]", "a\\b"] {
        check_refused(&config().with_key(bad), "key");
    }
    for bad in ["", "app", "*"] {
        check_refused(&config().with_path(bad), "path");
    }
    for bad in ["", ".", "a..b", "..a", "a.", "http://a.example", "a.example:80"] {
        check_refused(&config().with_domain(bad), "domain");
    }
    check_refused(&config().with_key("a".repeat(1025)), "key");
    check_refused(&config().with_path(format!("/{}", "a".repeat(1024))), "path");
    check_refused(&config().with_domain("a".repeat(1025)), "domain");
    for legal in ["session", "my.session-1_x", "!#$%&'*+-.^_`|~", "a"] {
        config().with_key(legal).check().unwrap();
    }
    config().with_domain(".example.com").check().unwrap();
    config().with_path("/a%20b/~c").check().unwrap();
}

proptest! {
    #[test]
    fn s_027_what_passes_the_check_is_one_cookie_with_our_attributes(
        key in ".{0,12}",
        path in "/?.{0,12}",
        domain in proptest::option::of(".{0,12}"),
    ) {
        let config = Config { key, path, domain, ..config() };
        if let Ok(checked) = config.check() {
            let line = checked.cookie.expire();
            let attributes = 5 + usize::from(config.domain().is_some());
            prop_assert_eq!(line.matches(';').count(), attributes);
            prop_assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }
}

#[test]
fn s_028_the_expiring_cookie_of_each_configuration() {
    let expire = |config: Config| config.check().unwrap().cookie.expire();
    assert_eq!(
        expire(config()),
        "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    assert_eq!(
        expire(config().with_domain("example.com").with_path("/app")),
        "__Secure-session=; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    assert_eq!(
        expire(config().with_partitioned(true).with_samesite(SameSite::None)),
        "__Host-session=; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0"
    );
    assert_eq!(expire(Config::litestar()), "session=; HttpOnly; Max-Age=0; Path=/; SameSite=lax");
    // A cookie that ends with the browser is ended all the same.
    assert!(expire(config().with_browser_session(true)).ends_with("; Max-Age=0"));
}

#[test]
fn s_031_the_longest_legal_cookie_fits() {
    let longest = config()
        .with_key("k".repeat(1024))
        .with_prefix(CookiePrefix::Secure)
        .with_path(format!("/{}", "p".repeat(1023)))
        .with_session_id_bytes(64)
        .with_id_format(IdFormat::Hex);
    let checked = longest.check().unwrap();
    assert!(checked.cookie.name().len() + checked.id_format.text_len(64) <= 4096);
    assert!(line(&longest).split("; ").skip(1).all(|attribute| attribute.len() <= 1024 + 5));
}

#[test]
fn s_032_lifetimes_of_nothing_are_errors_and_for_ever_is_none() {
    for short in [Duration::ZERO, Duration::from_millis(999)] {
        check_refused(&config().with_max_age(short), "max_age");
        check_refused(&config().with_absolute_timeout(short), "absolute_timeout");
        check_refused(&config().with_rotate_every(short), "rotate_every");
    }
    check_refused(&config().with_rotation_grace(Duration::ZERO), "rotation_grace");
    check_refused(&config().with_renew_every(Duration::ZERO), "renew_every");
    check_refused(&config().with_operation_timeout(Duration::ZERO), "operation_timeout");
    let renewing = config().with_renew_on_access(true).with_max_age(MINUTE);
    check_refused(&renewing.clone().with_renew_every(MINUTE), "renew_every");
    renewing.with_renew_every(MINUTE / 2).check().unwrap();
    config().set("max_age", "-1").expect_err("is negative");

    let forever = config()
        .with_max_age(Duration::MAX)
        .with_absolute_timeout(Duration::MAX)
        .with_rotate_every(Duration::MAX)
        .with_operation_timeout(Duration::MAX);
    assert!(line(&forever).ends_with("; Max-Age=34560000"));
    assert!(line(&config().with_max_age(Duration::from_millis(1999))).ends_with("; Max-Age=1"));
}

#[test]
fn numbers_out_of_range_are_errors() {
    for bytes in [0, 1, 16, 31, 65, usize::MAX] {
        check_refused(&config().with_session_id_bytes(bytes), "session_id_bytes");
    }
    for (field, ceiling) in
        [("max_bytes", 1 << 20), ("max_keys", 65_535), ("max_key_bytes", 255), ("max_depth", 96)]
    {
        let with = |number: usize| config().set(field, &number.to_string()).unwrap();
        check_refused(&with(0), field);
        check_refused(&with(ceiling + 1), field);
        with(ceiling).check().unwrap();
    }
    check_refused(&config().with_max_sessions_per_subject(0), "max_sessions_per_subject");
    check_refused(&config().with_scopes([]), "scopes");
    check_refused(&config().with_max_creations_per_second(0), "max_creations_per_second");
}

#[test]
fn exclusions_match_whole_paths() {
    let checked = config().with_exclude(["/public/.*", "/a|/b", "/héllo"]).check().unwrap();
    let excludes = |path| checked.excludes(Scope::Http, path);
    assert!(excludes("/public/") && excludes("/public/x") && excludes("/a") && excludes("/b"));
    assert!(excludes("/héllo"));
    for path in ["/public", "/x/public/y", "/a/b", "/ab", "/x/b", "/a\n", "\n/a", ""] {
        assert!(!excludes(path), "{path:?}");
    }
    // Flags inside a pattern do not undo the anchors.
    let checked = config().with_exclude(["(?m)/a"]).check().unwrap();
    assert!(!checked.excludes(Scope::Http, "/secret\n/a"));
    for bad in ["", "(", "a)(b", "*", "[", "/a{2"] {
        check_refused(&config().with_exclude(["/fine", bad]), "exclude");
    }
}

#[test]
fn scopes_left_out_are_excluded() {
    let checked = config().with_scopes([Scope::Http]).check().unwrap();
    assert!(!checked.excludes(Scope::Http, "/"));
    assert!(checked.excludes(Scope::Websocket, "/"));
}

#[test]
fn every_field_is_set_by_its_name() {
    let set = [
        ("session_id_bytes", "48", config().with_session_id_bytes(48)),
        ("id_format", "hex", config().with_id_format(IdFormat::Hex)),
        ("renew_on_access", "true", config().with_renew_on_access(true)),
        ("renew_every", "30", config().with_renew_every(MINUTE / 2)),
        ("key", "sid", config().with_key("sid")),
        ("prefix", "host", config().with_prefix(CookiePrefix::Host)),
        ("max_age", "1h30m", config().with_max_age(MINUTE * 90)),
        ("browser_session", "true", config().with_browser_session(true)),
        ("absolute_timeout", "60", config().with_absolute_timeout(MINUTE)),
        ("rotate_every", "1m", config().with_rotate_every(MINUTE)),
        ("rotation_grace", "60", config().with_rotation_grace(MINUTE)),
        ("scopes", "websocket", config().with_scopes([Scope::Websocket])),
        ("path", "/app", config().with_path("/app")),
        ("domain", "example.com", config().with_domain("example.com")),
        ("secure", "false", config().with_secure(false)),
        ("httponly", "false", config().with_httponly(false)),
        ("samesite", "strict", config().with_samesite(SameSite::Strict)),
        ("samesite", "Strict", config().with_samesite(SameSite::Strict)),
        ("partitioned", "true", config().with_partitioned(true)),
        ("exclude", "/a, /b/.*", config().with_exclude(["/a", "/b/.*"])),
        ("exclude", r#"["/a{1,3}"]"#, config().with_exclude(["/a{1,3}"])),
        ("exclude_opt_key", "skip", config().with_exclude_opt_key("skip")),
        ("store", "other", config().with_store("other")),
        ("max_bytes", "100", config().with_max_bytes(100)),
        ("max_keys", "5", config().with_max_keys(5)),
        ("max_key_bytes", "6", config().with_max_key_bytes(6)),
        ("max_depth", "7", config().with_max_depth(7)),
        ("max_sessions_per_subject", "3", config().with_max_sessions_per_subject(3)),
        (
            "subject_limit_policy",
            "refuse",
            config().with_subject_limit_policy(SubjectLimitPolicy::Refuse),
        ),
        ("max_creations_per_second", "1000", config().with_max_creations_per_second(1000)),
        ("save_on_server_error", "true", config().with_save_on_server_error(true)),
        ("operation_timeout", "500ms", config().with_operation_timeout(MINUTE / 120)),
        ("preset", "litestar", Config::litestar()),
        ("preset", "development", Config::development()),
        ("profile", "high", config().with_profile(Profile::High)),
        // Text that looks like something else is text where text is wanted.
        ("key", "123", config().with_key("123")),
        ("key", "null", config().with_key("null")),
        ("domain", "null", config().with_domain("null")),
        ("store", "\"x\"", config().with_store("\"x\"")),
    ];
    for (name, value, expected) in &set {
        assert_eq!(config().set(name, value).as_ref(), Ok(expected), "{name}={value}");
    }
    for field in super::set::FIELDS {
        let known = set.iter().any(|(name, ..)| *name == field);
        assert!(known || field == "encoding", "{field} has no case above");
    }
    // Every other setting is kept.
    let both = config().set("key", "sid").unwrap().set("secure", "false").unwrap();
    assert_eq!(both, config().with_key("sid").with_secure(false));
    // Nothing at all is "none".
    let limited = config().with_absolute_timeout(MINUTE).with_domain("a.example");
    let unset = limited.set("absolute_timeout", "").unwrap().set("domain", "").unwrap();
    assert_eq!(unset, config());
}

#[test]
fn illegal_settings_are_errors_that_help_and_do_not_repeat_the_value() {
    let error = config().set("max-age", "3").unwrap_err();
    assert!(error.fix().contains("max_age") && error.fix().contains("preset"), "{error}");
    for (name, hint) in [
        ("max_age", "1h30m"),
        ("secure", "`true`"),
        ("session_id_bytes", "whole number"),
        ("samesite", "`strict`"),
        ("prefix", "`host`"),
        ("id_format", "`hex`"),
        ("scopes", "`websocket`"),
        ("subject_limit_policy", "`refuse`"),
        ("encoding", "`json`"),
        ("preset", "litestar"),
        ("profile", "relaxed"),
    ] {
        let error = config().set(name, "hunter2").unwrap_err();
        assert_eq!(error.field(), name);
        assert!(error.fix().contains(hint), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for (name, value) in [
        ("max_age", "1.5"),
        ("max_age", "true"),
        ("secure", "1"),
        ("max_keys", "-1"),
        ("max_age", ""),
    ] {
        config().set(name, value).expect_err(value);
    }
}

#[test]
fn serde_reads_every_kind_of_field_and_refuses_unknown_ones() {
    let read = |json: &str| serde_json::from_str::<Config>(json);
    assert_eq!(read("{}").unwrap(), config());
    let text = r#"{"max_age": "1h30m", "absolute_timeout": 60, "rotate_every": "60",
        "renew_every": null, "scopes": ["http"], "samesite": "None", "exclude": ["/a"]}"#;
    let expected = config()
        .with_max_age(MINUTE * 90)
        .with_absolute_timeout(MINUTE)
        .with_rotate_every(MINUTE)
        .with_scopes([Scope::Http])
        .with_samesite(SameSite::None)
        .with_exclude(["/a"]);
    assert_eq!(read(text).unwrap(), expected);
    for bad in [r#"{"max-age": 3}"#, r#"{"spelling": "Litestar"}"#, r#"{"max_age": -3}"#] {
        read(bad).expect_err(bad);
    }
}

#[test]
fn profiles_are_pairs_of_timeouts() {
    let figures = |profile| {
        let config = config().with_profile(profile);
        config.check().unwrap();
        let absolute = config.absolute_timeout().unwrap();
        (absolute.as_secs() / 60, config.max_age().as_secs() / 60, config.browser_session())
    };
    assert_eq!(figures(Profile::Relaxed), (43_200, 43_200, false));
    assert_eq!(figures(Profile::Standard), (720, 30, false));
    assert_eq!(figures(Profile::High), (720, 15, true));
    assert_eq!(figures(Profile::Critical), (480, 5, true));
    assert!(!line(&config().with_profile(Profile::High)).contains("Max-Age"));
}

#[test]
fn limits_are_set_and_read_together() {
    let mut limits = Limits::default();
    assert_eq!(config().limits(), limits);
    limits.max_depth = 3;
    limits.max_bytes = 99;
    assert_eq!(config().with_limits(limits).limits(), limits);
    assert_eq!(config().with_limits(limits).check().unwrap().limits, limits);
}
