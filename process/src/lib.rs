//! Process: tag entries, group them into items and stories
