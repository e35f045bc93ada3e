use crate::headwater;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

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
    let mut server = headwater([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        "sqlite://shop.db",
    ])
    .current_dir(&dir)
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();

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
    assert!(get(address, "/catalog/spaces/default/connectors", key.trim()).ends_with("[]"));
    let refused = get(address, "/catalog/spaces/default/connectors", "hw_other");
    assert!(
        refused.starts_with("HTTP/1.0 401") || refused.starts_with("HTTP/1.1 401"),
        "{refused}"
    );

    let terminate = Command::new("sh")
        .args(["-c", "kill -TERM $0", &server.id().to_string()])
        .status();
    assert!(terminate.unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
