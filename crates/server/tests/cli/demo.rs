use crate::{headwater, stderr, stdout};

#[test]
fn the_demo_runs_to_its_end_and_tells_what_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let output = headwater(["demo", "--exit"])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
    assert!(said.contains("20 created, 0 updated, 0 gone"), "{said}");
    assert!(
        said.contains("0 created, 3 updated, 1 gone, 16 unchanged"),
        "{said}"
    );
    let lines: Vec<String> = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "model orders 6 4 pass, 1 warn Sales analytics Orders with their totals, one row",
        "till.orders -> stg_orders -> orders -> daily_revenue -> monday_report",
        "orders, read by customers.v2, daily_revenue, orders (semantic model)",
        "- gift_note VARCHAR",
        "~ total DECIMAL(12,2) -> DOUBLE",
        "+ lines INTEGER",
        "flower_sales, read by monday_report (exposure)",
    ] {
        assert!(
            lines.iter().any(|said| said.starts_with(line)),
            "no `{line}` in\n{said}"
        );
    }
    assert!(!said.contains("hw_"), "a key that is of no use any more");
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
