use super::*;
use serde_json::json;
use std::collections::HashMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

fn around(variables: &[(&str, String)]) -> Ambient {
    let variables: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let variable = move |name: &str| variables.get(name).cloned();
    Ambient::with("eu-west-1", &Host::default(), Arc::new(variable)).unwrap()
}

async fn found(variables: &[(&str, String)]) -> Result<(String, Option<String>)> {
    let key = around(variables).find().await?;
    let token = key.session_token().map(str::to_owned);
    Ok((key.access_key_id().to_owned(), token))
}

/// Answers one request after the other, and tells each as it came.
async fn serve(answers: Vec<String>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            tell.send(request).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream
                .write_all(format!("{head}{answer}").as_bytes())
                .await
                .unwrap();
        }
    });
    (address, told)
}

fn file(name: &str, text: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("headwater-{}-{name}", std::process::id()));
    std::fs::write(&file, text).unwrap();
    file
}

fn role_json() -> String {
    json!({
        "Code": "Success", "AccessKeyId": "ASIAROLE", "SecretAccessKey": "hunter2", "Token": "hunter2-token",
        "Expiration": "2030-01-01T00:00:00Z"
    })
    .to_string()
}

#[test]
fn what_the_machine_has_needs_leave() {
    let error = Ambient::new("eu-west-1", &Host::default()).unwrap_err();
    assert_eq!(error.fields()[0].pointer, "/credentials/access_key_id");
    assert!(error.to_string().contains("--allow-ambient-credentials"));
    let mut host = Host::default();
    host.ambient_credentials = true;
    assert!(Ambient::new("eu-west-1", &host).is_ok());
}

#[tokio::test]
async fn variables_come_first() {
    let shared = file(
        "first",
        "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s\n",
    );
    let of_file = ("AWS_SHARED_CREDENTIALS_FILE", shared.display().to_string());
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned()),
        of_file.clone(),
    ];
    let key = found(&variables).await.unwrap();
    assert_eq!(key, ("AKIAVARIABLE".to_owned(), None));
    assert!(!format!("{:?}", around(&variables)).contains("hunter2"));
    let key = found(&[of_file]).await.unwrap();
    assert_eq!(key.0, "AKIAFILE");
    std::fs::remove_file(shared).unwrap();
}

#[test]
fn a_profile_is_a_section_of_the_file() {
    let text = "# keys\n[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = a=b\n\n[ other ]\n\
                aws_access_key_id=AKIAOTHER\naws_secret_access_key=c\naws_session_token=t\n[sso]\nsso_session=x\n";
    let key = in_profile(text, "default").unwrap();
    assert_eq!(
        (key.access_key_id(), key.secret_access_key(), key.session_token()),
        ("AKIADEFAULT", "a=b", None)
    );
    let key = in_profile(text, "other").unwrap();
    assert_eq!(
        (key.access_key_id(), key.session_token()),
        ("AKIAOTHER", Some("t"))
    );
    assert!(in_profile(text, "sso").is_none() && in_profile(text, "gone").is_none());
}

#[tokio::test]
async fn a_web_identity_becomes_a_role_without_a_signature() {
    let answer = "<R><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                  <SessionToken>t</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></R>";
    let (sts, mut told) = serve(vec![answer.to_owned()]).await;
    let token = file("token", "the.token\n");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod".to_owned()),
        ("AWS_ENDPOINT_URL_STS", sts),
    ];
    let key = found(&variables).await.unwrap();
    assert_eq!(key, ("ASIAWEB".to_owned(), Some("t".to_owned())));
    let request = told.recv().await.unwrap();
    assert!(
        request.contains("Action=AssumeRoleWithWebIdentity")
            && request.contains("WebIdentityToken=the.token"),
        "{request}"
    );
    assert!(!request.to_lowercase().contains("authorization:"), "{request}");
    std::fs::remove_file(token).unwrap();
}

#[tokio::test]
async fn a_container_asks_its_agent_and_nobody_else() {
    let (agent, mut told) = serve(vec![role_json()]).await;
    let at = |address: &str| {
        [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.to_owned()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2-agent".to_owned()),
        ]
    };
    let key = found(&at(&format!("{agent}/role"))).await.unwrap();
    assert_eq!(key, ("ASIAROLE".to_owned(), Some("hunter2-token".to_owned())));
    let request = told.recv().await.unwrap().to_lowercase();
    assert!(
        request.starts_with("get /role ") && request.contains("authorization: hunter2-agent"),
        "{request}"
    );
    let error = found(&at("http://elsewhere.example.com/role")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_machine_is_asked_with_a_token_of_a_session() {
    let answers = vec!["session".to_owned(), "reader\n".to_owned(), role_json()];
    let (machine, mut told) = serve(answers).await;
    let key = found(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)])
        .await
        .unwrap();
    assert_eq!(key.0, "ASIAROLE");
    let first = told.recv().await.unwrap();
    assert!(first.starts_with("PUT /latest/api/token "), "{first}");
    for path in ["", "reader"] {
        let request = told.recv().await.unwrap();
        let line = format!("GET /latest/meta-data/iam/security-credentials/{path} ");
        assert!(
            request.starts_with(&line) && request.contains("x-aws-ec2-metadata-token: session"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_machine_without_any_says_what_was_looked_for() {
    let error = found(&[("AWS_EC2_METADATA_DISABLED", "true".to_owned())])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.message().contains("no role of a container"), "{error}");
}
