//! The network database: PostgreSQL or SQLite
