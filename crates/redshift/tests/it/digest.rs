//! Passwords that the server keeps as SHA-256: a front before the peer asks for them as Redshift does. Redshift then lets
//! the user in; here PostgreSQL asks again in its own way, which AWS's driver does not speak with it.

use crate::{peer::Peer, reading::open, tls};
use headwater_core::{CheckReport, Cx, ErrorKind, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{env, io, process::Command};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

const SALT: &[u8] = b"salt of eight and more";
const NONCE: &[u8] = &[0, 1, 254, 255];

/// Asks who logs in to `backend`, or to nothing at all, for a proof of this kind. Returns its port.
async fn front(backend: Option<u16>, kind: i32) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, backend, kind));
        }
    });
    port
}

async fn pass(mut client: TcpStream, backend: Option<u16>, kind: i32) -> io::Result<()> {
    let startup = loop {
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        if body != 80_877_103_u32.to_be_bytes() {
            break [length.to_be_bytes().as_slice(), &body].concat();
        }
        client.write_all(b"N").await?;
    };
    let mut request = kind.to_be_bytes().to_vec();
    request.extend(0_i32.to_be_bytes());
    for text in [SALT, NONCE] {
        request.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        request.extend(text);
    }
    send(&mut client, b'R', &request).await?;
    assert_eq!(client.read_u8().await?, b'd');
    client.read_u32().await?;
    let digest = text(&mut client).await?;
    let nonce = text(&mut client).await?;
    let salted = Sha256::digest([b"reader-pw", SALT].concat());
    if digest != Sha256::digest([salted.as_slice(), NONCE, &nonce].concat()).as_slice() {
        let fields = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0";
        return send(&mut client, b'E', fields).await;
    }
    let Some(backend) = backend else {
        send(&mut client, b'R', &[0; 4]).await?;
        send(&mut client, b'Z', b"I").await?;
        client.read_to_end(&mut Vec::new()).await?;
        return Ok(());
    };
    let mut server = TcpStream::connect(("127.0.0.1", backend)).await?;
    server.write_all(&startup).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn send(client: &mut TcpStream, tag: u8, body: &[u8]) -> io::Result<()> {
    client.write_u8(tag).await?;
    client.write_u32(u32::try_from(body.len() + 4).unwrap()).await?;
    client.write_all(body).await
}

async fn text(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut text = vec![0; client.read_u32().await? as usize];
    client.read_exact(&mut text).await?;
    Ok(text)
}

async fn check(peer: &Peer, change: Value, password: &str) -> Result<CheckReport> {
    let credentials = json!({"username": peer.user, "password": password});
    let opened = open(peer.config(change), credentials).unwrap();
    opened.connector.check(&Cx::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_kept_as_sha256_logs_in() {
    let peer = Peer::seeded().await;
    let plain = front(Some(peer.port), 13).await;
    check(&peer, json!({"port": plain}), "reader-pw").await.unwrap();
    let (encrypted, authority) = tls::front(plain, "localhost").await;
    let change = json!({
        "host": "localhost", "port": encrypted, "sslmode": "verify-full", "sslrootcert": authority
    });
    check(&peer, change, "reader-pw").await.unwrap();
    check(&peer, json!({"port": plain, "sslmode": "prefer"}), "reader-pw")
        .await
        .unwrap();

    let error = check(&peer, json!({"port": plain}), "hunter2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error.message().contains("refused the user name or the password"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_an_identity_provider_is_told_what_is_spoken() {
    let peer = Peer::seeded().await;
    let port = front(Some(peer.port), 14).await;
    let error = check(&peer, json!({"port": port}), "reader-pw")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message().contains("only passwords are"), "{error}");
}

/// Proves the front, not the connector: AWS's own driver answers what it asks.
#[tokio::test(flavor = "multi_thread")]
async fn awss_own_driver_logs_in() {
    let python = env::var("HEADWATER_TEST_AWS_PYTHON")
        .expect("HEADWATER_TEST_AWS_PYTHON is not set: run cargo xtask test, which installs AWS's packages");
    let port = front(None, 13).await;
    let script = "import redshift_connector, sys\n\
                  redshift_connector.connect(host='127.0.0.1', port=int(sys.argv[1]), database='dev', user='reader', \
                  password=sys.argv[2], ssl=False).close()\n\
                  print('in')";
    let login = async |password: &str| {
        let mut driver = Command::new(&python);
        driver.args(["-c", script, &port.to_string(), password]);
        let output = tokio::task::spawn_blocking(move || driver.output().unwrap());
        let output = output.await.unwrap();
        let (out, told) = (output.stdout, output.stderr);
        String::from_utf8([out, told].concat()).unwrap()
    };
    let told = login("reader-pw").await;
    assert_eq!(told.trim(), "in");
    let told = login("another").await;
    assert!(told.contains("28P01") && !told.contains("in\n"), "{told}");
}
