//! Ports of the loopback interface, for servers that are told theirs.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The first port that is given out: above most of the well-known ones.
const FIRST: u16 = 20_000;

/// What keeps the ports this process has given out from everybody else, and where to look for the next.
static GIVEN: Mutex<Given> = Mutex::new(Given { sockets: Vec::new(), looked_at: 0 });

struct Given {
    sockets: Vec<UdpSocket>,
    looked_at: u16,
}

/// A port of the loopback interface on which nothing listens, given out once in this process, and to no other
/// test program that runs meanwhile.
///
/// The system gives it to no connection either, where it leaves ports between 20 000 and those that it gives
/// (`ip_local_port_range` of Linux): a server can be killed and have it again.
///
/// # Errors
/// If no socket can be bound.
pub fn free_port() -> io::Result<u16> {
    let range = FIRST..first_of_the_system().unwrap_or(FIRST);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    while usize::from(given.looked_at) < range.len() {
        let port = candidate(&range, std::process::id(), given.looked_at);
        given.looked_at += 1;
        if let Some(socket) = take(port) {
            given.sockets.push(socket);
            return Ok(port);
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Takes a port if no server has it, nor another process that gives out ports.
///
/// The servers speak TCP: the UDP socket of the number is free to say, until this process ends, whose it is.
///
/// Whether a server has it is asked by a connection, not by listening for a moment: a process that another thread
/// starts in this moment would hold the listener too, until its program runs.
fn take(port: u16) -> Option<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).err()?;
    (refused.kind() == io::ErrorKind::ConnectionRefused).then_some(socket)
}

/// The nth port that a process looks at. Programs that are started together begin far from each other, so that none
/// gets what has just been another's.
fn candidate(range: &Range<u16>, process: u32, n: u16) -> u16 {
    // Multiples of the golden ratio, of a whole turn, are spread evenly however many there are.
    let turn = u64::from(process.wrapping_mul(0x9e37_79b9));
    let size = u64::from(range.end - range.start);
    let offset = (((turn * size) >> 32) + u64::from(n)) % size;
    range.start + u16::try_from(offset).expect("less than a number of ports")
}

/// The lowest port that the system gives to connections.
fn first_of_the_system() -> Option<u16> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_port_is_given_out_once_and_can_be_listened_on() {
        let ports: Vec<_> = (0..50).map(|_| free_port().unwrap()).collect();
        for &port in &ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            if first_of_the_system().is_some_and(|first| first > FIRST + 1000) {
                assert!(take(port).is_none(), "another process is given {port} as well");
            }
        }
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
    }

    #[test]
    fn a_process_looks_at_every_port_once() {
        for process in [0, 1, 4711, u32::MAX] {
            let range = 20_000..20_100;
            let looked: BTreeSet<_> = (0..100).map(|n| candidate(&range, process, n)).collect();
            assert_eq!(looked, range.collect());
        }
    }

    #[test]
    fn processes_that_are_started_together_begin_far_from_each_other() {
        let start = |process| candidate(&(20_000..32_768), process, 0);
        let starts: BTreeSet<_> = (1000..1030).map(start).collect();
        assert_eq!(starts.len(), 30);
        assert!(starts.iter().zip(starts.iter().skip(1)).all(|(one, next)| next - one > 100));
    }
}
