//! The lines of `headwater scan`. Their published form is `docs/scan.schema.json`.

use crate::wire::asset::{Constraint, Definition, Field, FieldPair, LineageEnd, Stats};
use headwater_core::{Error, Listing, Path, Reason, model};
use serde::Serialize;

/// Raised when a line changes so that a reader of the old ones would misread it. Added keys do not count.
const VERSION: u8 = 1;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    v: u8,
    #[serde(flatten)]
    body: Body<'a>,
}

/// What a line says. A later line of the same type and path replaces the earlier.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Body<'a> {
    Namespace(NamespaceLine),
    Asset(Box<AssetLine>),
    Edge(EdgeLine),
    End(&'a EndLine),
}

impl<'a> From<Body<'a>> for Line<'a> {
    fn from(body: Body<'a>) -> Self {
        Self { v: VERSION, body }
    }
}

/// A container.
#[derive(Debug, Serialize)]
pub(super) struct NamespaceLine {
    path: Path,
    kind: &'static str,
    description: Option<String>,
    owner: Option<String>,
    tags: Option<Vec<String>>,
    properties: model::Properties,
}

impl From<model::Namespace> for NamespaceLine {
    fn from(namespace: model::Namespace) -> Self {
        Self {
            path: namespace.path,
            kind: namespace.kind,
            description: namespace.description.into_option().flatten(),
            owner: namespace.owner.into_option().flatten(),
            tags: namespace.tags.into_option(),
            properties: namespace.properties,
        }
    }
}

/// An asset. Parts that were not read are null.
#[derive(Debug, Serialize)]
pub(super) struct AssetLine {
    path: Path,
    kind: model::AssetKind,
    name: String,
    native_id: Option<Box<str>>,
    description: Option<String>,
    owners: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    fields: Option<Vec<Field>>,
    constraints: Option<Vec<Constraint>>,
    definition: Option<Definition>,
    stats: Option<Stats>,
    properties: model::Properties,
}

impl From<model::Asset> for AssetLine {
    fn from(asset: model::Asset) -> Self {
        let constraints = asset.constraints.into_option();
        let keys = constraints.as_deref().unwrap_or_default();
        Self {
            name: asset.key.name().unwrap_or_default().to_owned(),
            path: asset.key,
            kind: asset.kind,
            native_id: asset.native_id,
            description: asset.description.into_option().flatten(),
            owners: asset.owners.into_option(),
            tags: asset.tags.into_option(),
            fields: asset.fields.into_option().map(|fields| Field::tree(fields, keys)),
            constraints: constraints.map(|all| all.into_iter().map(Constraint::from).collect()),
            definition: asset.definition.into_option().flatten().map(Definition::from),
            stats: asset.stats.into_option().map(Stats::from),
            properties: asset.properties,
        }
    }
}

/// Data flows from one asset into another.
#[derive(Debug, Serialize)]
pub(super) struct EdgeLine {
    kind: String,
    upstream: LineageEnd,
    downstream: LineageEnd,
    field_pairs: Vec<FieldPair>,
}

impl EdgeLine {
    pub(super) fn new(edge: model::LineageEdge, family: &str, owner: Path) -> Self {
        let (end, owner) = (edge.end, model::LineageEnd::new(family, owner));
        let (upstream, downstream) = match edge.flow {
            model::Flow::In => (end, owner),
            model::Flow::Out => (owner, end),
        };
        Self {
            kind: edge.kind.into(),
            upstream: upstream.into(),
            downstream: downstream.into(),
            field_pairs: edge.field_pairs.into_iter().map(FieldPair::from).collect(),
        }
    }
}

/// The last line: how much there was, and what was not read.
#[derive(Debug, Default, Serialize)]
pub(super) struct EndLine {
    pub(super) completeness: Completeness,
    pub(super) namespaces: usize,
    pub(super) assets: u64,
    pub(super) edges: u64,
    pub(super) warnings: u64,
    pub(super) partial: Vec<PartialLine>,
    pub(super) error: Option<ErrorLine>,
}

/// How far a scan got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Completeness {
    /// Everything in scope that the role may see was read.
    Complete,
    /// Something was not; `partial` says what.
    Partial,
    /// The scan broke off, or nothing could be read.
    #[default]
    Failed,
}

/// A container that was not read to its end, and why.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct PartialLine {
    pub(super) path: Path,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) grant: Option<String>,
}

impl PartialLine {
    /// One for each reason of a listing; none where it is complete.
    pub(super) fn of<'a>(path: &'a Path, listing: &'a Listing) -> impl Iterator<Item = Self> + 'a {
        let reasons: &[Reason] = match listing {
            Listing::Complete | Listing::Skipped(_) => &[],
            Listing::Partial(reasons) => reasons,
        };
        reasons.iter().map(|reason| Self {
            path: path.clone(),
            code: reason.code.clone(),
            detail: reason.detail.clone(),
            grant: reason.grant.clone(),
        })
    }
}

/// Why a scan failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ErrorLine {
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl From<&Error> for ErrorLine {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            detail: error.to_string(),
        }
    }
}
