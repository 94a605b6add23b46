//! Each step towards the disk fails, is cut short, or is the last of a process.

use super::*;

#[tokio::test]
async fn s_093_each_step_fails_and_the_old_or_the_new_is_there() {
    // In memory if there is such a place: a thousand stores would wait for the disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let faults = [Fault::Fail(Errno::NOSPC), Fault::Fail(Errno::IO), Fault::Short(Errno::NOSPC)];
    let mut seen: HashMap<Step, usize> = HashMap::new();
    for change in Change::ALL {
        for (number, fault) in faults.into_iter().enumerate() {
            // Once with every step failing after the first that does, as on a disk that is gone.
            for for_good in [false, true] {
                if for_good && number != 1 {
                    continue;
                }
                for at in 0.. {
                    let path = fresh(&folder, format_args!("{change:?}-{number}-{for_good}-{at}"));
                    let armed = Arc::new(AtomicBool::new(false));
                    let steps = Arc::new(AtomicUsize::new(0));
                    let last = Arc::new(Mutex::new(None));
                    let (on, count, which) = (armed.clone(), steps.clone(), last.clone());
                    let store = open_with(
                        &path,
                        Some(Box::new(move |step| {
                            if !on.load(Ordering::SeqCst) || change.ignores(step) {
                                return None;
                            }
                            let this = count.fetch_add(1, Ordering::SeqCst);
                            if this == at {
                                *which.lock().unwrap() = Some(step);
                            }
                            (this == at || for_good && this > at).then_some(fault)
                        })),
                    );
                    change.prepare(&store).await;
                    armed.store(true, Ordering::SeqCst);
                    let outcome = change.run(&store).await;
                    armed.store(false, Ordering::SeqCst);
                    let step = *last.lock().unwrap();
                    if let Err(error) = &outcome {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                        assert!(!format!("{error:?}").contains("sessions/"), "no path");
                    }
                    let context = format!("{fault:?} at step {at}, {step:?}, {for_good}");
                    change.check(&path, outcome.is_ok(), &context).await;
                    let Some(step) = step else { break };
                    *seen.entry(step).or_default() += 1;
                }
            }
        }
    }
    for step in [
        Step::OpenFolder,
        Step::MakeFolder,
        Step::Lock,
        Step::List,
        Step::OpenFile,
        Step::Read,
        Step::Create,
        Step::SetMode,
        Step::Write,
        Step::SyncFile,
        Step::Rename,
        Step::SyncFolder,
        Step::Unlink,
    ] {
        assert!(seen.contains_key(&step), "{step:?} was never reached");
    }
}

const CHILD: &str = "CLOAKROOM_TEST_FILE_KILLED";

/// A process that stands still at a step, to be killed there; nothing where this is an ordinary test.
#[tokio::test]
async fn killed() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let [change, at, path] = task.splitn(3, ':').collect::<Vec<_>>()[..] else { panic!("{task}") };
    let change = Change::ALL[change.parse::<usize>().unwrap()];
    let at: usize = at.parse().unwrap();
    let (steps, armed) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let on = armed.clone();
    let hook = move |step| {
        if on.load(Ordering::SeqCst)
            && !change.ignores(step)
            && steps.fetch_add(1, Ordering::SeqCst) == at
        {
            writeln!(std::io::stdout(), "\nreached").unwrap();
            loop {
                std::thread::park();
            }
        }
        None
    };
    let store = open_with(Path::new(path), Some(Box::new(hook)));
    change.prepare(&store).await;
    armed.store(true, Ordering::SeqCst);
    change.run(&store).await.unwrap();
    writeln!(std::io::stdout(), "\nacknowledged").unwrap();
}

#[tokio::test]
async fn s_093_killed_at_each_step_the_old_or_the_new_is_there() {
    let folder = tempfile::tempdir().unwrap();
    for (number, change) in Change::ALL.into_iter().enumerate() {
        for at in 0.. {
            let path = fresh(&folder, format_args!("{number}-{at}"));
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["store::file::tests::steps::killed", "--exact", "--nocapture"])
                .env(CHILD, format!("{number}:{at}:{}", path.display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines =
                BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let said =
                lines.find(|line| ["reached", "acknowledged"].contains(&line.as_str())).unwrap();
            // SIGKILL: nothing is cleaned up.
            child.kill().unwrap();
            child.wait().unwrap();
            let acknowledged = said == "acknowledged";
            change.check(&path, acknowledged, &format!("killed at step {at}")).await;
            if acknowledged {
                break;
            }
        }
    }
}

#[tokio::test]
async fn s_093_files_and_folders_are_synced_before_a_change_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    for change in Change::ALL {
        let path = fresh(&folder, format_args!("{change:?}"));
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let store = open_with(
            &path,
            Some(Box::new(move |step| {
                log.lock().unwrap().push(step);
                None
            })),
        );
        change.prepare(&store).await;
        steps.lock().unwrap().clear();
        change.run(&store).await.unwrap();
        let steps = steps.lock().unwrap();
        if change == Change::Sweep {
            continue;
        }
        let renamed = steps.iter().position(|&step| step == Step::Rename).unwrap();
        assert_eq!(steps[renamed - 1], Step::SyncFile, "{change:?}");
        assert_eq!(steps[renamed + 1], Step::SyncFolder, "{change:?}");
        assert_eq!(steps.iter().filter(|&&step| step == Step::Rename).count(), 1);
    }
}

/// A list takes what has ended out of the index, by which whoever repeats the end finds it.
#[tokio::test]
async fn s_093_an_end_that_the_disk_did_not_confirm_is_confirmed_before_a_list_forgets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, synced) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_broken, count) = (broken.clone(), synced.clone());
    let hook = move |step| {
        if step != Step::SyncFolder {
            return None;
        }
        count.fetch_add(1, Ordering::SeqCst);
        is_broken.load(Ordering::SeqCst).then_some(Fault::Fail(Errno::IO))
    };
    let store = open_with(&fresh(&folder, "a"), Some(Box::new(hook)));
    Change::Delete.prepare(&store).await;
    broken.store(true, Ordering::SeqCst);
    Change::Delete.run(&store).await.unwrap_err();
    for _ in 0..2 {
        let error = store.by_subject("ada", NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    broken.store(false, Ordering::SeqCst);
    let before = synced.load(Ordering::SeqCst);
    assert!(store.by_subject("ada", NOW).await.unwrap().is_empty());
    assert!(synced.load(Ordering::SeqCst) > before);
}
