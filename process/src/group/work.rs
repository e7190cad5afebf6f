//! The items of a batch in the hand of the grouper: loaded when touched, written back when changed.

use std::collections::HashMap;

use carewire_schemas::{EntryId, ItemId, ItemV1, StoryId, StoryRelation, TraceParent};
use carewire_store::{GroupItem, GroupSource, GroupState, IdentityKey};
use jiff::Timestamp;

use super::{
    item::{Built, Fixed, Judge, build},
    member::{Body, Damaged, Member, pack, unpack},
    packed::Packed,
};

/// An item in hand.
pub struct Work {
    pub fixed: Fixed,
    /// When it entered the window, in milliseconds since the epoch.
    pub entered: i64,
    pub members: Vec<Member>,
    /// As it was produced last; none for a new one.
    pub stored: Option<(EntryId, ItemV1)>,
    /// Members to be written.
    pub changed: Vec<EntryId>,
    /// Of the record that touched it last.
    pub trace: TraceParent,
}

/// All items in hand, and which entries and keys are known.
pub struct Desk {
    state: GroupState,
    items: HashMap<ItemId, Work>,
    /// Items in the order in which they were first touched.
    pub touched: Vec<ItemId>,
    /// Keys that came up in this batch.
    pub keys: Vec<(IdentityKey, ItemId)>,
    /// Where entries of this batch went, with version and run.
    placed: HashMap<EntryId, (ItemId, i64, u32)>,
}

impl Desk {
    /// A desk over what the store knows.
    pub fn new(state: GroupState) -> Self {
        Self { state, items: HashMap::new(), touched: Vec::new(), keys: Vec::new(), placed: HashMap::new() }
    }

    /// Where an entry belongs, with the version and run that were seen last.
    pub fn source(&self, entry: EntryId) -> Option<(ItemId, i64, u32)> {
        let stored = || self.state.sources.get(&entry).map(|source| (source.item, source.version, source.run));
        self.placed.get(&entry).copied().or_else(stored)
    }

    /// The item that a key names.
    pub fn identity(&self, key: &IdentityKey) -> Option<ItemId> {
        self.state.identities.get(key).copied()
    }

    /// Items that the store knows, in order of id.
    pub fn stored_items(&self) -> Vec<ItemId> {
        let mut items: Vec<ItemId> = self.state.items.keys().copied().collect();
        items.sort_unstable();
        items
    }

    /// Notes that an item is known by these keys; a key keeps the item that it named first.
    pub fn name(&mut self, keys: &[IdentityKey], item: ItemId) {
        for key in keys {
            if !self.state.identities.contains_key(key) {
                self.state.identities.insert(*key, item);
                self.keys.push((*key, item));
            }
        }
    }

    /// Notes where an entry went.
    pub fn place(&mut self, entry: EntryId, item: ItemId, version: i64, run: u32) {
        self.placed.insert(entry, (item, version, run));
    }

    /// An item without touching it; none when neither store nor batch has it.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn look(&mut self, id: ItemId) -> Result<Option<&mut Work>, Damaged> {
        if !self.items.contains_key(&id) {
            let Some(work) = load(&self.state, id)? else { return Ok(None) };
            self.items.insert(id, work);
        }
        Ok(self.items.get_mut(&id))
    }

    /// An item, to be looked through at the end of the batch; none when neither store nor batch has it.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn touch(&mut self, id: ItemId, trace: TraceParent) -> Result<Option<&mut Work>, Damaged> {
        if self.look(id)?.is_some() && !self.touched.contains(&id) {
            self.touched.push(id);
        }
        let Some(work) = self.items.get_mut(&id) else { return Ok(None) };
        work.trace = trace;
        Ok(Some(work))
    }

    /// Puts a new item on the desk, touched.
    pub fn add(&mut self, work: Work) {
        self.touched.push(work.fixed.item);
        self.items.insert(work.fixed.item, work);
    }

    /// Takes an item off the desk.
    pub fn take(&mut self, id: ItemId) -> Option<Work> {
        self.items.remove(&id)
    }
}

/// An item as it was produced last, as the store knows it; none where it is not in `state`.
///
/// # Errors
/// When what is stored cannot be read.
pub fn stored_item(state: &GroupState, id: ItemId) -> Result<Option<ItemV1>, Damaged> {
    Ok(load(state, id)?.and_then(|work| work.stored).map(|(_, item)| item))
}

fn load(state: &GroupState, id: ItemId) -> Result<Option<Work>, Damaged> {
    let Some(stored) = state.items.get(&id) else { return Ok(None) };
    let mut body: Body = unpack(id, &stored.item.body)?;
    let mut members = Vec::with_capacity(stored.entries.len());
    for entry in &stored.entries {
        let source = state.sources.get(entry).ok_or_else(|| Damaged::new(entry, "its source is missing"))?;
        members.push(unpack::<Member>(entry, &source.body)?);
    }
    let origin = members
        .iter()
        .find(|member| member.entry == body.origin)
        .ok_or_else(|| Damaged::new(id, "its origin is missing"))?;
    // What waited for its date of publication bears that, not the member's.
    let published = body.item.cleaned.published.or(origin.cleaned.published);
    body.item.cleaned = carewire_schemas::Cleaned { published, ..origin.cleaned.clone() };
    Ok(Some(Work {
        fixed: Fixed {
            item: id,
            story: stored.item.story,
            relation: stored.item.relation,
            history: body.item.history,
            first_seen: body.item.first_seen,
            likeness: body.item.likeness,
        },
        entered: stored.item.published,
        members,
        stored: Some((body.origin, body.item)),
        changed: Vec::new(),
        trace: TraceParent::new(),
    }))
}

/// What becomes of an item in hand.
pub struct Outcome {
    /// The member whose content it has, the item as it is to be produced, when it must be looked at again.
    pub built: Built,
    /// Whether it differs from what was produced last; the version is raised then.
    pub changed: bool,
}

impl Work {
    /// A new item with its first member.
    pub fn new(
        member: Member,
        (story, likeness): (StoryId, Option<f32>),
        history: bool,
        seen: Timestamp,
        trace: TraceParent,
    ) -> Self {
        let relation = if likeness.is_some() { StoryRelation::SameStory } else { StoryRelation::First };
        let item = ItemId::derive(member.entry);
        Self {
            fixed: Fixed { item, story, relation, history, first_seen: seen, likeness },
            entered: seen.as_millisecond(),
            changed: vec![member.entry],
            members: vec![member],
            stored: None,
            trace,
        }
    }

    /// Whether an entry of this feed is among the members, and whether one of them has this title.
    pub fn of_feed(&self, feed: carewire_schemas::FeedId, title: &str) -> (bool, bool) {
        let mut same = self.members.iter().filter(|member| member.feed == feed).peekable();
        (same.peek().is_some(), same.any(|member| same_words(&member.cleaned.title, title)))
    }

    /// Adds a member, or replaces it.
    pub fn put(&mut self, member: Member) {
        let entry = member.entry;
        match self.members.iter_mut().find(|have| have.entry == entry) {
            Some(have) => *have = member,
            None => {
                self.members.push(member);
                self.members.sort_unstable_by_key(|member| member.entry);
            }
        }
        if !self.changed.contains(&entry) {
            self.changed.push(entry);
        }
    }

    /// What becomes of it. None only for an item without members, which is never made.
    pub fn conclude(&mut self, judge: Judge<'_>) -> Option<Outcome> {
        let version = self.stored.as_ref().map_or(1, |(_, item)| item.version);
        let mut built = build(self.fixed, version, &self.members, judge)?;
        let changed = self.stored.as_ref().is_none_or(|(_, stored)| *stored != built.item);
        if changed && self.stored.is_some() {
            built.item.version += 1;
        }
        Some(Outcome { built, changed })
    }

    /// Whether it waited for the end of an embargo when it was produced last.
    pub fn waited(&self) -> bool {
        self.members.iter().any(|member| member.cleaned.embargo.is_some_and(|embargo| embargo.until.is_some()))
    }

    /// The rows to be written for it.
    ///
    /// # Errors
    /// When the compressor fails.
    pub fn rows(
        &self,
        compressor: &mut zstd::bulk::Compressor<'_>,
        origin: EntryId,
        item: &ItemV1,
        packed: Option<&Packed>,
    ) -> std::io::Result<(GroupItem, Vec<GroupSource>)> {
        let cleaned =
            carewire_schemas::Cleaned { published: item.cleaned.published, ..carewire_schemas::Cleaned::default() };
        let bare = ItemV1 {
            cleaned,
            sources: item.sources.clone(),
            outcome: item.outcome.clone(),
            withdrawn: item.withdrawn.clone(),
            pipeline: item.pipeline.clone(),
            rules: item.rules.clone(),
            ..*item
        };
        let row = GroupItem {
            item: item.item,
            version: item.version,
            story: item.story,
            relation: item.relation,
            // The store's window is over this column: it carries when the item entered the window, so that old
            // entries of a first fetch are looked through too. When it was published stands in `index`.
            published: self.entered,
            first_seen: item.first_seen.as_millisecond(),
            body: pack(compressor, &Body { origin, item: bare })?,
            index: packed.map(Packed::to_bytes).unwrap_or_default(),
        };
        let mut sources = Vec::with_capacity(self.changed.len());
        for member in self.members.iter().filter(|member| self.changed.contains(&member.entry)) {
            sources.push(GroupSource {
                entry: member.entry,
                feed: member.feed,
                item: item.item,
                version: member.version,
                run: member.pipeline.run,
                deleted: member.deleted.is_some(),
                body: pack(compressor, member)?,
            });
        }
        Ok((row, sources))
    }
}

/// The same words, whatever the case and the marks between them.
fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    a == b || words(a) == words(b)
}
