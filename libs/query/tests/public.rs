//! An item's row through its life, in a real store: what comes in, what curators decide, what the public sees.

use carewire_conditions::Vocabulary;
use carewire_query::public::{apply_verdict, make_row, public_json, withdrawal};
use carewire_schemas::{
    Cleaned, CuratedV1, DecisionId, DecisionV1, EntryId, FeedId, ItemId, ItemV1, OrganizationId, Outcome, OutcomeState,
    PipelineVersion, PublicState, Role, Source, StoryId, StoryRelation, Verdict, Withdrawal,
};
use carewire_store::{Changes, ItemChange, ItemRow, ItemState, Store, StoreConfig, StoreError, Target};
use jiff::Timestamp;

fn item(version: i64, title: &str, state: OutcomeState) -> ItemV1 {
    let entry = EntryId::derive(FeedId(uuid::Uuid::nil()), "1");
    let item = ItemId::derive(entry);
    ItemV1 {
        item,
        version,
        story: StoryId::derive(item),
        relation: StoryRelation::First,
        cleaned: Cleaned { title: title.to_owned(), html: format!("<p>{title}</p>"), ..Cleaned::default() },
        sources: vec![Source {
            entry,
            feed: FeedId(uuid::Uuid::nil()),
            organization: OrganizationId(uuid::Uuid::nil()),
            slug: "heart".to_owned(),
            name: "Heart Centre".to_owned(),
            url: None,
            published: None,
            joined: None,
        }],
        outcome: Outcome { state, rule: "a-rule".to_owned(), reason: "because".to_owned() },
        withdrawn: None,
        history: false,
        pipeline: PipelineVersion { code: 1, vocabulary: "v".to_owned(), run: 0 },
        rules: String::new(),
        trust: Default::default(),
        rights: Default::default(),
        likeness: None,
        first_seen: "2026-03-01T10:00:00Z".parse().unwrap(),
    }
}

struct Network {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Network {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("store.db")))).await.unwrap();
        Self { store, _folder: folder }
    }

    async fn apply(&self, item: &ItemV1) -> ItemRow {
        let wrong = |error: carewire_query::public::RowError| StoreError::Invalid(error.to_string());
        self.store
            .change_items(vec![item.item], &[], None, |view| {
                let pending = view.pending.get(&item.item).map_or(&[][..], Vec::as_slice);
                let row = make_row(
                    item,
                    view.rows.get(&item.item),
                    pending,
                    &Default::default(),
                    Vocabulary::bundled(),
                    Timestamp::now(),
                )
                .map_err(wrong)?;
                Ok(vec![ItemChange { row, decision: None }])
            })
            .await
            .unwrap();
        self.store.item(item.item).await.unwrap().unwrap()
    }

    async fn decide(
        &self,
        item: ItemId,
        verdict: Verdict,
        expected: Option<i64>,
    ) -> Result<Option<ItemRow>, StoreError> {
        let decision = DecisionV1 {
            id: DecisionId::random(),
            item,
            verdict,
            reason: "said a curator".to_owned(),
            by: "ada".to_owned(),
            at: Timestamp::now(),
            expected_version: expected,
        };
        let given = decision.clone();
        self.store
            .decide(decision, move |row, _| {
                apply_verdict(row, &given, Vocabulary::bundled(), Timestamp::now())
                    .map(Some)
                    .map_err(|error| StoreError::Invalid(error.to_string()))
            })
            .await
    }

    /// Of each change: whether the item was public before, and after.
    async fn changes(&self) -> Vec<(bool, bool)> {
        match self.store.changes(0, 100).await.unwrap() {
            Changes::Rows(rows) => rows.iter().map(|row| (row.before.is_some(), row.after.is_some())).collect(),
            Changes::TooOld => panic!("nothing was pruned"),
        }
    }
}

fn public(row: &ItemRow) -> Option<CuratedV1> {
    public_json(row).unwrap().map(|json| serde_json::from_str(&json).unwrap())
}

#[tokio::test]
async fn a_held_item_is_approved_hidden_and_brought_back() {
    let network = Network::open().await;
    let held = network.apply(&item(1, "Asthma in spring", OutcomeState::Held)).await;
    assert_eq!((held.state, public(&held)), (ItemState::Held, None));
    assert_eq!(network.changes().await, []);

    let shown = network.decide(held.id, Verdict::Approve, Some(held.version)).await.unwrap().unwrap();
    assert_eq!((shown.state, shown.first, shown.seq), (ItemState::Curated, Some(1), Some(1)));
    assert_eq!(public(&shown).unwrap().title, "Asthma in spring");

    let stale = network.decide(held.id, Verdict::Hide, Some(held.version)).await;
    assert!(matches!(stale, Err(StoreError::StaleVersion { .. })), "{stale:?}");

    let hidden = network.decide(held.id, Verdict::Hide, Some(shown.version)).await.unwrap().unwrap();
    let form = public(&hidden).unwrap();
    assert_eq!((hidden.state, form.state, form.title.as_str()), (ItemState::Withdrawn, PublicState::Withdrawn, ""));
    assert_eq!(form.withdrawn.unwrap().reason, "said a curator");
    assert!(form.version > 1 && form.html.is_empty());

    let back = network.decide(held.id, Verdict::Approve, None).await.unwrap().unwrap();
    assert_eq!((back.state, back.first, back.seq), (ItemState::Curated, Some(1), Some(3)));
    assert_eq!(network.changes().await, [(false, true), (true, false), (false, true)]);

    let undone = network.decide(held.id, Verdict::Undo, None).await.unwrap().unwrap();
    assert_eq!(undone.state, ItemState::Withdrawn);
    assert_eq!(withdrawal(&undone).unwrap().unwrap().withdrawn.unwrap().reason, "because");
}

#[tokio::test]
async fn repeats_and_late_versions_change_nothing() {
    let network = Network::open().await;
    let second = network.apply(&item(2, "New", OutcomeState::Curated)).await;
    for late in [item(2, "New", OutcomeState::Curated), item(1, "Old", OutcomeState::Curated)] {
        assert_eq!(network.apply(&late).await, second);
    }
    // A new version that looks the same is no news either.
    let same = network.apply(&item(3, "New", OutcomeState::Curated)).await;
    assert_eq!((same.seq, same.public_version), (second.seq, second.public_version));
    let changed = network.apply(&item(4, "Newer", OutcomeState::Curated)).await;
    assert_eq!((changed.first, changed.seq, changed.public_version), (Some(1), Some(2), 2));
}

#[tokio::test]
async fn decisions_outlive_new_versions_and_publishers_have_the_last_word() {
    let network = Network::open().await;
    let row = network.apply(&item(1, "Asthma in spring", OutcomeState::Curated)).await;
    let asthma = Vocabulary::bundled().resolve("D001249").unwrap();
    network.decide(row.id, Verdict::Retag { about: vec![asthma.clone(), asthma.clone()] }, None).await.unwrap();
    let next = network.apply(&item(2, "Asthma in May", OutcomeState::Curated)).await;
    let form = public(&next).unwrap();
    assert_eq!(form.codes(Role::About).collect::<Vec<_>>(), [&asthma]);
    assert_eq!(next.fields.as_ref().unwrap().about, std::slice::from_ref(&asthma));

    network.decide(row.id, Verdict::Approve, None).await.unwrap();
    let at = Timestamp::now();
    let gone = ItemV1 {
        withdrawn: Some(Withdrawal { at, reason: "withdrawn by its publisher".to_owned() }),
        ..item(3, "Asthma in May", OutcomeState::Curated)
    };
    let gone = network.apply(&gone).await;
    assert_eq!(gone.state, ItemState::Withdrawn);
    let kept = network.decide(row.id, Verdict::Approve, None).await.unwrap().unwrap();
    assert_eq!(kept.state, ItemState::Withdrawn, "no curator keeps up what its author took back");
}

#[tokio::test]
async fn a_decision_about_an_item_to_come_waits_for_it() {
    let network = Network::open().await;
    let coming = item(1, "Asthma in spring", OutcomeState::Held);
    assert_eq!(network.decide(coming.item, Verdict::Approve, None).await.unwrap(), None);
    let row = network.apply(&coming).await;
    assert_eq!(row.state, ItemState::Curated);
}
