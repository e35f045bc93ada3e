//! Types of every make, and constraints that only later versions have.

use crate::database::{Database, asset, on_each_server};
use headwater_core::{
    Facet,
    model::{Constraint, DataType, Field},
};
use headwater_testkit::Collected;

fn table<'a>(run: &'a Collected, database: &Database, name: &str) -> (&'a [Field], &'a [Constraint]) {
    let table = asset(run, &database.path(&["public", name]));
    (
        table.fields.as_option().expect("fields"),
        table.constraints.as_option().expect("constraints"),
    )
}

fn array(element: DataType) -> DataType {
    DataType::Array {
        element: Box::new(element),
    }
}

fn range(element: DataType) -> DataType {
    DataType::Range {
        element: Box::new(element),
    }
}

fn decimal(precision: u32, scale: i32) -> DataType {
    DataType::Decimal {
        precision: Some(precision),
        scale: Some(scale),
    }
}

#[tokio::test]
async fn types_are_read_down_to_what_they_are_made_of() {
    on_each_server(|database| async move {
        database
            .sql(
                "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION cube;
                 CREATE DOMAIN public.amount AS numeric(10, 2) CHECK (VALUE > 0);
                 CREATE DOMAIN public.amounts AS public.amount[];
                 CREATE TYPE public.mood AS ENUM ('sad', 'ok');
                 ALTER TYPE public.mood ADD VALUE 'glad' BEFORE 'ok';
                 CREATE TYPE public.inner_t AS (mood public.mood, price public.amount);
                 CREATE TYPE public.outer_t AS (one public.inner_t, many public.inner_t[]);
                 CREATE TYPE public.span AS RANGE (subtype = numeric, multirange_type_name = public.spans);
                 CREATE TABLE public.other (id int, gone int, name text);
                 ALTER TABLE public.other DROP COLUMN gone;
                 CREATE TABLE public.t (
                   list public.amount[], lists public.amounts, moods public.mood[], grid int[][],
                   nested public.outer_t, whole_row public.other,
                   own public.span, owns public.spans, dates datemultirange, ranges int4range[],
                   mail public.citext, attributes public.hstore, tree public.ltree, mails public.citext[],
                   elsewhere public.cube)",
            )
            .await;
        let run = database.read().await;
        let (fields, _) = table(&run, &database, "t");
        let moods = DataType::Enum {
            values: ["sad", "glad", "ok"].map(str::to_owned).into(),
        };
        let text = || DataType::String { length: None };
        let int = || DataType::Integer { bits: 32 };
        let numeric = || DataType::Decimal {
            precision: None,
            scale: None,
        };
        let map = DataType::Map {
            key: Box::new(text()),
            value: Box::new(text()),
        };
        let expected = [
            ("list", "public.amount[]", array(decimal(10, 2))),
            ("lists", "public.amounts", array(decimal(10, 2))),
            ("moods", "public.mood[]", array(moods.clone())),
            ("grid", "integer[]", array(int())),
            ("nested", "public.outer_t", DataType::Struct),
            ("whole_row", "public.other", DataType::Struct),
            ("own", "public.span", range(numeric())),
            ("owns", "public.spans", array(range(numeric()))),
            ("dates", "datemultirange", array(range(DataType::Date))),
            ("ranges", "int4range[]", array(range(int()))),
            ("mail", "public.citext", text()),
            ("attributes", "public.hstore", map),
            ("tree", "public.ltree", text()),
            ("mails", "public.citext[]", array(text())),
            ("elsewhere", "public.cube", DataType::Other),
        ];
        let found: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.native_type.as_str(), field.data_type.clone()))
            .collect();
        assert_eq!(found, expected);

        let members = |field: &Field| -> Vec<(String, DataType)> {
            let all = field.fields.iter();
            all.map(|member| (member.name.to_string(), member.data_type.clone())).collect()
        };
        let nested = &fields[4];
        assert_eq!(
            members(nested),
            [("one".into(), DataType::Struct), ("many".into(), array(DataType::Struct))]
        );
        let inner = [("mood".to_owned(), moods), ("price".to_owned(), decimal(10, 2))];
        assert_eq!(members(&nested.fields[0]), inner);
        assert_eq!(members(&nested.fields[1]), inner);
        assert_eq!(members(&fields[5]), [("id".into(), int()), ("name".into(), text())]);
    })
    .await;
}

#[tokio::test]
async fn constraints_are_read_as_they_are_declared() {
    on_each_server(|database| async move {
        database
            .sql(
                "CREATE TABLE public.t (id int PRIMARY KEY, n int);
                 ALTER TABLE public.t ADD CONSTRAINT late CHECK (n > 0) NOT VALID,
                   ADD CONSTRAINT itself FOREIGN KEY (n) REFERENCES public.t NOT VALID,
                   ADD CONSTRAINT one UNIQUE (n, id) INCLUDE (n) DEFERRABLE",
            )
            .await;
        let run = database.read().await;
        assert_eq!(
            brief(table(&run, &database, "t").1),
            [
                "itself foreign_key n",
                "late check n",
                "one unique n,id",
                "t_pkey primary_key id"
            ]
        );
    })
    .await;
}

fn brief(constraints: &[Constraint]) -> Vec<String> {
    let one = |one: &Constraint| {
        let name = one.name.as_deref().unwrap_or_default();
        format!("{name} {} {}", one.kind.as_str(), one.fields.join(","))
    };
    constraints.iter().map(one).collect()
}

#[tokio::test]
async fn what_version_18_brought_is_read() {
    on_each_server(|database| async move {
        let number = database.client.query_one("SHOW server_version_num", &[]).await.unwrap();
        let number: u32 = number.get::<_, String>(0).parse().unwrap();
        let parent = "CREATE TABLE public.parent (id int4range, during daterange,
                        CONSTRAINT parent_key PRIMARY KEY (id, during WITHOUT OVERLAPS))";
        if number < 180_000 {
            let refused = database.client.batch_execute(parent).await.unwrap_err();
            assert_eq!(refused.code().unwrap().code(), "42601", "version {number} has none of it");
            return;
        }
        database.sql(parent).await;
        database
            .sql(
                "CREATE TABLE public.child (
                   id int4range, during daterange, n int,
                   shown int GENERATED ALWAYS AS (n * 2) VIRTUAL, kept int GENERATED ALWAYS AS (n * 3) STORED,
                   CONSTRAINT within FOREIGN KEY (id, PERIOD during) REFERENCES public.parent (id, PERIOD during),
                   CONSTRAINT soft CHECK (n > 0) NOT ENFORCED);
                 ALTER TABLE public.child ADD CONSTRAINT named NOT NULL n NOT VALID",
            )
            .await;
        let run = database.read().await;
        assert!(run.warnings.is_empty(), "{:?}", run.warnings);
        assert_eq!(
            brief(table(&run, &database, "parent").1),
            ["parent_key primary_key id,during"]
        );
        let (fields, constraints) = table(&run, &database, "child");
        assert_eq!(
            brief(constraints),
            ["soft check n", "within foreign_key id,during"],
            "that a column is not null is said of the column"
        );
        assert_eq!(constraints[0].expression.value().map(String::as_str), Some("(n > 0)"));
        assert_eq!(constraints[1].references.as_ref().unwrap().fields, ["id", "during"]);
        assert_eq!(fields[2].nullable, Some(false));
        let generated: Vec<_> = fields[3..].iter().map(|field| field.generated.value().unwrap().as_str()).collect();
        assert_eq!(generated, ["(n * 2)", "(n * 3)"]);
        assert!(fields.iter().all(|field| field.default == Facet::Read(None)));
    })
    .await;
}
