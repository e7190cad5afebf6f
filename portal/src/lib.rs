//! The JSON API and the web pages
