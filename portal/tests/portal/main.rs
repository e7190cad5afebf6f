//! The router over a real store: answers, problems, access, pages, the OpenAPI document.

mod access;
mod answers;
mod checks;
mod description;
mod ownership;
mod pages;
mod problems;
mod lookups;
mod searching;
mod sites;
mod support;
