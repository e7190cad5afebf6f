//! Who should hold which partition. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ids::PartitionId;

/// How a partition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    /// Member that holds it; empty for none.
    pub owner: String,
    /// Member that should hold it; the owner gives it up when it next asks for records.
    pub wanted: String,
    /// Raised whenever the owner changes.
    pub epoch: i64,
}

/// The next state: every partition that a living member reads is wanted by one, shares differ by one at most where members
/// read the same topics, and as little moves as that allows. A living owner keeps its partition until it releases it; a dead
/// one loses it at once.
pub(super) fn plan(
    members: &BTreeMap<String, BTreeSet<PartitionId>>,
    current: &BTreeMap<PartitionId, Assigned>,
) -> BTreeMap<PartitionId, Assigned> {
    let reads = |member: &str, partition: &PartitionId| members.get(member).is_some_and(|set| set.contains(partition));
    let read: BTreeSet<PartitionId> = members.values().flatten().copied().collect();
    let mut shares: HashMap<&str, usize> = members.keys().map(|member| (member.as_str(), 0)).collect();
    let mut wanted: BTreeMap<PartitionId, &str> = BTreeMap::new();
    for partition in &read {
        if let Some(now) = current.get(partition).filter(|now| reads(&now.wanted, partition)) {
            wanted.insert(*partition, &now.wanted);
            *shares.entry(&now.wanted).or_default() += 1;
        }
    }
    let least = |shares: &HashMap<&str, usize>, partition: &PartitionId| {
        let readers = members.iter().filter(|(_, set)| set.contains(partition)).map(|(member, _)| member.as_str());
        readers.map(|member| (shares.get(member).copied().unwrap_or(0), member)).min()
    };
    for partition in &read {
        if !wanted.contains_key(partition)
            && let Some((_, member)) = least(&shares, partition)
        {
            wanted.insert(*partition, member);
            *shares.entry(member).or_default() += 1;
        }
    }
    // Each move brings two shares closer, so this ends.
    loop {
        let step = wanted.iter().find_map(|(partition, &from)| {
            let (share, to) = least(&shares, partition)?;
            (share + 1 < shares.get(from).copied().unwrap_or(0)).then_some((*partition, from, to))
        });
        let Some((partition, from, to)) = step else { break };
        wanted.insert(partition, to);
        *shares.entry(from).or_default() -= 1;
        *shares.entry(to).or_default() += 1;
    }
    let mut next = current.clone();
    for partition in current.keys().chain(&read) {
        let wanted = wanted.get(partition).copied().unwrap_or_default();
        let assigned = next.entry(*partition).or_insert_with(|| Assigned {
            owner: String::new(),
            wanted: String::new(),
            epoch: 0,
        });
        assigned.wanted = wanted.to_owned();
        if assigned.owner != wanted && !reads(&assigned.owner, partition) {
            assigned.owner = wanted.to_owned();
            assigned.epoch += 1;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(names: &BTreeSet<u8>, partitions: i64) -> BTreeMap<String, BTreeSet<PartitionId>> {
        names.iter().map(|name| (format!("m{name}"), (0..partitions).map(PartitionId).collect())).collect()
    }

    proptest! {
        // Members come and go, owners release what is wanted by others: shares stay even, nobody living is robbed.
        #[test]
        fn shares_are_even_and_living_owners_keep(
            rounds in proptest::collection::vec(proptest::collection::btree_set(0u8..6, 0..5), 1..8), partitions in 1i64..12)
        {
            let mut state = BTreeMap::new();
            for names in rounds {
                let members = members(&names, partitions);
                let next = plan(&members, &state);
                prop_assert_eq!(&plan(&members, &next), &next, "stable");
                for (partition, assigned) in &next {
                    let before = state.get(partition).cloned().unwrap_or(Assigned { owner: String::new(), wanted: String::new(), epoch: 0 });
                    prop_assert_eq!(assigned.wanted.is_empty(), members.is_empty());
                    if members.contains_key(&before.owner) {
                        prop_assert_eq!(&before.owner, &assigned.owner);
                    }
                    prop_assert_eq!(assigned.epoch > before.epoch, assigned.owner != before.owner);
                }
                let share = |name: &String| next.values().filter(|assigned| &assigned.wanted == name).count();
                let shares: Vec<usize> = members.keys().map(share).collect();
                if let (Some(least), Some(most)) = (shares.iter().min(), shares.iter().max()) {
                    prop_assert!(most - least <= 1);
                }
                state = next;
                for assigned in state.values_mut().filter(|assigned| assigned.owner != assigned.wanted) {
                    assigned.owner.clone_from(&assigned.wanted);
                    assigned.epoch += 1;
                }
            }
        }
    }

    #[test]
    fn a_newcomer_takes_half_and_no_more() {
        let both = BTreeSet::from([1, 2]);
        let first = plan(&members(&BTreeSet::from([1]), 4), &BTreeMap::new());
        assert!(first.values().all(|assigned| assigned.owner == "m1"));
        let second = plan(&members(&both, 4), &first);
        assert!(second.values().all(|assigned| assigned.owner == "m1"), "until released");
        assert_eq!(second.values().filter(|assigned| assigned.wanted == "m2").count(), 2);
    }
}
