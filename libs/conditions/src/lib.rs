//! Conditions: the compiled vocabulary and the tagger: pure
