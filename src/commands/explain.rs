//! `carewire explain`.

use anyhow::{Context, Result};
use carewire_query::explain::{Explanation, explain};
use carewire_schemas::ItemId;

use super::{answer, open_store};
use crate::config::Config;

pub async fn run(config: Config, item: ItemId, json: bool) -> Result<()> {
    let store = open_store(&config).await?;
    let explanation = explain(&store, item).await?.with_context(|| format!("there is no item {item}"))?;
    answer(json, &explanation, || text(&explanation))
}

fn text(explanation: &Explanation) -> String {
    let Explanation { item, state, title, url, steps, .. } = explanation;
    let mut text = format!("{title}\n{item}  {state}  {}\n", url.as_deref().unwrap_or("-"));
    for step in steps {
        let at = step.at.map(|at| format!("  [{at}]")).unwrap_or_default();
        text.push_str(&format!("\n{:<11} {}{at}\n            {}", step.step, step.outcome, step.why));
    }
    text
}
