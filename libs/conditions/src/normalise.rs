//! Words as the vocabulary and the tagger compare them.
