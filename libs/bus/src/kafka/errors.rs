//! librdkafka's errors in our terms.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::BusError;

/// What the error means to a caller.
pub(super) fn of_kafka(error: KafkaError) -> BusError {
    let text = error.to_string();
    let code = match &error {
        // Left out by the method that gives the codes of all others.
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    };
    match code {
        Some(code) => of_code(code, text),
        None if matches!(error, KafkaError::Canceled) => BusError::Closed,
        None => BusError::Failed(text),
    }
}

/// What the code means to a caller; `text` goes along.
pub(super) fn of_code(code: RDKafkaErrorCode, text: String) -> BusError {
    use RDKafkaErrorCode as Code;
    match code {
        Code::ProducerFenced | Code::Fenced | Code::InvalidProducerEpoch => BusError::Fenced,
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            BusError::TooLarge { topic: String::new(), size: 0, limit: 0 }
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => BusError::UnknownTopic(text),
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::BrokerDestroy
        | Code::Resolve
        | Code::NodeUpdate
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::QueueFull
        | Code::Retry
        | Code::PurgeQueue
        | Code::PurgeInflight
        | Code::WaitingForCoordinator
        | Code::WaitCache
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::ReplicaNotAvailable
        | Code::BrokerNotAvailable
        | Code::NetworkException
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::NotController
        | Code::InvalidReplicationFactor
        | Code::RebalanceInProgress
        | Code::ConcurrentTransactions
        | Code::UnstableOffsetCommit
        | Code::KafkaStorageError => BusError::Unavailable(text),
        _ => BusError::Failed(text),
    }
}
