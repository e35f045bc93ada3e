//! API keys: 256 random bits, of which only the digest is stored.

use crate::{
    Actor, Error, KeyId, Result, SpaceId, SpaceRef, Store,
    audit::{AuditQueries as _, AuditRow},
    db::{in_tx, on_conn},
    error::stored,
    id, keyring,
    name::names,
    schema::{api_key, space},
    store::{now, time},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{
    prelude::*,
    sql_types::{Nullable, Text},
};
use diesel_async::RunQueryDsl;
use headwater_core::Secret;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "hw_";
/// How much of a key is kept readable, so that people can tell their keys apart.
const SHOWN: usize = PREFIX.len() + 4;

names! {
    /// What a key may do; each role may also do what those before it may.
    pub enum Role {
        /// Reads.
        Viewer = "viewer",
        /// Also syncs, cancels, uploads and edits products.
        Editor = "editor",
        /// Also connectors, credentials, keys, audit and held removals.
        Admin = "admin",
    }
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The key, `None` for one that is not stored here.
    pub key_id: Option<KeyId>,
    /// The key's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where; `None` for an instance key: in all spaces.
    pub space: Option<SpaceRef>,
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The slug of its space; `None` for an instance key.
    pub space: Option<String>,
    /// The key's first characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Makes a key of a space, or an instance key. The key itself is returned here and never again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the space is gone.
    pub async fn create_api_key(
        &self,
        of: Option<SpaceId>,
        new: NewApiKey,
        actor: &Actor,
    ) -> Result<(ApiKey, Secret)> {
        let secret = Self::generate_api_key()?;
        let key = self.import_api_key(of, new, &secret, actor).await?;
        Ok((key, secret))
    }

    /// A new key that nobody knows yet; see [`import_api_key`](Self::import_api_key).
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate_api_key() -> Result<Secret> {
        let random = keyring::random::<32>()?;
        Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random))))
    }

    /// Stores a key that the caller generated and has put in a safe place: one that was stored first could
    /// be lost before anyone sees it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the space is gone.
    pub async fn import_api_key(
        &self,
        of: Option<SpaceId>,
        new: NewApiKey,
        secret: &Secret,
        actor: &Actor,
    ) -> Result<ApiKey> {
        let (id, plain) = (KeyId::new(), secret.expose());
        let row = KeyRow {
            id: id.to_string(),
            space_id: of.map(|space| space.to_string()),
            name: new.name,
            role: new.role.to_string(),
            prefix: plain.chars().take(SHOWN).collect(),
            digest: digest(plain).to_vec(),
            created_at: now(),
            expires_at: new.expires_at.map(Timestamp::as_microsecond),
            revoked_at: None,
        };
        let slug = in_tx!(self.db(), |c| {
            let slug: Option<String> = match &row.space_id {
                Some(space) => {
                    let slug = space::table
                        .find(space)
                        .select(space::slug)
                        .first(c)
                        .await
                        .optional()?;
                    Some(slug.ok_or(Error::NotFound("space"))?)
                }
                None => None,
            };
            diesel::insert_into(api_key::table)
                .values(&row)
                .execute(c)
                .await?;
            let event = AuditRow::new(of, actor, "key.create", ("api_key", id));
            c.record(event.with_fields(&["name", "role", "expires_at"]))
                .await?;
            Ok(slug)
        })?;
        row.domain(slug)
    }

    /// The keys of a space, or the instance keys; oldest first, revoked ones too.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_api_keys(&self, of: Option<SpaceId>) -> Result<Vec<ApiKey>> {
        let of = owner(of);
        let rows: Vec<(KeyRow, Option<String>)> = on_conn!(self.db(), |c| {
            Ok(api_key::table
                .left_join(space::table.on(space::id.nullable().eq(api_key::space_id)))
                .filter(coalesce(api_key::space_id, "").eq(&of))
                .order((api_key::created_at, api_key::id))
                .select((KeyRow::as_select(), space::slug.nullable()))
                .load(c)
                .await?)
        })?;
        rows.into_iter().map(|(row, slug)| row.domain(slug)).collect()
    }

    /// Revokes a key, from now on. One that is revoked stays so.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not a key of this space, or not an instance key.
    pub async fn revoke_api_key(&self, of: Option<SpaceId>, key: KeyId, actor: &Actor) -> Result<()> {
        let (id, owner) = (key.to_string(), owner(of));
        in_tx!(self.db(), |c| {
            let key_of_space = api_key::table
                .find(&id)
                .filter(coalesce(api_key::space_id, "").eq(&owner));
            let revoked_at: Option<Option<i64>> = key_of_space
                .select(api_key::revoked_at)
                .first(c)
                .await
                .optional()?;
            match revoked_at {
                None => Err(Error::NotFound("api key")),
                Some(Some(_before)) => Ok(()),
                Some(None) => {
                    diesel::update(api_key::table.find(&id))
                        .set(api_key::revoked_at.eq(now()))
                        .execute(c)
                        .await?;
                    c.record(AuditRow::new(of, actor, "key.revoke", ("api_key", key)))
                        .await
                }
            }
        })
    }

    /// Who this key belongs to; `None` when it is unknown, revoked, or has ended at `now`.
    ///
    /// # Errors
    /// The database's.
    pub async fn authenticate(&self, plain: &str, now: Timestamp) -> Result<Option<Principal>> {
        if !plain.starts_with(PREFIX) {
            return Ok(None);
        }
        let digest = digest(plain);
        type SpaceColumns = (String, String, String);
        let found: Option<(KeyRow, Option<SpaceColumns>)> = on_conn!(self.db(), |c| {
            Ok(api_key::table
                .left_join(space::table.on(space::id.nullable().eq(api_key::space_id)))
                .filter(api_key::digest.eq(&digest[..]))
                .select((
                    KeyRow::as_select(),
                    (space::id, space::slug, space::name).nullable(),
                ))
                .first(c)
                .await
                .optional()?)
        })?;
        let Some((row, space)) = found else {
            return Ok(None);
        };
        let same: bool = row.digest.ct_eq(&digest).into();
        if !same || !row.is_valid(now) {
            return Ok(None);
        }
        Ok(Some(Principal {
            key_id: Some(id::stored(&row.id, "api_key.id")?),
            role: stored(&row.role, "api_key.role")?,
            name: row.name,
            space: space
                .map(|(id, slug, name)| SpaceRef::stored(&id, slug, name))
                .transpose()?,
        }))
    }

    /// Whether there is an instance key that still opens the door.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_instance_key(&self) -> Result<bool> {
        let now = now();
        on_conn!(self.db(), |c| {
            let valid: i64 = api_key::table
                .filter(api_key::space_id.is_null())
                .filter(api_key::revoked_at.is_null())
                .filter(api_key::expires_at.is_null().or(api_key::expires_at.gt(now)))
                .count()
                .get_result(c)
                .await?;
            Ok(valid > 0)
        })
    }
}

/// A row of `api_key`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_key)]
struct KeyRow {
    id: String,
    space_id: Option<String>,
    name: String,
    role: String,
    prefix: String,
    digest: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl KeyRow {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now.as_microsecond() < end)
    }

    fn domain(self, slug: Option<String>) -> Result<ApiKey> {
        Ok(ApiKey {
            id: id::stored(&self.id, "api_key.id")?,
            name: self.name,
            role: stored(&self.role, "api_key.role")?,
            space: slug,
            prefix: self.prefix,
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            revoked_at: self.revoked_at.map(time),
        })
    }
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn coalesce(first: Nullable<Text>, otherwise: Text) -> Text;
}

/// The owner of a key as `coalesce(space_id, '')` has it: empty for the instance.
fn owner(space: Option<SpaceId>) -> String {
    space.map(|id| id.to_string()).unwrap_or_default()
}

fn digest(plain: &str) -> [u8; 32] {
    Sha256::digest(plain.as_bytes()).into()
}
