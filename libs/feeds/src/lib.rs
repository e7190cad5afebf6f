//! Feeds: decode, repair, read, discover: pure
