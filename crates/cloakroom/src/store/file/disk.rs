//! The system calls of this store, each a step at which tests let it fail, stop or be killed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result, retry_on_intr};

/// No session is larger by far; what is, is not read into memory.
const LARGEST: u64 = 4 << 20;

const PRIVATE_FOLDER: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// What is asked of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    OpenFolder,
    MakeFolder,
    Lock,
    List,
    OpenFile,
    Read,
    Create,
    SetMode,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
    Unlink,
}

/// A fault of a test.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// The step is not done.
    Fail(Errno),
    /// Half of it is written, and then no more.
    Short(Errno),
}

#[cfg(test)]
pub(super) type Hook = dyn Fn(Step) -> Option<Fault> + Send + Sync;

/// Where all system calls pass.
#[derive(Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) hook: std::sync::OnceLock<Box<Hook>>,
}

impl Disk {
    /// Opens a folder, unless there is none.
    pub(super) fn folder(&self, at: impl AsFd, name: &str) -> Result<Option<OwnedFd>> {
        self.before(Step::OpenFolder)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        found(retry_on_intr(|| rustix::fs::openat(&at, name, flags, Mode::empty())))
    }

    /// Makes a folder of ours; whether it was not there before.
    pub(super) fn make_folder(&self, at: impl AsFd, name: &str) -> Result<bool> {
        self.before(Step::MakeFolder)?;
        match rustix::fs::mkdirat(&at, name, PRIVATE_FOLDER) {
            Err(Errno::EXIST) => return Ok(false),
            made => made?,
        }
        // Also where the process masks rights that we need.
        rustix::fs::chmodat(&at, name, PRIVATE_FOLDER, AtFlags::empty())?;
        Ok(true)
    }

    /// Waits for the lock of a folder, which is given up when `folder` is closed, or its process ends.
    pub(super) fn lock(&self, folder: impl AsFd, how: FlockOperation) -> Result<()> {
        self.before(Step::Lock)?;
        retry_on_intr(|| rustix::fs::flock(&folder, how))
    }

    /// The names in a folder that are UTF-8, in any order.
    pub(super) fn names(&self, folder: impl AsFd) -> Result<Vec<String>> {
        self.before(Step::List)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(folder)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// All of a file, unless there is none. What is no ordinary file, or far too large, is empty.
    pub(super) fn read(&self, at: impl AsFd, name: &str) -> Result<Option<Vec<u8>>> {
        self.before(Step::OpenFile)?;
        // Does not wait for the other end of what is a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| rustix::fs::openat(&at, name, flags, Mode::empty()));
        let file = match opened {
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Some(Vec::new())),
            opened => found(opened)?,
        };
        let Some(file) = file else { return Ok(None) };
        self.before(Step::Read)?;
        let stat = rustix::fs::fstat(&file)?;
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || size > LARGEST {
            return Ok(Some(Vec::new()));
        }
        let mut bytes = vec![0; size as usize];
        let mut len = 0;
        while len < bytes.len() {
            match retry_on_intr(|| rustix::io::read(&file, &mut bytes[len..]))? {
                0 => break,
                read => len += read,
            }
        }
        bytes.truncate(len);
        Ok(Some(bytes))
    }

    /// Puts new content under a name, or leaves what is there: the old or the new is read, never a mix.
    ///
    /// The caller has the lock of the folder, so that nobody else uses the name `unfinished`. It is durable after
    /// [`sync_folder`](Self::sync_folder).
    pub(super) fn replace(
        &self,
        at: BorrowedFd<'_>,
        unfinished: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let outcome = self.write_new(at, unfinished, bytes).and_then(|()| {
            self.before(Step::Rename)?;
            retry_on_intr(|| rustix::fs::renameat(at, unfinished, at, name))
        });
        if outcome.is_err() {
            // If this fails too, the next writer or a sweep removes it.
            let _ = self.unlink(at, unfinished);
        }
        outcome
    }

    fn write_new(&self, at: BorrowedFd<'_>, name: &str, bytes: &[u8]) -> Result<()> {
        let mut created = self.create(at, name);
        if matches!(created, Err(Errno::EXIST)) {
            // Of a process that was killed.
            self.unlink(at, name)?;
            created = self.create(at, name);
        }
        let file = created?;
        self.write(&file, bytes)?;
        self.before(Step::SyncFile)?;
        sync(&file)
    }

    /// Makes a file that is not there, its owner's alone.
    pub(super) fn create(&self, at: impl AsFd, name: &str) -> Result<OwnedFd> {
        self.before(Step::Create)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = retry_on_intr(|| rustix::fs::openat(&at, name, flags, PRIVATE_FILE))?;
        self.before(Step::SetMode)?;
        // Also where the process masks rights that we need.
        rustix::fs::fchmod(&file, PRIVATE_FILE)?;
        Ok(file)
    }

    fn write(&self, file: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
        #[cfg(test)]
        if let Some(Fault::Short(error)) = self.fault(Step::Write) {
            let _ = rustix::io::write(file, &bytes[..bytes.len() / 2]);
            return Err(error);
        }
        self.before(Step::Write)?;
        while !bytes.is_empty() {
            match retry_on_intr(|| rustix::io::write(file, bytes))? {
                0 => return Err(Errno::NOSPC),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }

    /// Makes names durable that came into a folder or went from it.
    pub(super) fn sync_folder(&self, folder: impl AsFd) -> Result<()> {
        self.before(Step::SyncFolder)?;
        sync(folder)
    }

    /// Removes a name, and what it is the name of if there is no other; whether it was there.
    pub(super) fn unlink(&self, at: impl AsFd, name: &str) -> Result<bool> {
        self.before(Step::Unlink)?;
        found(rustix::fs::unlinkat(at, name, AtFlags::empty())).map(|there| there.is_some())
    }

    /// Removes a folder, if it is empty.
    pub(super) fn remove_folder(&self, at: impl AsFd, name: &str) -> Result<()> {
        self.before(Step::Unlink)?;
        match rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
            outcome => outcome,
        }
    }

    #[cfg(test)]
    fn before(&self, step: Step) -> Result<()> {
        match self.fault(step) {
            None => Ok(()),
            Some(Fault::Fail(error) | Fault::Short(error)) => Err(error),
        }
    }

    #[cfg(test)]
    fn fault(&self, step: Step) -> Option<Fault> {
        self.hook.get().and_then(|hook| hook(step))
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "tests have hooks in it")]
    fn before(&self, _: Step) -> Result<()> {
        Ok(())
    }
}

/// Nothing is there: no error.
fn found<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Err(Errno::NOENT) => Ok(None),
        outcome => outcome.map(Some),
    }
}

#[cfg(target_vendor = "apple")]
fn sync(file: impl AsFd) -> Result<()> {
    // A plain fsync only reaches the disk's cache there.
    retry_on_intr(|| rustix::fs::fcntl_fullfsync(&file))
}

#[cfg(not(target_vendor = "apple"))]
fn sync(file: impl AsFd) -> Result<()> {
    retry_on_intr(|| rustix::fs::fsync(&file))
}
