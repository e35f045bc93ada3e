//! From PostgreSQL's types to the normalised vocabulary. Pure.

use crate::read::rows::{Member, TypeRow};
use headwater_core::{
    Facet,
    model::{DataType, Field},
};
use std::collections::HashMap;

/// Composites inside composites are followed this far.
const DEPTH: usize = 16;

/// What the reader of a column wants to know of its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) data_type: DataType,
    /// The members of a composite, or of an array of composites.
    pub(crate) fields: Vec<Field>,
    /// Whether the type itself refuses NULL: a domain may.
    pub(crate) not_null: bool,
}

impl From<DataType> for Shape {
    fn from(data_type: DataType) -> Self {
        Self {
            data_type,
            fields: Vec::new(),
            not_null: false,
        }
    }
}

/// Types by oid.
#[derive(Debug, Default)]
pub(crate) struct Types(HashMap<u32, TypeRow>);

impl Extend<TypeRow> for Types {
    fn extend<I: IntoIterator<Item = TypeRow>>(&mut self, rows: I) {
        self.0.extend(rows.into_iter().map(|row| (row.oid, row)));
    }
}

impl Types {
    /// The shape of a type with a modifier, as a column has them.
    pub(crate) fn shape(&self, oid: u32, modifier: i32) -> Shape {
        self.resolve(oid, modifier, DEPTH)
    }

    fn resolve(&self, oid: u32, modifier: i32, depth: usize) -> Shape {
        let (Some(row), Some(depth)) = (self.0.get(&oid), depth.checked_sub(1)) else {
            return DataType::Other.into();
        };
        if row.element != 0 {
            let element = self.resolve(row.element, modifier, depth);
            let data_type = DataType::Array {
                element: Box::new(element.data_type),
            };
            return Shape {
                data_type,
                fields: element.fields,
                not_null: false,
            };
        }
        match row.kind {
            'd' => {
                let base = self.resolve(row.base, row.base_modifier, depth);
                Shape {
                    not_null: row.not_null || base.not_null,
                    ..base
                }
            }
            'e' => DataType::Enum {
                values: row.labels.clone(),
            }
            .into(),
            'r' => self.range(row, depth).into(),
            'm' => DataType::Array {
                element: Box::new(self.range(row, depth)),
            }
            .into(),
            'c' => Shape {
                data_type: DataType::Struct,
                fields: row
                    .members
                    .iter()
                    .map(|member| self.member(member, depth))
                    .collect(),
                not_null: false,
            },
            _ => base(&row.name, modifier).into(),
        }
    }

    fn range(&self, row: &TypeRow, depth: usize) -> DataType {
        let bound = self.resolve(row.bound, -1, depth);
        DataType::Range {
            element: Box::new(bound.data_type),
        }
    }

    fn member(&self, member: &Member, depth: usize) -> Field {
        let shape = self.resolve(member.type_oid, member.type_modifier, depth);
        let mut field = Field::new(&*member.name, &*member.native, shape.data_type);
        field.nullable = Some(!shape.not_null);
        field.default = Facet::Read(None);
        field.generated = Facet::Read(None);
        field.tags = Facet::Read(Vec::new());
        field.fields = shape.fields;
        field
    }
}

/// A base type by its name, in whatever schema: extensions choose theirs at will.
fn base(name: &str, modifier: i32) -> DataType {
    use DataType::{
        Binary, Bit, Boolean, Date, Float, Geography, Geometry, Integer, Interval, Json, Map, Money, Network,
        Other, String, Time, Timestamp, Uuid, Vector, Xml,
    };
    let given = u32::try_from(modifier).ok();
    // These count four bytes of header into the modifier.
    let length = given.and_then(|length| length.checked_sub(4)).map(u64::from);
    match name {
        "bool" => Boolean,
        "int2" => Integer { bits: 16 },
        "int4" | "oid" => Integer { bits: 32 },
        "int8" => Integer { bits: 64 },
        "float4" => Float { bits: 32 },
        "float8" => Float { bits: 64 },
        "numeric" => decimal(modifier),
        "money" => Money,
        "varchar" | "bpchar" => String { length },
        "text" | "citext" | "ltree" => String { length: None },
        "name" => String { length: Some(63) },
        "char" => String { length: Some(1) },
        "bytea" => Binary { length: None },
        "bit" | "varbit" => Bit {
            length: given.map(u64::from),
        },
        "date" => Date,
        "time" => Time {
            precision: given,
            timezone: false,
        },
        "timetz" => Time {
            precision: given,
            timezone: true,
        },
        "timestamp" => Timestamp {
            precision: given,
            timezone: false,
        },
        "timestamptz" => Timestamp {
            precision: given,
            timezone: true,
        },
        "interval" => Interval,
        "uuid" => Uuid,
        "json" | "jsonb" => Json,
        "xml" => Xml,
        "inet" | "cidr" | "macaddr" | "macaddr8" => Network,
        "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" | "geometry" | "box2d"
        | "box3d" => Geometry,
        "geography" => Geography,
        "vector" | "halfvec" | "sparsevec" => Vector { dimension: given },
        "hstore" => Map {
            key: Box::new(String { length: None }),
            value: Box::new(String { length: None }),
        },
        _ => Other,
    }
}

/// Precision in the upper half of the modifier, scale in its lower eleven bits with a sign.
fn decimal(modifier: i32) -> DataType {
    let Some(packed) = modifier
        .checked_sub(4)
        .and_then(|packed| u32::try_from(packed).ok())
    else {
        return DataType::Decimal {
            precision: None,
            scale: None,
        };
    };
    let scale = i32::try_from(packed & 0x7ff).map_or(0, |bits| (bits ^ 1024) - 1024);
    DataType::Decimal {
        precision: Some(packed >> 16),
        scale: Some(scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::*;

    fn row(oid: u32, name: &str, kind: char) -> TypeRow {
        TypeRow {
            oid,
            name: name.into(),
            kind,
            ..TypeRow::default()
        }
    }

    fn types(rows: impl IntoIterator<Item = TypeRow>) -> Types {
        let mut types = Types::default();
        types.extend([
            row(23, "int4", 'b'),
            row(25, "text", 'b'),
            row(1043, "varchar", 'b'),
            row(1700, "numeric", 'b'),
        ]);
        types.extend(rows);
        types
    }

    fn packed(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn base_types_and_their_modifiers() {
        for (name, modifier, expected) in [
            ("bool", -1, Boolean),
            ("int2", -1, Integer { bits: 16 }),
            ("int4", -1, Integer { bits: 32 }),
            ("int8", -1, Integer { bits: 64 }),
            ("float4", -1, Float { bits: 32 }),
            ("float8", -1, Float { bits: 64 }),
            (
                "numeric",
                -1,
                Decimal {
                    precision: None,
                    scale: None,
                },
            ),
            (
                "numeric",
                packed(12, 2),
                Decimal {
                    precision: Some(12),
                    scale: Some(2),
                },
            ),
            (
                "numeric",
                packed(5, 0),
                Decimal {
                    precision: Some(5),
                    scale: Some(0),
                },
            ),
            (
                "numeric",
                packed(1000, 1000),
                Decimal {
                    precision: Some(1000),
                    scale: Some(1000),
                },
            ),
            (
                "numeric",
                packed(3, -2),
                Decimal {
                    precision: Some(3),
                    scale: Some(-2),
                },
            ),
            ("varchar", 124, String { length: Some(120) }),
            ("varchar", -1, String { length: None }),
            ("bpchar", 6, String { length: Some(2) }),
            ("text", -1, String { length: None }),
            ("name", -1, String { length: Some(63) }),
            ("citext", -1, String { length: None }),
            ("ltree", -1, String { length: None }),
            ("bytea", -1, Binary { length: None }),
            ("bit", 8, Bit { length: Some(8) }),
            ("varbit", -1, Bit { length: None }),
            ("date", -1, Date),
            (
                "time",
                3,
                Time {
                    precision: Some(3),
                    timezone: false,
                },
            ),
            (
                "timetz",
                -1,
                Time {
                    precision: None,
                    timezone: true,
                },
            ),
            (
                "timestamp",
                0,
                Timestamp {
                    precision: Some(0),
                    timezone: false,
                },
            ),
            (
                "timestamptz",
                -1,
                Timestamp {
                    precision: None,
                    timezone: true,
                },
            ),
            ("interval", -1, Interval),
            ("uuid", -1, Uuid),
            ("jsonb", -1, Json),
            ("xml", -1, Xml),
            ("money", -1, Money),
            ("inet", -1, Network),
            ("point", -1, Geometry),
            ("geometry", 1107460, Geometry),
            ("geography", -1, Geography),
            (
                "vector",
                1536,
                Vector {
                    dimension: Some(1536),
                },
            ),
            ("vector", -1, Vector { dimension: None }),
            ("tsvector", -1, Other),
        ] {
            assert_eq!(base(name, modifier), expected, "{name} {modifier}");
        }
        assert!(matches!(base("hstore", -1), Map { .. }));
    }

    #[test]
    fn an_array_passes_its_modifier_to_the_element() {
        let types = types([TypeRow {
            element: 1043,
            ..row(1015, "_varchar", 'b')
        }]);
        let element = Box::new(String { length: Some(20) });
        assert_eq!(types.shape(1015, 24), Array { element }.into());
    }

    #[test]
    fn a_domain_is_its_base_with_its_own_modifier() {
        let amount = TypeRow {
            base: 1700,
            base_modifier: packed(10, 2),
            not_null: true,
            ..row(9001, "amount", 'd')
        };
        let tight = TypeRow {
            base: 9001,
            base_modifier: -1,
            ..row(9002, "tight_amount", 'd')
        };
        let types = types([amount, tight]);
        let expected = Shape {
            not_null: true,
            ..Decimal {
                precision: Some(10),
                scale: Some(2),
            }
            .into()
        };
        assert_eq!(types.shape(9001, -1), expected);
        assert_eq!(types.shape(9002, -1), expected);
    }

    #[test]
    fn enums_ranges_and_multiranges() {
        let types = types([
            TypeRow {
                labels: vec!["new".into(), "sent".into()],
                ..row(9001, "status", 'e')
            },
            TypeRow {
                bound: 23,
                ..row(3904, "int4range", 'r')
            },
            TypeRow {
                bound: 23,
                ..row(4451, "int4multirange", 'm')
            },
        ]);
        assert_eq!(
            types.shape(9001, -1),
            Enum {
                values: vec!["new".into(), "sent".into()]
            }
            .into()
        );
        let range = Range {
            element: Box::new(Integer { bits: 32 }),
        };
        assert_eq!(types.shape(3904, -1), range.clone().into());
        assert_eq!(
            types.shape(4451, -1),
            Array {
                element: Box::new(range)
            }
            .into()
        );
    }

    #[test]
    fn a_composite_has_members_also_as_an_array() {
        let member = |name: &str, type_oid, type_modifier, native: &str| Member {
            name: name.into(),
            type_oid,
            type_modifier,
            native: native.into(),
        };
        let address = TypeRow {
            members: vec![
                member("street", 25, -1, "text"),
                member("zip", 1043, 14, "character varying(10)"),
            ],
            ..row(9001, "address", 'c')
        };
        let types = types([
            address,
            TypeRow {
                element: 9001,
                ..row(9002, "_address", 'b')
            },
        ]);
        let shape = types.shape(9002, -1);
        assert_eq!(
            shape.data_type,
            Array {
                element: Box::new(Struct)
            }
        );
        let names: Vec<&str> = shape.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["street", "zip"]);
        assert_eq!(shape.fields[1].data_type, String { length: Some(10) });
        assert_eq!(shape.fields[1].native_type, "character varying(10)");
    }

    #[test]
    fn what_is_unknown_or_endless_is_other() {
        assert_eq!(types([]).shape(4242, -1), Other.into());
        let types = types([TypeRow {
            base: 9001,
            ..row(9001, "loop", 'd')
        }]);
        assert_eq!(types.shape(9001, -1).data_type, Other);
    }
}
