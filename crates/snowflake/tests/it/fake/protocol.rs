//! The protocol around the rows: logins, sessions, formats, chunks, refusals.

use super::{
    answer::{Answer, answer},
    catalog::Catalog,
};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use flate2::{Compression, write::GzEncoder};
use pkcs8::{Document, spki::SubjectPublicKeyInfoRef};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::{collections::HashMap, io::Write, sync::Arc, time::Duration};
use wiremock::{Request, ResponseTemplate};

pub(crate) const PASSWORD: &str = "hunter2-of-the-reader";
const PUBLIC_KEY: &str = include_str!("../../../src/key/keys/public.pem");
const FINGERPRINT: &str = "SHA256:0sl0bzEASwvLOoI3rdLYUp6FVXjdV1kOj4NH1afh3ng=";
/// The key of encrypted chunks.
pub(crate) const CHUNK_KEY: &str = "the-key-of-the-chunks";
/// Part of each link to a chunk.
pub(crate) const SIGNATURE: &str = "signature-of-the-link";

/// The most rows that SHOW answers with.
pub(crate) const SHOWN: usize = 10_000;

/// How it behaves.
#[derive(Debug)]
pub(crate) struct Knobs {
    /// Whether SELECT is answered in Arrow.
    pub(crate) arrow: bool,
    /// Rows in the answer itself, and in each chunk; all in the answer where `None`.
    pub(crate) chunk: Option<usize>,
    /// Whether rows come in reverse.
    pub(crate) reversed: bool,
    /// What the total says beyond the rows there are.
    pub(crate) total_off_by: i64,
    /// Requests for chunks that are answered with 404.
    pub(crate) chunks_gone: u32,
    /// Whether each chunk has a row less than its link says.
    pub(crate) chunk_short: bool,
    /// Statements about this are answered with "ask again" so many times.
    pub(crate) slow: Option<(&'static str, u32)>,
    /// Statements about this are never answered.
    pub(crate) stalled: Option<&'static str>,
    /// Statements about this are refused with a code.
    pub(crate) refused: Vec<(&'static str, &'static str)>,
    /// Reads of the information schema of more rows are refused.
    pub(crate) most_rows: Option<usize>,
    /// Whether SHOW without LIMIT refuses to answer with more rows than its limit, instead of leaving the rest out.
    pub(crate) show_refuses: bool,
    /// Databases of other accounts that are shared with this one, beside the one that always is.
    pub(crate) shared_databases: usize,
    /// Reads of tables that touch this schema are refused.
    pub(crate) broken_schema: Option<&'static str>,
    /// Requests for rows that a session takes until its token has ended.
    pub(crate) requests_of_a_token: Option<u32>,
    /// Whether an ended session can be prolonged.
    pub(crate) renewable: bool,
    /// What every login is refused with.
    pub(crate) login_refused: Option<&'static str>,
    /// The next requests are answered with these statuses.
    pub(crate) statuses: Vec<u16>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            arrow: false,
            chunk: Some(4),
            reversed: false,
            total_off_by: 0,
            chunks_gone: 0,
            chunk_short: false,
            slow: None,
            stalled: None,
            refused: Vec::new(),
            most_rows: None,
            show_refuses: false,
            shared_databases: 0,
            broken_schema: None,
            requests_of_a_token: None,
            renewable: true,
            login_refused: None,
            statuses: Vec::new(),
        }
    }
}

/// The account, and what happened.
pub(crate) struct State {
    pub(crate) catalog: Catalog,
    pub(crate) knobs: Knobs,
    address: String,
    tokens: HashMap<String, u32>,
    next: u32,
    waiting: HashMap<String, (Value, u32)>,
    chunks: HashMap<String, Vec<u8>>,
    /// Statements, in order.
    pub(crate) statements: Vec<String>,
    /// Ids of statements that were aborted, with their texts.
    pub(crate) aborted: Vec<String>,
    /// Bodies of logins.
    pub(crate) logins: Vec<Value>,
    pub(crate) renewals: u32,
    /// Sessions that were ended.
    pub(crate) closed: u32,
    pub(crate) polls: u32,
}

fn refusal(code: &str) -> Value {
    json!({"success": false, "code": code, "message": format!("refused with {code}"), "data": null})
}

fn ok(data: Value) -> Value {
    json!({"success": true, "code": null, "message": null, "data": data})
}

impl State {
    pub(crate) fn new(catalog: Catalog, address: String) -> Self {
        Self {
            catalog,
            knobs: Knobs::default(),
            address,
            tokens: HashMap::new(),
            next: 0,
            waiting: HashMap::new(),
            chunks: HashMap::new(),
            statements: Vec::new(),
            aborted: Vec::new(),
            logins: Vec::new(),
            renewals: 0,
            closed: 0,
            polls: 0,
        }
    }

    pub(crate) fn respond(&mut self, request: &Request) -> ResponseTemplate {
        if let Some(status) = self.knobs.statuses.pop() {
            return ResponseTemplate::new(status).insert_header("retry-after", "0");
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let path = request.url.path().to_owned();
        let answer = match path.as_str() {
            "/session/v1/login-request" => self.log_in(body),
            "/session/token-request" => self.renew(request),
            "/queries/v1/query-request" => match self.check_token(request) {
                Ok(()) => return self.statement(&body),
                Err(code) => refusal(code),
            },
            "/queries/v1/abort-request" => {
                self.aborted
                    .push(body["sqlText"].as_str().unwrap_or_default().to_owned());
                ok(Value::Null)
            }
            "/session" => {
                self.closed += 1;
                ok(Value::Null)
            }
            path if path.starts_with("/chunks/") => return self.chunk(request),
            path => match self.check_token(request) {
                Ok(()) => self.poll(path),
                Err(code) => refusal(code),
            },
        };
        ResponseTemplate::new(200).set_body_json(answer)
    }

    fn log_in(&mut self, body: Value) -> Value {
        let data = body["data"].clone();
        self.logins.push(data.clone());
        let refused = self.knobs.login_refused.or(match data["AUTHENTICATOR"].as_str() {
            None => (data["PASSWORD"] != PASSWORD).then_some("390100"),
            Some("SNOWFLAKE_JWT") => (!is_signed(&data)).then_some("390144"),
            Some("PROGRAMMATIC_ACCESS_TOKEN") => (data["TOKEN"] != "the-pat-token").then_some("394400"),
            Some("OAUTH") => (data["TOKEN"] != "the-oauth-token").then_some("390303"),
            Some("WORKLOAD_IDENTITY") => {
                (data["TOKEN"] != "the-oidc-token" || data["PROVIDER"] != "OIDC").then_some("390144")
            }
            Some(_) => Some("390199"),
        });
        if let Some(code) = refused {
            return refusal(code);
        }
        let token = self.issue();
        ok(json!({
            "token": token, "masterToken": format!("master-of-{token}"), "sessionId": 1, "serverVersion": "9.31.0",
            "validityInSeconds": 3600, "masterValidityInSeconds": 14400,
            "sessionInfo": {"roleName": "READER", "warehouseName": "WH", "databaseName": null, "schemaName": null},
        }))
    }

    fn issue(&mut self) -> String {
        self.next += 1;
        let token = format!("session-token-{}", self.next);
        let left = self.knobs.requests_of_a_token.unwrap_or(u32::MAX);
        self.tokens.insert(token.clone(), left);
        token
    }

    fn renew(&mut self, request: &Request) -> Value {
        self.renewals += 1;
        let header = request.headers["authorization"].to_str().unwrap().to_owned();
        if !self.knobs.renewable || !header.contains("master-of-session-token") {
            return refusal("390114");
        }
        let token = self.issue();
        ok(json!({
            "sessionToken": token, "masterToken": format!("master-of-{token}"), "sessionId": 1,
            "validityInSecondsST": 3600, "validityInSecondsMT": 14400,
        }))
    }

    fn check_token(&mut self, request: &Request) -> Result<(), &'static str> {
        let header = request
            .headers
            .get("authorization")
            .ok_or("390103")?
            .to_str()
            .unwrap();
        let token = header
            .strip_prefix("Snowflake Token=\"")
            .and_then(|rest| rest.strip_suffix('"'));
        match self.tokens.get_mut(token.ok_or("390103")?) {
            None => Err("390104"),
            Some(0) => Err("390112"),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn statement(&mut self, body: &Value) -> ResponseTemplate {
        let sql = body["sqlText"].as_str().unwrap_or_default().to_owned();
        self.statements.push(sql.clone());
        let bindings = body["bindings"].as_object().cloned().unwrap_or_default();
        let bound: Vec<String> = (1..=bindings.len())
            .map(|number| {
                bindings[&number.to_string()]["value"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let answer = match self.rows(&sql, &bound) {
            Ok(answer) => ok(self.write_down(&sql, answer)),
            Err(code) => refusal(code),
        };
        let response = ResponseTemplate::new(200);
        if self.knobs.stalled.is_some_and(|about| sql.contains(about)) {
            return response.set_body_json(answer).set_delay(Duration::from_secs(120));
        }
        if let Some((about, times)) = self.knobs.slow
            && sql.contains(about)
        {
            self.next += 1;
            let path = format!("/queries/{}/result", self.next);
            self.waiting.insert(path.clone(), (answer, times));
            return response.set_body_json(running(&path, "333333"));
        }
        response.set_body_json(answer)
    }

    fn rows(&self, sql: &str, bound: &[String]) -> Result<Answer, &'static str> {
        if let Some((_, code)) = self.knobs.refused.iter().find(|(about, _)| sql.contains(about)) {
            return Err(code);
        }
        let lists_tables = sql.contains("INFORMATION_SCHEMA.TABLES") && !sql.contains("COUNT(*)");
        let broken = self.knobs.broken_schema;
        if lists_tables && broken.is_some_and(|schema| bound.iter().any(|one| one == schema)) {
            return Err("000603");
        }
        let mut answer = answer(&self.catalog, sql, bound)?;
        let sliced = sql.contains("TABLE_SCHEMA IN") || sql.contains("TABLE_SCHEMA = ?");
        if sliced && self.knobs.most_rows.is_some_and(|most| answer.rows.len() > most) {
            return Err("090030");
        }
        if sql.starts_with("SHOW DATABASES") {
            let shared = answer.rows[1].clone();
            answer.rows.extend(vec![shared; self.knobs.shared_databases]);
        }
        if sql.starts_with("SHOW") && answer.rows.len() > SHOWN {
            if self.knobs.show_refuses && !sql.contains("LIMIT") {
                return Err("090153");
            }
            answer.rows.truncate(SHOWN);
        }
        if self.knobs.reversed {
            answer.rows.reverse();
        }
        Ok(answer)
    }

    /// The answer in the format of the statement, in parts.
    fn write_down(&mut self, sql: &str, answer: Answer) -> Value {
        let arrow = self.knobs.arrow && !sql.starts_with("SHOW");
        let total = answer.rows.len();
        let part = self.knobs.chunk.unwrap_or(total.max(1));
        let mut parts = answer.rows.chunks(part);
        let first = parts.next().unwrap_or_default();
        let mut links = Vec::new();
        for rows in parts {
            self.next += 1;
            let path = format!("/chunks/{}", self.next);
            let kept = &rows[usize::from(self.knobs.chunk_short)..];
            let bytes = match arrow {
                true => to_arrow(&answer.columns, kept),
                false => {
                    let text = serde_json::to_string(kept).unwrap();
                    text.as_bytes()[1..text.len() - 1].to_vec()
                }
            };
            self.chunks.insert(path.clone(), compress(&bytes));
            links.push(json!({
                "url": format!("{}{path}?X-Signature={SIGNATURE}", self.address), "rowCount": rows.len(),
                "uncompressedSize": bytes.len(),
            }));
        }
        let rowtype: Vec<Value> = answer
            .columns
            .iter()
            .map(|(name, kind)| json!({"name": name, "type": kind, "scale": 0, "nullable": true}))
            .collect();
        let mut data = json!({
            "rowtype": rowtype, "total": total as i64 + self.knobs.total_off_by, "returned": total, "queryId": "q",
            "queryResultFormat": if arrow { "arrow" } else { "json" }, "chunks": links,
            "chunkHeaders": {"x-amz-server-side-encryption-customer-key": CHUNK_KEY},
        });
        match arrow {
            true => data["rowsetBase64"] = BASE64_STANDARD.encode(to_arrow(&answer.columns, first)).into(),
            false => data["rowset"] = json!(first),
        }
        data
    }

    fn poll(&mut self, path: &str) -> Value {
        self.polls += 1;
        let Some((answer, left)) = self.waiting.get_mut(path) else {
            return refusal("000709");
        };
        *left -= 1;
        match *left {
            0 => answer.clone(),
            _ => running(path, "333334"),
        }
    }

    fn chunk(&mut self, request: &Request) -> ResponseTemplate {
        let has_key = request.headers.get("x-amz-server-side-encryption-customer-key");
        if has_key.is_none_or(|key| key != CHUNK_KEY)
            || !request.url.query().unwrap_or_default().contains(SIGNATURE)
        {
            return ResponseTemplate::new(403);
        }
        if self.knobs.chunks_gone > 0 {
            self.knobs.chunks_gone -= 1;
            return ResponseTemplate::new(404);
        }
        match self.chunks.get(request.url.path()) {
            Some(bytes) => ResponseTemplate::new(200).set_body_bytes(bytes.clone()),
            None => ResponseTemplate::new(404),
        }
    }
}

fn running(path: &str, code: &str) -> Value {
    json!({"success": true, "code": code, "message": "running", "data": {"queryId": "q", "getResultUrl": path}})
}

fn to_arrow(columns: &[(&'static str, &'static str)], rows: &[Vec<Option<String>>]) -> Vec<u8> {
    let column = |(index, (name, kind)): (usize, &(&'static str, &'static str))| {
        let cells = rows.iter().map(|row| row[index].as_deref());
        let array: ArrayRef = match *kind {
            "fixed" => Arc::new(Int64Array::from_iter(
                cells.map(|cell| cell.map(|text| text.parse().unwrap())),
            )),
            _ => Arc::new(StringArray::from_iter(cells)),
        };
        (*name, array, true)
    };
    let batch = RecordBatch::try_from_iter_with_nullable(columns.iter().enumerate().map(column)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Whether a login's token is signed by the private key that belongs to the user's public key, says who logs in, and
/// has not ended.
fn is_signed(data: &Value) -> bool {
    let token = data["TOKEN"].as_str().unwrap_or_default();
    let Some((signed, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let claims: Value = serde_json::from_slice(&decode(signed.split('.').nth(1).unwrap())).unwrap();
    let subject = "MYORG-ACCT.READER";
    let now = jiff::Timestamp::now().as_second();
    let time = |name: &str| claims[name].as_i64().unwrap();
    let (_, public) = Document::from_pem(PUBLIC_KEY).unwrap();
    let public = SubjectPublicKeyInfoRef::try_from(public.as_bytes()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.subject_public_key.raw_bytes());
    claims["sub"] == subject
        && claims["iss"] == format!("{subject}.{FINGERPRINT}")
        && time("iat") <= now
        && (now..now + 3600).contains(&time("exp"))
        && key.verify(signed.as_bytes(), &decode(signature)).is_ok()
}
