//! Polls tasks in one order after the other.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A poll by the explorer.
#[derive(Clone, Copy)]
struct Turn {
    number: u64,
    task: usize,
}

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
    static NOW: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// The number of the task that is being polled, or a number that no task has.
pub(crate) fn running() -> usize {
    NOW.get().map_or(usize::MAX, |turn| turn.task)
}

/// Ready in a later turn than the one in which it was first polled; at once if a runtime polls it.
///
/// Not the runtime's `yield_now`: what is polled twice in one turn, as a call under a timeout is, would be past it.
pub(crate) async fn next_turn() {
    let Some(Turn { number: first, .. }) = NOW.get() else { return };
    poll_fn(|cx| match NOW.get() {
        Some(turn) if turn.number == first => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

/// One order, and how the next one is found.
pub(crate) struct Schedule {
    choices: Vec<Choice>,
    at: usize,
    /// The state of a generator, if the order is drawn and not enumerated.
    random: Option<u64>,
}

#[derive(Clone, Copy)]
struct Choice {
    taken: usize,
    of: usize,
}

impl Schedule {
    fn choose(&mut self, of: usize) -> usize {
        if self.at == self.choices.len() {
            let taken = match &mut self.random {
                None => 0,
                Some(state) => draw(state) as usize % of,
            };
            self.choices.push(Choice { taken, of });
        }
        let choice = self.choices[self.at];
        assert_eq!(choice.of, of, "the same choices must lead to the same state");
        self.at += 1;
        choice.taken
    }

    /// Goes on to the next order: depth first, so that each is taken once.
    fn advance(&mut self) -> bool {
        self.at = 0;
        if self.random.is_some() {
            self.choices.clear();
            return true;
        }
        while let Some(last) = self.choices.last_mut() {
            last.taken += 1;
            if last.taken < last.of {
                return true;
            }
            self.choices.pop();
        }
        false
    }

    /// Polls the tasks to their ends in this order.
    ///
    /// Only who was woken is polled. If nobody was, though somebody has not ended, a wake-up was lost or a
    /// lock was never given back.
    pub(crate) fn run(&mut self, tasks: impl IntoIterator<Item = Task>) {
        let mut tasks: Vec<_> = tasks.into_iter().map(|task| (Some(task), Flag::up())).collect();
        while tasks.iter().any(|(task, _)| task.is_some()) {
            let ready: Vec<_> = (0..tasks.len())
                .filter(|&at| tasks[at].0.is_some() && tasks[at].1.is_up())
                .collect();
            assert!(!ready.is_empty(), "nobody can go on");
            let at = ready[if ready.len() == 1 { 0 } else { self.choose(ready.len()) }];
            let (task, flag) = &mut tasks[at];
            if step(at, task.as_mut().expect("has not ended").as_mut(), flag).is_ready() {
                *task = None;
            }
        }
    }
}

impl Drop for Schedule {
    #[allow(clippy::print_stdout, reason = "a failed test says how it got there")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let taken: Vec<_> = self.choices.iter().map(|choice| choice.taken).collect();
            println!("failed in the order {taken:?}");
        }
    }
}

/// Runs a scenario in every order there is.
///
/// Fewer than `at_least` are a failure: then the steps are not where they should be.
pub(crate) fn every_order(at_least: usize, mut scenario: impl FnMut(&mut Schedule)) {
    let mut schedule = Schedule { choices: Vec::new(), at: 0, random: None };
    for count in 1.. {
        scenario(&mut schedule);
        if !schedule.advance() {
            assert!(count >= at_least, "{count} orders are not all");
            return;
        }
    }
}

/// Runs a scenario in orders that are drawn, the same ones each time.
pub(crate) fn random_orders(orders: usize, mut scenario: impl FnMut(&mut Schedule)) {
    let mut schedule = Schedule { choices: Vec::new(), at: 0, random: Some(1) };
    for _ in 0..orders {
        scenario(&mut schedule);
        schedule.advance();
    }
}

/// Polls one future to its end, alone.
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    let (mut future, flag) = (pin!(future), Flag::up());
    loop {
        assert!(flag.is_up(), "nobody will wake it");
        if let Poll::Ready(done) = step(usize::MAX, future.as_mut(), &flag) {
            return done;
        }
    }
}

/// Polls a future at most `polls` times, then drops it; what it gave, if it came to its end.
pub(crate) fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, flag) = (pin!(future), Flag::up());
    for _ in 0..polls {
        if let Poll::Ready(done) = step(usize::MAX, future.as_mut(), &flag) {
            return Some(done);
        }
    }
    None
}

fn step<T>(
    at: usize,
    future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    flag: &Arc<Flag>,
) -> Poll<T> {
    flag.0.store(false, Ordering::Relaxed);
    LAST.set(LAST.get() + 1);
    NOW.set(Some(Turn { number: LAST.get(), task: at }));
    let polled = future.poll(&mut Context::from_waker(&Waker::from(flag.clone())));
    NOW.set(None);
    polled
}

/// Whether a task was woken since it was polled.
struct Flag(AtomicBool);

impl Flag {
    fn up() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
