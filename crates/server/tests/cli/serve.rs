use crate::headwater;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Starts a server in this folder, with more in its environment, and says where it listens.
fn start(dir: &Path, environment: &[(&str, &str)]) -> (Child, String) {
    let mut server = headwater([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        "sqlite://shop.db",
    ])
    .current_dir(dir)
    .env_remove("MALLOC_ARENA_MAX")
    .env_remove("GLIBC_TUNABLES")
    .envs(environment.iter().copied())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    (server, address.to_owned())
}

/// Ends a server by a signal, and insists that it ended well.
fn terminate(mut server: Child) {
    let sent = Command::new("sh")
        .args(["-c", "kill -TERM $0", &server.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

fn get(address: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_first_start_hands_over_its_key_and_a_signal_ends_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (server, address) = start(dir.path(), &[]);
    let key = fs::read_to_string(dir.path().join("shop.db.admin-key")).unwrap();
    assert!(
        key.starts_with("hw_") && key.ends_with('\n'),
        "{} characters",
        key.len()
    );
    for file in ["shop.db.admin-key", "shop.db.secret-key"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(get(&address, "/catalog/spaces/default/connectors", key.trim()).ends_with("[]"));
    let refused = get(&address, "/catalog/spaces/default/connectors", "hw_other");
    assert!(
        refused.starts_with("HTTP/1.0 401") || refused.starts_with("HTTP/1.1 401"),
        "{refused}"
    );

    terminate(server);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_server_bounds_the_arenas_of_its_memory_unless_somebody_did() {
    let dir = tempfile::tempdir().unwrap();
    let arenas = |environment: &[(&str, &str)]| {
        let (server, _) = start(dir.path(), environment);
        let all = fs::read_to_string(format!("/proc/{}/environ", server.id())).unwrap();
        let name = fs::read_to_string(format!("/proc/{}/comm", server.id())).unwrap();
        assert_eq!(name, "headwater\n");
        terminate(server);
        let set = all
            .split('\0')
            .find_map(|one| one.strip_prefix("MALLOC_ARENA_MAX="));
        set.map(str::to_owned)
    };
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(arenas(&[]), Some((cores / 4).max(2).to_string()));
    assert_eq!(arenas(&[("MALLOC_ARENA_MAX", "7")]).as_deref(), Some("7"));
    assert_eq!(arenas(&[("GLIBC_TUNABLES", "glibc.malloc.arena_max=7")]), None);
    assert_ne!(arenas(&[("GLIBC_TUNABLES", "glibc.malloc.mxfast=64")]), None);
}
