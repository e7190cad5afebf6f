//! Values that go into statements, rows that come out, and statements of variable length.

use jiff::Timestamp;
use sqlx::{
    Postgres, Row as _, SqlStr, Sqlite,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use super::Kind;
use crate::{Result, StoreError};

/// A value of a statement. The kind is known for absent ones too: PostgreSQL wants it.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
    Uuids(Vec<Uuid>),
    Blobs(Vec<Vec<u8>>),
    Texts(Vec<String>),
    Ints(Vec<i64>),
}

macro_rules! from {
    ($type:ty, $value:ident => $make:expr) => {
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $make
            }
        }
    };
}

from!(i64, v => Self::Int(Some(v)));
from!(Option<i64>, v => Self::Int(v));
from!(i32, v => Self::Int(Some(v.into())));
from!(Option<i32>, v => Self::Int(v.map(i64::from)));
from!(u32, v => Self::Int(Some(v.into())));
from!(bool, v => Self::Int(Some(v.into())));
from!(u64, v => Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX))));
from!(usize, v => Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX))));
from!(Timestamp, v => Self::Int(Some(v.as_millisecond())));
from!(Option<Timestamp>, v => Self::Int(v.map(Timestamp::as_millisecond)));
from!(String, v => Self::Text(Some(clean(v))));
from!(Option<String>, v => Self::Text(v.map(clean)));
from!(&str, v => Self::Text(Some(clean(v.to_owned()))));
from!(Option<&str>, v => Self::Text(v.map(|v| clean(v.to_owned()))));
from!(Vec<u8>, v => Self::Blob(Some(v)));
from!(Uuid, v => Self::Uuid(Some(v)));
from!(Option<Uuid>, v => Self::Uuid(v));

/// PostgreSQL refuses NUL in texts, and publishers send it: it becomes the replacement character in both databases.
fn clean(text: String) -> String {
    if text.as_bytes().contains(&0) { text.replace('\0', "\u{fffd}") } else { text }
}

/// The values of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
pub(crate) use args;

pub(super) fn sqlite(sql: SqlStr, args: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(v) => query.bind(v),
        Value::Text(v) => query.bind(v),
        Value::Blob(v) => query.bind(v),
        Value::Uuid(v) => query.bind(v),
        // Lists are spread by `Sql` on SQLite.
        Value::Uuids(_) | Value::Blobs(_) | Value::Texts(_) | Value::Ints(_) => query,
    })
}

pub(super) fn postgres(sql: SqlStr, args: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(v) => query.bind(v),
        Value::Text(v) => query.bind(v),
        Value::Blob(v) => query.bind(v),
        Value::Uuid(v) => query.bind(v),
        Value::Uuids(v) => query.bind(v),
        Value::Blobs(v) => query.bind(v),
        Value::Texts(v) => query.bind(v),
        Value::Ints(v) => query.bind(v),
    })
}

/// Most variables of one statement: below SQLite's 32,766.
const VARIABLES: usize = 8_000;

/// Cuts `rows` into chunks of a few fixed sizes.
pub(super) fn chunks(rows: usize, columns: usize) -> impl Iterator<Item = usize> {
    let most = (VARIABLES / columns.max(1)).max(1);
    let mut left = rows;
    std::iter::from_fn(move || {
        let size = [256, 64, 16, 4, 1].into_iter().find(|size| *size <= left && *size <= most)?;
        left -= size;
        Some(size)
    })
}

/// A statement of variable length. SQLite gets `?` in order, because it looks numbered variables up one by one.
pub(crate) struct Sql {
    kind: Kind,
    text: String,
    args: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(kind: Kind, text: &str) -> Self {
        Self { kind, text: text.to_owned(), args: Vec::new() }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends text on one of the databases only.
    pub(crate) fn push_on(&mut self, kind: Kind, text: &str) -> &mut Self {
        if self.kind == kind {
            self.text.push_str(text);
        }
        self
    }

    /// Locks the selected rows; SQLite has one writer anyhow.
    pub(crate) fn for_update(&mut self) -> &mut Self {
        self.push_on(Kind::Postgres, " FOR UPDATE")
    }

    fn placeholder(&mut self) {
        match self.kind {
            Kind::Sqlite => self.text.push('?'),
            Kind::Postgres => {
                self.text.push('$');
                self.text.push_str(&self.args.len().to_string());
            }
        }
    }

    /// Appends a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.args.push(value.into());
        self.placeholder();
        self
    }

    /// Appends ` = ANY(…)` or ` IN (…)`. On SQLite the list is filled up to one of a few sizes by repeating the last
    /// value; an empty list matches nothing.
    fn list<T: Clone>(&mut self, list: &[T], all: impl Fn(Vec<T>) -> Value, one: impl Fn(T) -> Value) -> &mut Self {
        match self.kind {
            Kind::Postgres => {
                self.args.push(all(list.to_vec()));
                self.text.push_str(" = ANY($");
                self.text.push_str(&self.args.len().to_string());
                self.text.push(')');
            }
            Kind::Sqlite => {
                let size = [1, 4, 16, 64, 256].into_iter().find(|size| *size >= list.len()).unwrap_or(list.len());
                self.text.push_str(" IN (");
                if let Some(last) = list.last() {
                    for index in 0..size {
                        self.args.push(one(list.get(index).unwrap_or(last).clone()));
                        self.text.push_str(if index == 0 { "?" } else { ",?" });
                    }
                }
                self.text.push(')');
            }
        }
        self
    }

    /// Appends that what stands before is one of these ids. At most [`LIST`] of them.
    pub(crate) fn ids(&mut self, ids: &[Uuid]) -> &mut Self {
        self.list(ids, Value::Uuids, |id| Value::Uuid(Some(id)))
    }

    /// Appends that what stands before is one of these byte strings.
    pub(crate) fn blobs(&mut self, blobs: &[Vec<u8>]) -> &mut Self {
        self.list(blobs, Value::Blobs, |blob| Value::Blob(Some(blob)))
    }

    /// Appends that what stands before is one of these numbers.
    pub(crate) fn ints(&mut self, ints: &[i64]) -> &mut Self {
        self.list(ints, Value::Ints, |int| Value::Int(Some(int)))
    }

    /// Appends that what stands before is one of these texts.
    pub(crate) fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.list(texts, Value::Texts, |text| Value::Text(Some(text)))
    }

    /// Appends `VALUES (…),(…)` of `rows` times `columns` values.
    pub(crate) fn rows(&mut self, rows: usize, columns: usize, values: impl Iterator<Item = Value>) -> &mut Self {
        self.text.reserve(rows * columns * 3 + 10);
        self.text.push_str(" VALUES ");
        for (index, value) in values.take(rows * columns).enumerate() {
            self.text.push_str(match (index, index % columns) {
                (0, _) => "(",
                (_, 0) => "),(",
                _ => ",",
            });
            self.args.push(value);
            self.placeholder();
        }
        self.text.push(')');
        self
    }

    pub(super) fn into_parts(self) -> (String, Vec<Value>) {
        (self.text, self.args)
    }
}

/// How many ids go into one list.
pub(crate) const LIST: usize = 256;

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($($(#[$doc:meta])* $name:ident -> $type:ty),+ $(,)?) => {
        $($(#[$doc])*
        pub(crate) fn $name(&self, index: usize) -> Result<$type> {
            // Unchecked: the types of columns are this crate's own; decoding still tells a wrong one.
            Ok(match self {
                Self::Sqlite(row) => row.try_get_unchecked(index)?,
                Self::Postgres(row) => row.try_get_unchecked(index)?,
            })
        })+
    };
}

impl Row {
    get! {
        int -> i64,
        opt_int -> Option<i64>,
        text -> String,
        opt_text -> Option<String>,
        blob -> Vec<u8>,
        uuid -> Uuid,
        opt_uuid -> Option<Uuid>,
    }

    pub(crate) fn flag(&self, index: usize) -> Result<bool> {
        Ok(self.int(index)? != 0)
    }

    pub(crate) fn time(&self, index: usize) -> Result<Timestamp> {
        time(self.int(index)?)
    }

    pub(crate) fn opt_time(&self, index: usize) -> Result<Option<Timestamp>> {
        opt_time(self.opt_int(index)?)
    }

    /// A value of an enum known by name.
    pub(crate) fn named<T: std::str::FromStr<Err = StoreError>>(&self, index: usize) -> Result<T> {
        self.text(index)?.parse().map_err(|error: StoreError| StoreError::Database(error.to_string()))
    }

    /// A value kept as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T> {
        serde_json::from_str(&self.text(index)?).map_err(StoreError::unreadable)
    }

    /// A value kept as JSON, or none.
    pub(crate) fn opt_json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<Option<T>> {
        self.opt_text(index)?.map(|text| serde_json::from_str(&text).map_err(StoreError::unreadable)).transpose()
    }
}

/// A time of milliseconds since the epoch.
pub(crate) fn time(millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(StoreError::unreadable)
}

/// A time of milliseconds since the epoch, or none.
pub(crate) fn opt_time(millis: Option<i64>) -> Result<Option<Timestamp>> {
    millis.map(time).transpose()
}

/// A time as databases keep it: whole milliseconds.
pub(crate) fn millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// The time so much later, in whole milliseconds; the end of time at most.
pub(crate) fn later(time: Timestamp, by: std::time::Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(time.as_millisecond().saturating_add(by)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_cover_all_rows_in_few_sizes(rows in 0_usize..5_000, columns in 1_usize..40) {
            let sizes: Vec<usize> = chunks(rows, columns).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>(), rows);
            prop_assert!(sizes.iter().all(|size| size * columns <= VARIABLES && [1, 4, 16, 64, 256].contains(size)));
        }

        #[test]
        fn lists_are_never_empty_of_a_value_given(ids in proptest::collection::vec(any::<u128>(), 0..300)) {
            let ids: Vec<Uuid> = ids.into_iter().map(Uuid::from_u128).collect();
            let mut sql = Sql::new(Kind::Sqlite, "SELECT 1 WHERE id");
            sql.ids(&ids);
            let (text, args) = sql.into_parts();
            prop_assert_eq!(text.matches('?').count(), args.len());
            for id in &ids {
                prop_assert!(args.iter().any(|arg| matches!(arg, Value::Uuid(Some(value)) if value == id)));
            }
        }
    }
}
