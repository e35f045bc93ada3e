//! The toy connector passes the suite, and the suite names each defect that the toy can be given.

use async_trait::async_trait;
use headwater_core::{Error, ErrorKind, Path, Visibility};
use headwater_testkit::{
    Action, Call, Defect, Fixture, Part, RefusedPart, Toy, ToySource, conformance, conformance_tests,
};
use serde_json::{Value, json};

struct Shop(ToySource);

#[async_trait]
impl Fixture for Shop {
    type C = Toy;

    fn config(&self) -> Value {
        self.0.config()
    }

    fn credentials(&self) -> Value {
        self.0.credentials()
    }

    fn expected(&self) -> Vec<Path> {
        self.0.paths()
    }

    fn odd_names(&self) -> Vec<Path> {
        ["Orders", "a.b", "quo\"te", "naïve ☃"]
            .map(|name| Path::new(["shop", "public", name]))
            .into()
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"token": "not the token"}))
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.remove(["shop", "public", "customers"]);
        Some(Path::new(["shop", "public", "customers"]))
    }

    async fn fail_once(&self) -> bool {
        self.0.fail(
            Call::Assets,
            3,
            Error::new(ErrorKind::Unavailable, "connection reset"),
        );
        true
    }

    async fn stall(&self) -> bool {
        self.0.on(Call::Assets, 3, Action::Hang);
        true
    }

    async fn refuse_listing(&self) -> Option<Path> {
        self.0.refuse_listing(["shop", "public"]);
        Some(Path::new(["shop", "public"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.0.refuse_part(Part::Constraints);
        Some(RefusedPart {
            parts: vec![Part::Constraints],
            assets: self.expected(),
        })
    }

    async fn hide_namespace(&self) -> Option<Path> {
        self.0.hide_schema(["shop", "audit"]);
        self.0
            .set_visibility(Visibility::Fingerprint("role=reader grants=1".into()));
        Some(Path::new(["shop", "audit"]))
    }
}

fn shop() -> Shop {
    let source = ToySource::shop();
    source.set_visibility(Visibility::Fingerprint("role=reader grants=2".into()));
    Shop(source)
}

conformance_tests! {
    async { shop() } =>
        settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync, retry,
        removal, sink_error, stop, stop_while_stalled, unread_part, refused_listing, hidden_namespace, no_secret,
}

/// Runs a conformance function on a shop and returns what it panics with.
macro_rules! complaint {
    ($test:ident, $shop:expr) => {{
        let shop = $shop;
        let run = tokio::spawn(async move { conformance::$test(&shop).await });
        let panic = run.await.expect_err("the suite found nothing").into_panic();
        *panic.downcast::<String>().expect("a message")
    }};
}

macro_rules! names_defect {
    ($($name:ident: $test:ident finds $defect:ident, saying $text:literal;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let shop = shop();
                shop.0.set_defect(Defect::$defect);
                let complaint = complaint!($test, shop);
                assert!(complaint.starts_with(concat!(stringify!($test), ": ")), "{complaint}");
                assert!(complaint.contains($text), "{complaint}");
            }
        )+
    };
}

names_defect! {
    a_dropped_last_page_is_named: full_listing finds LastPageDropped, saying
        "shop.public was closed Complete without 2 of its 8 assets: shop.public.quo\"te, \
         shop.public.recent_orders; they are the last that the source lists: the last page was dropped";
    an_empty_page_taken_for_the_end_is_named: full_listing finds EmptyPageEnds, saying
        "an empty page with a next token was taken for the end";
    an_error_read_as_empty_is_named: refused_listing finds ErrorReadAsEmpty, saying
        "an error was read as empty: shop.public was closed Complete with 0 assets";
    a_refusal_read_as_empty_is_named: unread_part finds RefusalReadAsEmpty, saying
        "a refused read was taken for an empty answer";
    a_replaced_sink_error_is_named: sink_error finds SinkErrorReplaced, saying
        "the sink's error was replaced by unavailable";
    an_ignored_stop_is_named: stop_while_stalled finds StopIgnored, saying
        "after the stop signal";
    unstable_splits_are_named: discovery finds UnstableSplits, saying "is not stable";
    a_shown_token_is_named: no_secret finds TokenInDebug, saying "Debug of the connector shows a secret";
    a_refused_token_of_the_wrong_kind_is_named: bad_credentials finds RefusedTokenUnavailable, saying
        "check answers unavailable instead of unauthenticated";
    folded_names_are_named: odd_names finds NamesFolded, saying "did not survive";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vanished_schema_that_nothing_shows_is_named() {
    struct Blind(Shop);
    #[async_trait]
    impl Fixture for Blind {
        type C = Toy;
        fn config(&self) -> Value {
            self.0.config()
        }
        fn credentials(&self) -> Value {
            self.0.credentials()
        }
        fn expected(&self) -> Vec<Path> {
            self.0.expected()
        }
        async fn hide_namespace(&self) -> Option<Path> {
            self.0.0.hide_schema(["shop", "audit"]);
            Some(Path::new(["shop", "audit"]))
        }
    }
    let complaint = complaint!(hidden_namespace, Blind(shop()));
    assert!(
        complaint.contains("shop.audit vanished without an error and nothing shows it"),
        "{complaint}"
    );
    let complaint = complaint!(unread_part, Blind(shop()));
    assert!(
        complaint.contains("the fixture does not offer Fixture::refuse_part"),
        "{complaint}"
    );
}
