//! What is wrong with a section of the configuration.

/// A value that is out of its range; the text names its key and says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{section}.{key}: {message}")]
pub struct ConfigError {
    /// The section.
    pub section: &'static str,
    /// The key within it.
    pub key: &'static str,
    /// What would be right.
    pub message: &'static str,
}

impl ConfigError {
    /// The first rule that does not hold: key, whether it holds, what would be right.
    pub(crate) fn first(section: &'static str, rules: &[(&'static str, bool, &'static str)]) -> Result<(), Self> {
        match rules.iter().find(|(_, good, _)| !good) {
            Some(&(key, _, message)) => Err(Self { section, key, message }),
            None => Ok(()),
        }
    }
}
