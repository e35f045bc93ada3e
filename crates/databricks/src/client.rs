//! The calls to a workspace: one answer, or a list page by page.

use crate::error::{self, NAME};
use headwater_core::{Cx, Error, ErrorKind, Host, Result};
use headwater_http::{Auth, Client, Reply, Request, Settings, Url};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// Where Unity Catalog's API begins.
const UNITY_CATALOG: [&str; 3] = ["api", "2.1", "unity-catalog"];
/// The largest answer that is held: a chunk of a result, or a page of wide tables.
const LARGEST: usize = 128 << 20;

/// A workspace, as one principal sees it. Clones share connections, tokens and the number of requests at once.
#[derive(Clone)]
pub(crate) struct Workspace {
    http: Client,
    base: Url,
    gate: Arc<Semaphore>,
    sent: Arc<AtomicU64>,
    cx: Cx,
}

/// A kind of object that the API lists.
pub(crate) trait Listed: DeserializeOwned {
    /// The last segment of the list's path.
    const PATH: &'static str;
    /// The key of the list in an answer.
    const KEY: &'static str;
}

/// One object of a page.
#[derive(Debug)]
pub(crate) enum Row<T> {
    /// As it was expected.
    Read(T),
    /// Not understood; what is left is raw.
    Broken(Map<String, Value>),
}

/// A list that is read page by page.
pub(crate) struct Pages<'w, T> {
    workspace: &'w Workspace,
    query: Vec<(&'static str, &'w str)>,
    next: Next,
    seen: HashSet<String>,
    of: std::marker::PhantomData<T>,
}

enum Next {
    First,
    Token(String),
    End,
}

impl Workspace {
    /// # Errors
    /// `ConfigInvalid` when an authority that the host adds is not PEM text.
    pub(crate) fn new(base: Url, auth: Auth, principal: &str, concurrency: u16, host: &Host) -> Result<Self> {
        let mut settings = Settings::new(NAME);
        settings.explain = error::explain;
        settings.max_body = LARGEST;
        let key = format!("databricks:{principal}@{}", base.host_str().unwrap_or_default());
        // The limits are not published. A pause that the workspace asks for holds back all connectors of the principal.
        settings.limiter = Some(host.limiters.get(&key, Duration::ZERO));
        Ok(Self {
            http: Client::new(host, settings)?.with_auth(auth),
            base,
            gate: Arc::new(Semaphore::new(concurrency.into())),
            sent: Arc::default(),
            cx: Cx::default(),
        })
    }

    /// The workspace for one run, with a count of its own. Its requests end when the run is stopped.
    pub(crate) fn during(&self, cx: &Cx) -> Self {
        Self {
            sent: Arc::default(),
            cx: cx.clone(),
            ..self.clone()
        }
    }

    /// The same workspace for what must still be sent after a stop.
    pub(crate) fn past_stop(&self) -> Self {
        Self {
            cx: Cx::default(),
            ..self.clone()
        }
    }

    pub(crate) fn cx(&self) -> &Cx {
        &self.cx
    }

    /// The address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// How many requests were sent, repetitions not counted.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// One object of Unity Catalog.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T> {
        self.read(&[&UNITY_CATALOG, path].concat(), query).await
    }

    /// An answer of any other API of the workspace.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T> {
        let mut request = self.http.get(&self.base, path.iter().copied());
        for (name, value) in query {
            request = request.query(name, value);
        }
        self.send(request).await?.json()
    }

    /// The answer to a POST.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        let request = self.http.post(&self.base, path.iter().copied()).json(body)?;
        self.send(request).await?.json()
    }

    /// A request to another address, which carries its own signature. The workspace's token is not for it.
    pub(crate) async fn fetch(&self, url: Url, headers: &[(String, String)]) -> Result<Reply> {
        let mut request = self.http.request(headwater_http::Method::GET, url).anonymous();
        for (name, value) in headers {
            let name = headwater_http::header::HeaderName::from_bytes(name.as_bytes());
            if let Ok(name) = name {
                request = request.header(name, value);
            }
        }
        self.send(request).await
    }

    /// A list of Unity Catalog.
    pub(crate) fn list<'w, T: Listed>(&'w self, query: &[(&'static str, &'w str)]) -> Pages<'w, T> {
        Pages {
            workspace: self,
            query: query.to_vec(),
            next: Next::First,
            seen: HashSet::new(),
            of: std::marker::PhantomData,
        }
    }

    async fn send(&self, request: Request<'_>) -> Result<Reply> {
        let sent = async {
            let _turn = self.gate.acquire().await;
            self.sent.fetch_add(1, Ordering::Relaxed);
            request.send().await
        };
        self.cx.or_stop(sent).await
    }
}

impl<T: Listed> Pages<'_, T> {
    /// The next page, which may be empty; `None` after the last.
    ///
    /// A page without rows that has a token is not the end, and only an absent token is:
    /// <https://docs.databricks.com/api/workspace/tables/list>.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Row<T>>>> {
        let token = match &self.next {
            Next::End => return Ok(None),
            Next::First => None,
            Next::Token(token) => Some(token.as_str()),
        };
        let mut query = self.query.clone();
        // 0 lets the server choose the length of a page; without it some lists come unpaged, and soon not at all:
        // <https://docs.databricks.com/aws/en/data-governance/unity-catalog/paginate-legacy-list-apis>.
        query.push(("max_results", "0"));
        query.extend(token.map(|token| ("page_token", token)));
        let mut answer: Map<String, Value> = self.workspace.get(&[T::PATH], &query).await?;
        self.next = match answer.remove("next_page_token") {
            Some(Value::String(token)) if !token.is_empty() => self.unseen(token)?,
            Some(Value::Null | Value::String(_)) | None => Next::End,
            Some(_) => return Err(not_a_page()),
        };
        match answer.remove(T::KEY) {
            Some(Value::Array(rows)) => Ok(Some(rows.into_iter().map(row).collect::<Result<_>>()?)),
            Some(Value::Null) | None => Ok(Some(Vec::new())),
            Some(_) => Err(not_a_page()),
        }
    }

    /// All rows, for lists that are short.
    pub(crate) async fn all(mut self) -> Result<Vec<Row<T>>> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }

    fn unseen(&mut self, token: String) -> Result<Next> {
        match self.seen.insert(token.clone()) {
            true => Ok(Next::Token(token)),
            false => Err(endless()),
        }
    }
}

/// A list that leads back to a page that was read already.
pub(crate) fn endless() -> Error {
    let message = format!("{NAME} names a page of a list twice: the list has no end");
    Error::new(ErrorKind::DataInvalid, message)
}

fn row<T: DeserializeOwned>(row: Value) -> Result<Row<T>> {
    match (T::deserialize(&row), row) {
        (Ok(read), _) => Ok(Row::Read(read)),
        (Err(_holds_values), Value::Object(object)) => Ok(Row::Broken(object)),
        (Err(_holds_values), _) => Err(not_a_page()),
    }
}

fn not_a_page() -> Error {
    let message = format!("{NAME} answered with something that is no page of a list");
    Error::new(ErrorKind::DataInvalid, message)
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("host", &self.base.host_str())
            .finish_non_exhaustive()
    }
}
