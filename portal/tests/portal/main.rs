//! The router over a real store: answers, problems, access, pages, the OpenAPI document.

mod access;
mod answers;
mod browser;
mod checks;
mod description;
mod lookups;
mod ownership;
mod pages;
mod posts;
mod problems;
mod searching;
mod sites;
mod support;
