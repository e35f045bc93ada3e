//! Who may call what: every route of the API's own document, by every kind of caller.

use crate::test_app::{Client, Reply, TestApp};
use headwater_testkit::ToySource;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ID: &str = "019a0000-0000-7000-8000-000000000000";

/// What each route asks for. A route that is not here fails the test.
const RULES: &[(&str, &str)] = &[
    ("GET /health", ""),
    ("GET /ready", ""),
    ("GET /metrics", ""),
    ("GET /openapi.json", ""),
    ("GET /docs", ""),
    ("GET /catalog/connector-types", "key"),
    ("GET /catalog/api-keys", "instance"),
    ("POST /catalog/api-keys", "instance"),
    ("DELETE /catalog/api-keys/{key_id}", "instance"),
    ("GET /catalog/spaces", "key"),
    ("POST /catalog/spaces", "instance"),
    ("GET /catalog/spaces/{slug}", "viewer"),
    ("DELETE /catalog/spaces/{slug}", "instance"),
    ("GET /catalog/spaces/{slug}/api-keys", "admin"),
    ("POST /catalog/spaces/{slug}/api-keys", "admin"),
    ("DELETE /catalog/spaces/{slug}/api-keys/{key_id}", "admin"),
    ("GET /catalog/spaces/{slug}/audit", "admin"),
    ("GET /catalog/spaces/{slug}/connectors", "viewer"),
    ("POST /catalog/spaces/{slug}/connectors", "admin"),
    ("GET /catalog/spaces/{slug}/connectors/{id}", "viewer"),
    ("PATCH /catalog/spaces/{slug}/connectors/{id}", "admin"),
    ("DELETE /catalog/spaces/{slug}/connectors/{id}", "admin"),
    ("POST /catalog/spaces/{slug}/connectors/{id}/test", "admin"),
    (
        "POST /catalog/spaces/{slug}/connectors/{id}/dbt-manifest",
        "editor",
    ),
    ("POST /catalog/spaces/{slug}/connectors/{id}/sync", "editor"),
    ("GET /catalog/spaces/{slug}/sync-history", "viewer"),
    ("GET /catalog/spaces/{slug}/sync-jobs/{job_id}", "viewer"),
    ("POST /catalog/spaces/{slug}/sync-jobs/{job_id}/cancel", "editor"),
    ("POST /catalog/spaces/{slug}/sync-jobs/{job_id}/removals", "admin"),
    ("GET /catalog/spaces/{slug}/products", "viewer"),
    ("GET /catalog/spaces/{slug}/products/{id}", "viewer"),
    ("PATCH /catalog/spaces/{slug}/products/{id}", "editor"),
    (
        "GET /catalog/spaces/{slug}/products/{id}/schema-changes",
        "viewer",
    ),
    ("GET /catalog/spaces/{slug}/products/{id}/lineage", "viewer"),
];

const RANKS: [&str; 3] = ["viewer", "editor", "admin"];

#[derive(Debug, PartialEq)]
enum Verdict {
    Through,
    NoKey,
    Forbidden,
    NoSuchSpace,
}

impl Verdict {
    fn of(reply: &Reply) -> Self {
        match (reply.status, reply.json()["detail"].as_str()) {
            (401, _) => Self::NoKey,
            (403, _) => Self::Forbidden,
            (404, Some("space not found")) => Self::NoSuchSpace,
            _ => Self::Through,
        }
    }

    fn expected(needs: &str, in_space: bool, caller: &str) -> Self {
        let rank = |name| RANKS.iter().position(|rank| *rank == name);
        match (needs, caller) {
            ("", _) => Self::Through,
            (_, "nobody" | "revoked" | "unknown") => Self::NoKey,
            ("key", _) | (_, "instance") => Self::Through,
            (_, "foreign") if in_space => Self::NoSuchSpace,
            ("instance", _) => Self::Forbidden,
            (role, own) if rank(own) >= rank(role) => Self::Through,
            _ => Self::Forbidden,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_by_every_caller() {
    let app = TestApp::start().await;
    // So that the space cannot be deleted on the way.
    app.create_toy(&ToySource::new()).await;
    let callers = callers(&app).await;
    let routes = routes(&app).await;
    let known: BTreeMap<&str, &str> = RULES.iter().copied().collect();
    assert_eq!(
        known.keys().copied().collect::<Vec<_>>(),
        routes.keys().collect::<Vec<_>>()
    );
    for (route, described) in &routes {
        let needs = known[route.as_str()];
        assert_eq!(described.as_deref().unwrap_or(""), needs, "{route}");
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{slug}", "default");
        let path = ["{id}", "{job_id}", "{key_id}"]
            .iter()
            .fold(path, |path, id| path.replace(id, ID));
        for (caller, client) in &callers {
            let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
            let request = match method {
                "POST" | "PATCH" => request.json(&json!({})),
                _ => request,
            };
            let reply = Reply::of(request).await;
            let expected = Verdict::expected(needs, path.contains("/default"), caller);
            assert_eq!(
                Verdict::of(&reply),
                expected,
                "{caller} on {route}: {}",
                reply.text
            );
            match expected {
                Verdict::NoKey => {
                    assert_eq!(reply.header("www-authenticate"), "Bearer");
                    reply.problem(401, "unauthorized");
                }
                Verdict::Forbidden => drop(reply.problem(403, "forbidden")),
                Verdict::NoSuchSpace => drop(reply.problem(404, "not_found")),
                Verdict::Through => assert!(reply.status < 500, "{caller} on {route}: {}", reply.text),
            }
        }
    }
}

async fn callers(app: &TestApp) -> Vec<(&'static str, Client)> {
    let mut callers = vec![
        ("nobody", app.with_key(None)),
        (
            "unknown",
            app.with_key(Some("hw_0000000000000000000000000000000000000000000")),
        ),
        ("instance", (**app).clone()),
    ];
    for role in RANKS {
        let key = app.create_key("default", role).await;
        callers.push((role, app.with_key(Some(&key))));
    }
    app.create_space("elsewhere").await;
    let key = app.create_key("elsewhere", "admin").await;
    callers.push(("foreign", app.with_key(Some(&key))));
    let body = json!({"name": "old", "role": "admin"});
    let made = app
        .post("/catalog/spaces/default/api-keys", &body)
        .await
        .expect(201);
    let path = format!(
        "/catalog/spaces/default/api-keys/{}",
        made["id"].as_str().unwrap()
    );
    app.delete(&path).await.expect(204);
    callers.push(("revoked", app.with_key(made["key"].as_str())));
    callers
}

/// Method and path, and the role that the document says.
async fn routes(app: &TestApp) -> BTreeMap<String, Option<String>> {
    let document = app.get("/openapi.json").await.expect(200);
    let mut routes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["x-required-role"].as_str().map(str::to_owned);
            assert_eq!(
                operation["security"].is_array(),
                role.is_some(),
                "{method} {path}"
            );
            routes.insert(format!("{} {path}", method.to_uppercase()), role);
        }
    }
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_is_told_only_to_those_who_may_send_one() {
    let app = TestApp::start().await;
    let viewer = app.with_key(Some(&app.create_key("default", "viewer").await));
    let path = "/catalog/spaces/default/connectors";
    for (client, status) in [(app.with_key(None), 401), (viewer, 403), ((*app).clone(), 400)] {
        let request = client
            .request(Method::POST, path)
            .body("{")
            .header("content-type", "application/json");
        assert_eq!(Reply::of(request).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_space_sees_its_space_only() {
    let app = TestApp::start().await;
    app.create_space("sales").await;
    let sales = app.with_key(Some(&app.create_key("sales", "viewer").await));
    let spaces = sales.get("/catalog/spaces").await.expect(200);
    let slugs: Vec<&Value> = spaces
        .as_array()
        .unwrap()
        .iter()
        .map(|space| &space["slug"])
        .collect();
    assert_eq!(slugs, ["sales"]);
    assert_eq!(
        app.get("/catalog/spaces")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_another_space_is_not_found() {
    let app = TestApp::start().await;
    app.create_space("sales").await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let job = app.sync(&connector).await;
    let product = app.product("shop.public.orders").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for path in [
        connector.replace("/default/", "/sales/"),
        format!("/catalog/spaces/sales/sync-jobs/{}", text(&job["id"])),
        format!("/catalog/spaces/sales/products/{}", text(&product["id"])),
        format!("/catalog/spaces/sales/products/{}/lineage", text(&product["id"])),
        format!(
            "/catalog/spaces/sales/products/{}/schema-changes",
            text(&product["id"])
        ),
    ] {
        app.get(&path).await.problem(404, "not_found");
    }
}
