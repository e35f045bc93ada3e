//! What processes used: CPU and memory, from Linux' `/proc`.

use crate::Result;
use std::{
    fs,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

/// What one step used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    /// CPU seconds of the client: psql, the scan or the server of the catalog.
    pub(super) client: f64,
    /// CPU seconds of PostgreSQL.
    pub(super) postgres: f64,
    /// Seconds.
    pub(super) wall: f64,
    /// Most memory that the client had resident, in bytes.
    pub(super) peak: u64,
}

impl Used {
    pub(super) fn cpu(self) -> f64 {
        self.client + self.postgres
    }

    /// What one run used, of several that count alike.
    fn mean(all: &[Self]) -> Self {
        let mean = |value: fn(&Self) -> f64| all.iter().map(value).sum::<f64>() / all.len() as f64;
        Self {
            client: mean(|used| used.client),
            postgres: mean(|used| used.postgres),
            wall: mean(|used| used.wall),
            peak: all.iter().map(|used| used.peak).max().unwrap_or_default(),
        }
    }
}

/// The processes of a PostgreSQL server, those that have ended included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Postmaster(pub(super) u32);

impl Postmaster {
    /// CPU seconds so far.
    pub(super) fn cpu(self) -> Result<f64> {
        let own = Times::of(self.0)?;
        let mut ticks = own.own + own.ended_children;
        for entry in fs::read_dir("/proc")?.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // A process may end between the two looks.
            let times = id.and_then(|id: u32| Times::of(id).ok());
            ticks += times
                .filter(|times| times.parent == self.0)
                .map_or(0, |times| times.own);
        }
        Ok(seconds(ticks))
    }
}

/// CPU seconds of a running process so far.
pub(super) fn cpu_of(process: u32) -> Result<f64> {
    Ok(seconds(Times::of(process)?.own))
}

/// The most memory that a running process had resident, in bytes.
pub(super) fn peak_of(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// Runs a command to its end, `times` times over, and tells what one of them used, and what it made PostgreSQL use.
pub(super) fn command(
    postgres: Option<Postmaster>,
    times: u32,
    mut make: impl FnMut() -> Command,
) -> Result<Used> {
    let at_postgres = || postgres.map_or(Ok(0.0), Postmaster::cpu);
    let client = children()?;
    let server = at_postgres()?;
    let began = Instant::now();
    let mut peak = 0;
    for _ in 0..times {
        peak = peak.max(watch(make().spawn()?)?);
    }
    let share = f64::from(times);
    Ok(Used {
        wall: began.elapsed().as_secs_f64() / share,
        client: (children()? - client) / share,
        postgres: (at_postgres()? - server) / share,
        peak,
    })
}

/// Runs each of several commands about `times` times, in up to four turns, and tells what one run of each used. A machine whose
/// speed changes meanwhile changes it for all of them; what is short is run often in each turn, since CPU is counted in ticks.
pub(super) fn in_turn<T: Copy, const N: usize>(
    times: u32,
    of: [T; N],
    make: impl Fn(T) -> Command,
) -> Result<[Used; N]> {
    let turns = times.clamp(1, 4);
    let mut used = [const { Vec::new() }; N];
    for _ in 0..turns {
        for (used, of) in used.iter_mut().zip(of) {
            used.push(command(None, times / turns, || make(of))?);
        }
    }
    Ok(used.map(|all| Used::mean(&all)))
}

/// Waits for the end of a process and tells its peak memory: looked at every two milliseconds.
pub(super) fn watch(mut child: Child) -> Result<u64> {
    let mut peak = 0;
    loop {
        peak = peak.max(peak_of(child.id()).unwrap_or_default());
        match child.try_wait()? {
            None => sleep(Duration::from_millis(2)),
            Some(status) if status.success() => return Ok(peak),
            Some(status) => return Err(format!("a measured command ended with {status}").into()),
        }
    }
}

/// CPU seconds of this process's children that have ended.
pub(super) fn children() -> Result<f64> {
    Ok(seconds(Times::of(std::process::id())?.ended_children))
}

/// Fields of `/proc/PID/stat`, in ticks.
struct Times {
    parent: u32,
    own: u64,
    ended_children: u64,
}

impl Times {
    fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))
            .map_err(|error| format!("cannot read /proc/{process}/stat (this needs Linux): {error}"))?;
        Self::parse(&stat).ok_or_else(|| "/proc/PID/stat has another form than expected".into())
    }

    fn parse(stat: &str) -> Option<Self> {
        // The program's name stands in parentheses and may hold spaces.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: field(4)?.try_into().ok()?,
            own: field(14)? + field(15)?,
            ended_children: field(16)? + field(17)?,
        })
    }
}

/// Ticks are hundredths of a second on all of Linux' common platforms.
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_an_odd_name() {
        let stat = "77 (a ) b) S 42 77 77 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 99";
        let times = Times::parse(stat).unwrap();
        assert_eq!((times.parent, times.own, times.ended_children), (42, 200, 50));
    }

    #[test]
    fn commands_take_turns_and_each_has_its_own_account() {
        let order = std::cell::RefCell::new(String::new());
        let make = |seconds: &str| {
            order.borrow_mut().push_str(seconds);
            let mut sleep = Command::new("sleep");
            sleep.arg(format!("0.0{seconds}"));
            sleep
        };
        let [short, long] = in_turn(8, ["1", "9"], make).unwrap();
        assert_eq!(order.into_inner(), "1199119911991199");
        assert!(short.wall >= 0.01 && long.wall >= 0.09, "{short:?} {long:?}");
    }

    #[test]
    fn a_command_is_charged_for_what_it_burns() {
        let this = Postmaster(std::process::id());
        let burn = || {
            let mut sh = Command::new("sh");
            sh.args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]);
            sh
        };
        let used = command(Some(this), 1, burn).unwrap();
        assert!(used.client > 0.0 && used.client <= used.wall + 0.1, "{used:?}");
        assert!(used.peak > 100_000, "{used:?}");
    }
}
