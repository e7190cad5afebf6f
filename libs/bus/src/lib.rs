//! The event bus: Apache Kafka, or an embedded durable log
