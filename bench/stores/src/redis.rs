//! What a Redis server is asked for.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use cloakroom_bench_load::{Answer, Order};
use cloakroom_servers::RedisServer;
use comfy_table::Table;

use crate::contenders::Programs;
use crate::table;

/// Commands that clients give the server while something is done; those within scripts are no commands of theirs.
pub(crate) fn commands(server: &RedisServer, work: &mut dyn FnMut()) -> u64 {
    const END: &str = "cloakroom-bench-end";
    let mut monitor = Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "MONITOR"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli is installed with the server");
    let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("OK"));
    work();
    server.cli(&["ECHO", END]).unwrap();
    let shown = lines.take_while(|line| !line.contains(END));
    // `redis-cli` introduces itself, and so may drivers.
    let handshakes = ["\"COMMAND\"", "\"HELLO\"", "\"CLIENT\"", "\"PING\""];
    let of_clients = shown
        .filter(|line| !line.contains(" lua]"))
        .filter(|line| !handshakes.iter().any(|name| line.to_uppercase().contains(name)))
        .count();
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    of_clients as u64
}

/// Many requests at a time on one session.
pub(crate) fn writers(programs: &Programs, server: &RedisServer) -> Table {
    const WRITERS: usize = 50;
    let both = programs.both([&server.url(); 2], false);
    let mut table = table(["", "keys kept", "commands"]);
    for (name, mut subject) in ["ours", "peer"].into_iter().zip(both) {
        let mut keys = 0;
        let commands = commands(server, &mut || {
            let Answer::Keys(kept) = subject.order(&Order::Writers(WRITERS)) else {
                panic!("no keys")
            };
            keys = kept;
        });
        // The keys are counted before and after, by a read each.
        table.add_row([name.to_owned(), keys.to_string(), (commands - 2).to_string()]);
    }
    table
}
