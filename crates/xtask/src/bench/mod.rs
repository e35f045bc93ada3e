//! `cargo xtask bench`: what reading a source costs, against floors taken in the same run.
//!
//! PostgreSQL: the floor of reading is R: four COPYs by psql that fetch what a sync needs. The floor of a first sync is R
//! and the bare insert of the rows that it leaves. All processes are counted, PostgreSQL's too: a connector
//! that makes its source work is not fast. dbt: the floor is a bare read of the same files.
//!
//! BigQuery and Databricks: how many tables a scan reads in a second from a fake that answers late, by the number of
//! requests at once. BigQuery: the floor is a bare client that fetches tables of the same fake. Databricks: it is the bare
//! requests. Snowflake: how many rows the connector reads in a second, against a bare read of the same rows.

mod bigquery;
mod bigquery_fake;
mod databricks;
mod dbt;
mod generate;
mod manifest;
mod measure;
mod postgres;
mod proxy;
mod report;

use crate::{
    Result,
    workspace::{self, cargo},
};

/// Runs the benchmark that the arguments name.
pub(crate) fn run(args: &[&str]) -> Result {
    match args {
        ["bigquery", options @ ..] => bigquery::run(&bigquery::Options::parse(options)?),
        ["databricks", options @ ..] => databricks::run(&databricks::Options::parse(options)?),
        ["postgres", options @ ..] => postgres::run(&Options::parse(options)?),
        ["dbt", options @ ..] => dbt::run(&dbt::Options::parse(options)?),
        // A program of the connector's own, because the fake that it reads is one of its tests.
        ["snowflake"] => workspace::run(&mut cargo(["bench", "--quiet", "-p", "headwater-snowflake"])?),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str = "\
usage: cargo xtask bench postgres [--sizes 1000,10000,50000] [--repeat 5]
       cargo xtask bench dbt [--nodes 1000 10000 50000] [--repeat 5]
       cargo xtask bench bigquery [--tables 10000] [--program target/release/headwater]
       cargo xtask bench databricks [--schemas 200] [--tables 50] [--profile release]
       cargo xtask bench snowflake";

/// What to measure, and how often.
#[derive(Debug, PartialEq)]
struct Options {
    sizes: Vec<usize>,
    repeat: usize,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            sizes: vec![1_000, 10_000, 50_000],
            repeat: 5,
        };
        for pair in args.chunks(2) {
            match pair {
                ["--sizes", sizes] => {
                    let sizes: std::result::Result<_, _> = sizes.split(',').map(str::parse).collect();
                    options.sizes =
                        sizes.map_err(|_no_numbers| "--sizes takes numbers of relations: 1000,10000")?;
                }
                ["--repeat", repeat] => {
                    options.repeat = repeat.parse().map_err(|_no_number| "--repeat takes a number")?;
                }
                _ => return Err(USAGE.into()),
            }
        }
        match options.sizes.contains(&0) || options.repeat == 0 {
            true => Err("--sizes and --repeat must be 1 or more".into()),
            false => Ok(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_clear_refusals() {
        assert_eq!(Options::parse(&[]).unwrap().repeat, 5);
        let chosen = Options::parse(&["--repeat", "3", "--sizes", "100,200"]).unwrap();
        assert_eq!((chosen.repeat, chosen.sizes), (3, vec![100, 200]));
        for bad in [
            &["--sizes"][..],
            &["--sizes", "many"],
            &["--repeat", "0"],
            &["--fast", "1"],
        ] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
