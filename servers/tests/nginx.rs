//! nginx: its configuration is changed while it serves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use cloakroom_servers::{Nginx, free_port, required};

fn configuration(port: u16, answer: &str) -> String {
    format!(
        "events {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path a; proxy_temp_path b;\n\
         fastcgi_temp_path c; scgi_temp_path d; uwsgi_temp_path e;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 {answer}; }} }}\n}}\n"
    )
}

fn answer(port: u16) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

#[test]
fn a_new_configuration_is_in_force_when_reload_returns_and_a_broken_one_never() {
    let port = free_port().unwrap();
    let nginx = Nginx::start(&[("nginx.conf", &configuration(port, "one"))]);
    let Some(mut nginx) = required("nginx", nginx) else { return };
    assert_eq!(answer(port), "one");
    for name in ["two", "three"] {
        nginx.reload(&[("nginx.conf", &configuration(port, name))]).unwrap();
        assert_eq!(answer(port), name);
    }
    let refused = nginx.reload(&[("nginx.conf", "nonsense;")]).unwrap_err();
    assert!(refused.to_string().contains("nonsense"), "{refused}");
    assert_eq!(answer(port), "three");
    nginx.reload(&[("nginx.conf", &configuration(port, "four"))]).unwrap();
    assert_eq!(answer(port), "four");
    drop(nginx);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "a worker is left");
}
