//! A fake of the AWS endpoints that issue logins: made from the public API models, and read by boto3 (see
//! `iam::the_fake_serves_boto3`). It takes no request whose signature it cannot work out itself.
//! https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

pub(crate) const KEY: &str = "AKIAEXAMPLE";
pub(crate) const SECRET: &str = "hunter2/secret+key";
const ROLE_KEY: &str = "ASIAROLE";
const ROLE_SECRET: &str = "hunter2-of-the-role";
const ROLE_TOKEN: &str = "hunter2-session-token==";
pub(crate) const EXTERNAL_ID: &str = "from-headwater";

/// What it issues, and what it was asked.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) user: String,
    pub(crate) password: String,
    /// Seconds for which a login is good.
    pub(crate) lifetime: i64,
    pub(crate) cluster: &'static str,
    pub(crate) workgroup: &'static str,
    /// Action and the key that signed.
    pub(crate) calls: Mutex<Vec<(String, String)>>,
}

impl Fake {
    pub(crate) fn actions(&self) -> Vec<String> {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .map(|(action, _)| action.clone())
            .collect()
    }
}

/// Listens on a new port.
pub(crate) async fn start(fake: Arc<Fake>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let fake = fake.clone();
            tokio::spawn(async move { serve(stream, &fake).await });
        }
    });
    port
}

#[derive(Debug, Default)]
struct Request {
    method: String,
    target: String,
    /// By lower-case name.
    headers: BTreeMap<String, String>,
    body: String,
}

async fn serve(stream: TcpStream, fake: &Fake) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut request = Request {
            method: words.next().unwrap(),
            target: words.next().unwrap(),
            ..Request::default()
        };
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            request
                .headers
                .insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = request
            .headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        request.body = String::from_utf8(body).unwrap();
        let (status, content_type, body) = answer(&request, fake);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
}

fn answer(request: &Request, fake: &Fake) -> (u16, &'static str, String) {
    let target = request.headers.get("x-amz-target");
    let refuse = |status: u16, code: &str| match target {
        Some(_) => (
            status,
            "application/x-amz-json-1.1",
            json!({"__type": code, "message": "no"}).to_string(),
        ),
        None => (
            status,
            "text/xml",
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"),
        ),
    };
    let Some((key, service)) = signer(request) else {
        return refuse(
            403,
            if target.is_some() {
                "InvalidSignatureException"
            } else {
                "SignatureDoesNotMatch"
            },
        );
    };
    let form: HashMap<String, String> = request.body.split('&').filter_map(pair).collect();
    let form = |name: &str| form.get(name).map_or("", String::as_str);
    let action = match target {
        Some(target) => target.strip_prefix("RedshiftServerless.").unwrap().to_owned(),
        None => form("Action").to_owned(),
    };
    fake.calls.lock().unwrap().push((action.clone(), key));
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(fake.lifetime);
    // AWS escapes what stands in its XML.
    let password = fake.password.replace('&', "&amp;").replace('<', "&lt;");
    let user = &fake.user;
    let login = |action: &str| {
        let body = format!(
            "<{action}Response><{action}Result><DbUser>{user}</DbUser><DbPassword>{password}</DbPassword>\
             <Expiration>{expires:.3}</Expiration></{action}Result></{action}Response>"
        );
        (200, "text/xml", body)
    };
    match (action.as_str(), service.as_str()) {
        ("AssumeRole", "sts") if form("ExternalId") != EXTERNAL_ID => refuse(403, "AccessDenied"),
        ("AssumeRole", "sts") => (
            200,
            "text/xml",
            format!(
                "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{ROLE_KEY}</AccessKeyId>\
                 <SecretAccessKey>{ROLE_SECRET}</SecretAccessKey><SessionToken>{ROLE_TOKEN}</SessionToken>\
                 <Expiration>{expires:.3}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            ),
        ),
        ("GetClusterCredentials" | "GetClusterCredentialsWithIAM", "redshift")
            if form("ClusterIdentifier") != fake.cluster =>
        {
            refuse(404, "ClusterNotFound")
        }
        ("GetClusterCredentials", "redshift") if form("DbUser") != fake.user.replace("IAM:", "") => {
            refuse(403, "AccessDenied")
        }
        ("GetClusterCredentials" | "GetClusterCredentialsWithIAM", "redshift") => login(&action),
        ("GetCredentials", "redshift-serverless") => {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            match body["workgroupName"] == fake.workgroup && body["dbName"].is_string() {
                true => (
                    200,
                    "application/x-amz-json-1.1",
                    json!({"dbUser": user, "dbPassword": fake.password, "expiration": expires.as_second() as f64 + 0.5})
                        .to_string(),
                ),
                false => refuse(400, "ResourceNotFoundException"),
            }
        }
        _ => refuse(400, "InvalidAction"),
    }
}

/// The key that signed, and for which service; `None` where the signature is not what it must be.
fn signer(request: &Request) -> Option<(String, String)> {
    let authorization = request
        .headers
        .get("authorization")?
        .strip_prefix("AWS4-HMAC-SHA256 ")?;
    let parts: HashMap<&str, &str> = authorization
        .split(", ")
        .filter_map(|part| part.split_once('='))
        .collect();
    let scope: Vec<&str> = parts["Credential"].split('/').collect();
    let [key, date, region, service, "aws4_request"] = scope.as_slice() else {
        return None;
    };
    let secret = match *key {
        KEY => SECRET,
        // A temporary key goes with its token.
        ROLE_KEY if request.headers.get("x-amz-security-token")? == ROLE_TOKEN => ROLE_SECRET,
        _ => return None,
    };
    // Whoever takes these out of the signature could send them to another service, or with another token.
    let signed: Vec<&str> = parts["SignedHeaders"].split(';').collect();
    let must = ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
    let unsigned = |name: &&&str| request.headers.contains_key(**name) && !signed.contains(*name);
    if must.iter().find(unsigned).is_some() {
        return None;
    }
    let at = request.headers.get("x-amz-date")?;
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let headers: String = signed
        .iter()
        .map(|name| {
            format!(
                "{name}:{}\n",
                request.headers.get(*name).map_or("", String::as_str)
            )
        })
        .collect();
    let canonical = format!(
        "{}\n{path}\n{query}\n{headers}\n{}\n{}",
        request.method,
        parts["SignedHeaders"],
        hex(&Sha256::digest(&request.body))
    );
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{at}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut chained = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    for part in [*region, *service, "aws4_request"] {
        chained = hmac(&chained, part.as_bytes());
    }
    let expected = hex(&hmac(&chained, text.as_bytes()));
    (at.starts_with(date) && parts["Signature"] == expected)
        .then(|| ((*key).to_owned(), (*service).to_owned()))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    match key.len() > 64 {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let mut bytes = value.replace('+', " ").into_bytes();
    let mut decoded = Vec::new();
    bytes.reverse();
    while let Some(byte) = bytes.pop() {
        match byte {
            b'%' => {
                let digits = [bytes.pop()?, bytes.pop()?];
                decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            other => decoded.push(other),
        }
    }
    Some((name.to_owned(), String::from_utf8(decoded).ok()?))
}
