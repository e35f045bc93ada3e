//! What glibc keeps of the memory that was freed.
//!
//! Each thread that allocates gets an arena, up to eight of them for each core, and an arena keeps what its largest use left
//! behind. A server's syncs take turns on many threads, so over many syncs the arenas come to keep the peak of one several
//! times. glibc reads how many there may be once, when the process starts (`MALLOC_ARENA_MAX`, see mallopt(3)): so the
//! server sets it and begins its process anew.

use std::{
    env, ffi::OsString, num::NonZeroUsize, os::unix::process::CommandExt, process::Command,
    thread::available_parallelism,
};

/// glibc's own variable.
const MOST_ARENAS: &str = "MALLOC_ARENA_MAX";
/// glibc's newer way to say the same, and more.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Says that the process was begun anew. The other two may not arrive: glibc removes them from the environment of programs
/// with capabilities.
const BOUNDED: &str = "HEADWATER_ARENAS_BOUNDED";

/// Begins this process anew with as many arenas as it needs, unless somebody decided on them already. Where that is not
/// possible the program goes on, and needs more memory.
pub(super) fn bound() {
    let Some(arenas) = arenas(|name| env::var_os(name), available_parallelism().ok()) else {
        return;
    };
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut args = env::args_os();
    let mut anew = Command::new(program);
    if let Some(name) = args.next() {
        anew.arg0(name);
    }
    anew.args(args)
        .env(MOST_ARENAS, arenas.to_string())
        .env(BOUNDED, "1");
    let _not_begun = anew.exec();
}

/// How many arenas there shall be, if nobody decided that: two, and on machines of more than eight cores one for four of
/// them.
fn arenas(variable: impl Fn(&str) -> Option<OsString>, cores: Option<NonZeroUsize>) -> Option<usize> {
    let is_set = |name: &str| variable(name).is_some();
    let is_tuned = variable(TUNABLES).is_some_and(|all| all.to_string_lossy().contains("arena_max"));
    let is_decided = is_tuned || is_set(MOST_ARENAS) || is_set(BOUNDED);
    (!is_decided).then(|| cores.map_or(0, |cores| cores.get() / 4).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arenas_are_bounded_once_and_only_where_nobody_decided() {
        let with = |set: &'static str, to: &'static str, cores| {
            let variable = |name: &str| (name == set).then(|| to.into());
            arenas(variable, NonZeroUsize::new(cores))
        };
        for (cores, expected) in [(0, 2), (1, 2), (8, 2), (16, 4), (64, 16)] {
            assert_eq!(with("", "", cores), Some(expected), "{cores}");
        }
        for (decided, to) in [
            (MOST_ARENAS, "0"),
            (TUNABLES, "glibc.malloc.check=1:glibc.malloc.arena_max=9"),
            (BOUNDED, "1"),
        ] {
            assert_eq!(with(decided, to, 8), None, "{decided}");
        }
        assert_eq!(with(TUNABLES, "glibc.malloc.check=1", 8), Some(2));
    }
}
