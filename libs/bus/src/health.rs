//! What a stage says of itself: `/readyz` and the metrics read it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics;

/// The state of one stage, shared between the stage and who reports it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health {
    stage: &'static str,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Health {
    /// A stage that has not started yet: it says so until the first [`Health::well`].
    #[must_use]
    pub fn new(stage: &'static str) -> Self {
        metrics::STAGE_READY.with_label_values(&[stage]).set(0);
        Self { stage, trouble: Arc::new(Mutex::new(Some("starting".to_owned()))) }
    }

    /// The stage's name.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// What is missing; none when the stage is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The stage works.
    pub fn well(&self) {
        let before = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        metrics::STAGE_READY.with_label_values(&[self.stage]).set(1);
        if let Some(before) = before.filter(|text| text != "starting" && text != "stand-by") {
            tracing::info!(stage = self.stage, before, "works again");
        }
    }

    /// The stage waits for something that passes; logged when it is new.
    pub fn waits(&self, why: impl Into<String>) {
        let why = why.into();
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref() != Some(&why) {
            tracing::warn!(stage = self.stage, why, "waits");
            *trouble = Some(why);
        }
        metrics::STAGE_READY.with_label_values(&[self.stage]).set(0);
    }
}
