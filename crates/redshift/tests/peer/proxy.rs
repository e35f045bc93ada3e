//! Makes PostgreSQL look like Redshift on the wire, and refuse what Redshift refuses.
//!
//! Each statement is judged before it is passed on. One that Redshift would refuse is replaced by one that raises the
//! error, so that the state of protocol and transaction is the server's own.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
};

/// What kind of Redshift it is, what goes wrong, and what was seen.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// Refuses STV, STL and SVL relations, as Serverless and Multi-AZ do.
    pub(crate) refuses_stv: AtomicBool,
    /// Breaks the connection at the next statement that reads columns.
    pub(crate) cut: AtomicBool,
    /// Makes the next statement that reads columns take for ever.
    pub(crate) stall: AtomicBool,
    /// Stands for the database `dev`, of which one server could have but one.
    pub(crate) dev: Mutex<Option<String>>,
    /// Holds the n-th list of relations back, from 1: tells when it came, and goes on when told.
    pub(crate) gate: AtomicUsize,
    pub(crate) reached: Notify,
    pub(crate) open: Notify,
    /// Each statement as it came, and the number of its connection.
    pub(crate) statements: Mutex<Vec<(usize, String)>>,
    /// What a look-up of types would be needed for, or a real server could not take.
    pub(crate) violations: Mutex<Vec<String>>,
}

impl Wire {
    /// Whether this is the list that is held back.
    fn passes_gate(&self) -> bool {
        let count = self.gate.load(Ordering::SeqCst);
        count > 0 && self.gate.fetch_sub(1, Ordering::SeqCst) == 1
    }

    fn violate(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }
}

/// Listens on a new port before a server on the loopback address, and returns the port.
pub(crate) async fn start(backend: u16, wire: Arc<Wire>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((client, _)) = listener.accept().await {
            number += 1;
            tokio::spawn(pass(client, number, backend, wire.clone()));
        }
    });
    port
}

async fn pass(mut client: TcpStream, number: usize, backend: u16, wire: Arc<Wire>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let Some(startup) = startup(&mut client, &wire).await? else {
        return Ok(());
    };
    let mut server = TcpStream::connect(("127.0.0.1", backend)).await?;
    server.set_nodelay(true)?;
    server.write_all(&startup).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (tell, mut told) = mpsc::channel::<()>(1);
    let up = async {
        while let Some((tag, body)) = message(&mut from_client).await? {
            let body = match tag {
                b'Q' => simple(&body, number, &wire),
                b'P' if is_list(&body) && wire.passes_gate() => {
                    wire.reached.notify_one();
                    wire.open.notified().await;
                    body
                }
                _ => body,
            };
            let body = match tag {
                b'P' => match parse(&body, number, &wire) {
                    Some(body) => body,
                    None => {
                        let _cut = tell.send(()).await;
                        break;
                    }
                },
                _ => body,
            };
            to_server.write_all(&frame(tag, &body)).await?;
        }
        io::Result::Ok(())
    };
    let down = async {
        while let Some((tag, body)) = message(&mut from_server).await? {
            let body = match tag {
                b'S' => parameter(&body),
                b'T' => {
                    columns(&body, &wire);
                    body
                }
                _ => body,
            };
            to_client.write_all(&frame(tag, &body)).await?;
        }
        io::Result::Ok(())
    };
    tokio::select! {
        result = up => result,
        result = down => result,
        Some(()) = told.recv() => Ok(()),
    }
}

/// The first message, judged. `None` when the connection was refused or only asked for its end.
async fn startup(client: &mut TcpStream, wire: &Wire) -> io::Result<Option<Vec<u8>>> {
    loop {
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        let code = u32::from_be_bytes(body[..4].try_into().unwrap());
        let whole = [&length.to_be_bytes(), body.as_slice()].concat();
        match code {
            // SSLRequest.
            80_877_103 => client.write_all(b"N").await?,
            196_608 => match parameters(&body[4..], wire) {
                Ok(known) => {
                    let length = u32::try_from(known.len() + 8).unwrap().to_be_bytes();
                    return Ok(Some([length.as_slice(), &body[..4], &known].concat()));
                }
                Err(name) => {
                    wire.violate(format!("startup parameter {name}"));
                    let fields =
                        format!("SFATAL\0C42704\0Munrecognized configuration parameter \"{name}\"\0\0");
                    client.write_all(&frame(b'E', fields.as_bytes())).await?;
                    return Ok(None);
                }
            },
            // A request to cancel goes to the server as it is.
            _ => return Ok(Some(whole)),
        }
    }
}

/// The parameters that PostgreSQL knows, without those that only Redshift does; or the first that neither does.
fn parameters(given: &[u8], wire: &Wire) -> Result<Vec<u8>, String> {
    let shared = ["user", "database", "client_encoding", "application_name"];
    let own = [
        "client_protocol_version",
        "driver_version",
        "os_version",
        "plugin_name",
    ];
    let texts: Vec<&str> = std::str::from_utf8(given).unwrap().split('\0').collect();
    let mut kept = Vec::new();
    for pair in texts.chunks_exact(2).take_while(|pair| !pair[0].is_empty()) {
        if shared.contains(&pair[0]) {
            let dev = wire.dev.lock().unwrap();
            let value = match (pair[0], pair[1], dev.as_deref()) {
                ("database", "dev", Some(name)) => name,
                (_, value, _) => value,
            };
            kept.extend(format!("{}\0{value}\0", pair[0]).into_bytes());
        } else if !own.contains(&pair[0]) {
            return Err(pair[0].to_owned());
        }
    }
    kept.push(0);
    Ok(kept)
}

async fn message(stream: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Option<(u8, Vec<u8>)>> {
    let Ok(tag) = stream.read_u8().await else {
        return Ok(None);
    };
    let length = stream.read_u32().await?;
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await?;
    Ok(Some((tag, body)))
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

/// `server_version` and `client_encoding` as Redshift reports them.
fn parameter(body: &[u8]) -> Vec<u8> {
    let name = body.split(|byte| *byte == 0).next().unwrap();
    let told: &[u8] = match name {
        b"server_version" => b"8.0.2",
        b"client_encoding" => b"UNICODE",
        _ => return body.to_vec(),
    };
    [name, b"\0", told, b"\0"].concat()
}

/// Notes columns of a type that a client would have to look up, or that Redshift sends in a form of its own.
fn columns(body: &[u8], wire: &Wire) {
    let mut rest = &body[2..];
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        let kind = u32::from_be_bytes(rest[end + 7..end + 11].try_into().unwrap());
        // bool, int8, text, varchar.
        if ![16, 20, 25, 1043].contains(&kind) {
            wire.violate(format!("column {name} of type {kind}"));
        }
        rest = &rest[end + 19..];
    }
}

/// A query without values.
fn simple(body: &[u8], number: usize, wire: &Wire) -> Vec<u8> {
    let sql = std::str::from_utf8(&body[..body.len() - 1]).unwrap();
    wire.statements.lock().unwrap().push((number, sql.to_owned()));
    let passed = match judge(sql, wire) {
        Some((code, message)) => refusal(code, &message, 0),
        None => rewrite(sql),
    };
    [passed.as_bytes(), b"\0"].concat()
}

/// A query with values: its name, the text, the number of values and their types. `None` to break the connection.
fn parse(body: &[u8], number: usize, wire: &Wire) -> Option<Vec<u8>> {
    let name_end = body.iter().position(|byte| *byte == 0).unwrap();
    let sql_end = name_end + 1 + body[name_end + 1..].iter().position(|byte| *byte == 0).unwrap();
    let sql = std::str::from_utf8(&body[name_end + 1..sql_end]).unwrap();
    let types = &body[sql_end + 1..];
    wire.statements.lock().unwrap().push((number, sql.to_owned()));
    let count = types[2..].len() / 4;
    for kind in types[2..].chunks(4) {
        if u32::from_be_bytes(kind.try_into().unwrap()) != 25 {
            wire.violate(format!("a value that is no text in {sql}"));
        }
    }
    let reads_columns = sql.contains("pg_attribute a ON a.attrelid = c.oid") && sql.contains("format_type");
    if reads_columns && wire.cut.swap(false, Ordering::SeqCst) {
        return None;
    }
    let passed = if reads_columns && wire.stall.load(Ordering::SeqCst) {
        stalled(count)
    } else {
        match judge(sql, wire) {
            Some((code, message)) => refusal(code, &message, count),
            None => rewrite(sql),
        }
    };
    Some([&body[..=name_end], passed.as_bytes(), b"\0", types].concat())
}

/// Whether it reads a page of relations.
fn is_list(body: &[u8]) -> bool {
    let sql = String::from_utf8_lossy(body);
    sql.contains("c.reldiststyle::bigint") && sql.contains("BETWEEN")
}

fn refusal(code: &str, message: &str, values: usize) -> String {
    let message = message.replace('\'', "''");
    format!(
        "SELECT redshift_catalog.refuse('{code}', '{message}'){}",
        places(values)
    )
}

fn stalled(values: usize) -> String {
    format!("SELECT pg_catalog.pg_sleep(120)::text{}", places(values))
}

fn places(values: usize) -> String {
    (1..=values).map(|place| format!(", ${place}::text")).collect()
}

/// What PostgreSQL has no grammar for, and the catalog that stands in pg_catalog's place.
fn rewrite(sql: &str) -> String {
    sql.replace("current_namespace", "redshift_catalog.current_namespace()")
        .replace(
            "SET search_path TO pg_catalog",
            "SET search_path TO redshift_catalog, pg_catalog",
        )
        // Redshift's default is snapshot isolation, PostgreSQL's is not.
        // https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
        .replace(
            "BEGIN READ ONLY",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )
        .replace("SET query_group TO", "SET redshift.query_group TO")
}

/// What Redshift would refuse, with its SQLSTATE.
pub(crate) fn judge(sql: &str, wire: &Wire) -> Option<(&'static str, String)> {
    let lower = without_comments(sql).to_lowercase();
    let words: Vec<&str> = lower
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .collect();
    // Not in a server that came from PostgreSQL 8.0.2.
    // https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html
    let absent = [
        "pg_enum",
        "pg_range",
        "pg_extension",
        "pg_partitioned_table",
        "typarray",
        "attidentity",
        "attgenerated",
        "relispartition",
        "regclass",
        "unnest",
        "lateral",
        "savepoint",
        "string_agg",
        "array_agg",
        "jsonb",
    ];
    if let Some(word) = words.iter().find(|word| absent.contains(word)) {
        wire.violate(format!("{word} in {sql}"));
        return Some(("42P01", format!("relation \"{word}\" does not exist")));
    }
    if lower.trim_start().starts_with("set ") {
        return setting(&words, sql, wire);
    }
    let group = |word: &&&str| group(word).is_some();
    let mut groups: Vec<&str> = words
        .iter()
        .filter(group)
        .filter_map(|word| self::group(word))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() > 1 {
        wire.violate(format!("{groups:?} in one statement: {sql}"));
        let message = "Specified types or functions (one per INFO message) not supported on Redshift tables.";
        return Some(("0A000", message.to_owned()));
    }
    let is_stv = |word: &&&str| {
        ["stv_", "stl_", "svl_", "svcs_"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    };
    match words.iter().find(is_stv) {
        Some(word) if wire.refuses_stv.load(Ordering::SeqCst) => {
            Some(("42501", format!("permission denied for relation {word}")))
        }
        _ => None,
    }
}

/// The nodes that a relation or function is on. Lists of external tables are joined with neither here.
fn group(word: &str) -> Option<&'static str> {
    let leader = [
        "has_schema_privilege",
        "has_table_privilege",
        "format_type",
        "format_encoding",
    ];
    if word.starts_with("svv_external_") {
        Some("external")
    } else if word.starts_with("pg_") && word != "pg_catalog" || leader.contains(&word) {
        Some("leader")
    } else if ["svv_", "stv_", "stl_", "svl_", "svcs_", "sys_"]
        .iter()
        .any(|prefix| word.starts_with(prefix))
    {
        Some("compute")
    } else {
        None
    }
}

/// https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_ConfigurationRef.html
fn setting(words: &[&str], sql: &str, wire: &Wire) -> Option<(&'static str, String)> {
    let known = ["statement_timeout", "query_group", "search_path"];
    let name = words.get(1).copied().unwrap_or_default();
    if known.contains(&name) {
        return None;
    }
    wire.violate(format!("setting {name}: {sql}"));
    match name {
        "extra_float_digits" => Some((
            "22023",
            "3 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)".to_owned(),
        )),
        _ => Some((
            "42704",
            format!("unrecognized configuration parameter \"{name}\""),
        )),
    }
}

fn without_comments(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}
