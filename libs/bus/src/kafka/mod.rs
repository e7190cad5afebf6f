//! The Kafka half (interface only for now).
#![allow(unused_variables, missing_docs)]
use crate::*;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
pub struct Kafka;
pub struct Member;
pub struct FencedWriter;
impl Kafka {
    pub fn new(config: KafkaConfig) -> Result<Arc<Kafka>, BusError> {
        todo!()
    }
    pub async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        todo!()
    }
    pub fn join(self: &Arc<Self>, group: &str, topics: &[&str], config: ConsumerConfig) -> Result<Member, BusError> {
        todo!()
    }
    pub async fn fenced_writer(&self, topic: &str, name: &str) -> Result<FencedWriter, BusError> {
        todo!()
    }
    pub async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, BusError> {
        todo!()
    }
    pub async fn offsets_at(&self, topic: &str, time: Timestamp) -> Result<Vec<(i32, i64)>, BusError> {
        todo!()
    }
    pub async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        todo!()
    }
    pub async fn set_committed(&self, group: &str, topic: &str, positions: &[(i32, i64)]) -> Result<(), BusError> {
        todo!()
    }
    pub async fn read(
        self: Arc<Self>,
        topic: &str,
        partition: i32,
        offset: i64,
        max: usize,
    ) -> Result<Vec<Received>, BusError> {
        todo!()
    }
    pub async fn ping(&self) -> Result<(), BusError> {
        todo!()
    }
    pub async fn produce(&self, topic: &str, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        todo!()
    }
}
impl Member {
    pub async fn next_batch(&mut self, max_records: usize, max_wait: Duration) -> Result<Vec<Received>, BusError> {
        todo!()
    }
    pub async fn commit(&mut self, positions: &[(Arc<str>, i32, i64)]) -> Result<(), BusError> {
        todo!()
    }
    pub fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        todo!()
    }
    pub async fn seek(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), BusError> {
        todo!()
    }
    pub async fn close(self) -> Result<(), BusError> {
        todo!()
    }
}
impl FencedWriter {
    pub fn topic(&self) -> &str {
        todo!()
    }
    pub async fn send_all(&self, records: Vec<Record>) -> Result<Vec<Position>, BusError> {
        todo!()
    }
}
