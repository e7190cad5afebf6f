//! What became of a feed's entries: how many are tagged, and how hard they are to read.

use carewire_schemas::{ConditionTag, FeedId, ReadingLevel, Role, Traits};
use serde::{Deserialize, Serialize};

use crate::{Result, Store, StoreError, db::args};

/// How a feed's last entries were tagged, as shares of them from 0 to 1; none without entries.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct FeedItems {
    /// Entries looked at.
    pub entries: i64,
    /// About a condition.
    pub condition: Option<f64>,
    /// About a health topic and no condition.
    pub topic: Option<f64>,
    /// About neither, as far as their words tell.
    pub neither: Option<f64>,
    /// Easy to read; this and the next two of those whose level could be told.
    pub easy: Option<f64>,
    /// As a newspaper.
    pub average: Option<f64>,
    /// For readers with training.
    pub hard: Option<f64>,
    /// Mean years of school asked for, of those in languages that have a formula for that.
    pub grade: Option<f64>,
}

/// What is looked at of an item's public form.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    conditions: Vec<ConditionTag>,
    #[serde(default)]
    traits: Traits,
}

impl FeedItems {
    fn of(items: &[Shown]) -> Self {
        let about = |item: &Shown, topic: bool| {
            item.conditions.iter().any(|tag| tag.role == Role::About && !tag.negated && tag.topic == topic)
        };
        let condition = items.iter().filter(|item| about(item, false)).count();
        let topic = items.iter().filter(|item| !about(item, false) && about(item, true)).count();
        let readings: Vec<_> = items.iter().filter_map(|item| item.traits.reading).collect();
        let level = |level: ReadingLevel| readings.iter().filter(|reading| reading.level == level).count();
        let grades: Vec<f64> = readings.iter().filter_map(|reading| reading.grade).map(f64::from).collect();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        Self {
            entries: i64::try_from(items.len()).unwrap_or(i64::MAX),
            condition: share(condition, items.len()),
            topic: share(topic, items.len()),
            neither: share(items.len() - condition - topic, items.len()),
            easy: share(level(ReadingLevel::Easy), readings.len()),
            average: share(level(ReadingLevel::Average), readings.len()),
            hard: share(level(ReadingLevel::Hard), readings.len()),
            grade: (!grades.is_empty()).then(|| grades.iter().sum::<f64>() / grades.len() as f64),
        }
    }
}

impl Store {
    /// How the last `limit` entries of a feed were tagged, held ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_items(&self, feed: FeedId, limit: usize) -> Result<FeedItems> {
        let sql = "SELECT i.content FROM (SELECT id FROM entries WHERE feed = $1 AND deleted = 0 \
                   ORDER BY version DESC, id LIMIT $2) e JOIN group_sources s ON s.entry = e.id JOIN items i ON i.id = s.item";
        let rows = self.inner.db.fetch(sql, args![feed.0, limit]).await?;
        let read = |text: String| serde_json::from_str::<Shown>(&text).map_err(StoreError::unreadable);
        let items = rows.iter().map(|row| read(row.text(0)?)).collect::<Result<Vec<_>>>()?;
        Ok(FeedItems::of(&items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_entries_and_levels_of_those_that_have_one() {
        let item = |tags: &[(&str, bool)], level: Option<(&str, f32)>| {
            let tags: Vec<_> = tags
                .iter()
                .map(|(role, topic)| {
                    serde_json::json!({"code": "D1", "name": "A", "role": role, "score": 1.0, "topic": topic, "evidence": []})
                })
                .collect();
            let traits = level.map_or(serde_json::json!({}), |(level, grade)| {
                serde_json::json!({"reading": {"level": level, "difficulty": 1, "formula": "us-grade", "score": 1.0, "grade": grade}})
            });
            serde_json::from_value::<Shown>(serde_json::json!({"conditions": tags, "traits": traits, "title": "x"}))
                .unwrap()
        };
        let items = [
            item(&[("about", false), ("about", true)], Some(("easy", 4.0))),
            item(&[("about", true)], Some(("hard", 12.0))),
            item(&[("mentioned", false)], None),
            item(&[], None),
        ];
        let found = FeedItems::of(&items);
        assert_eq!(
            (found.entries, found.condition, found.topic, found.neither),
            (4, Some(0.25), Some(0.25), Some(0.5))
        );
        assert_eq!((found.easy, found.average, found.hard, found.grade), (Some(0.5), Some(0.0), Some(0.5), Some(8.0)));
        assert_eq!(FeedItems::of(&[]), FeedItems::default());
    }
}
