//! Metrics of the stages tag and group.
