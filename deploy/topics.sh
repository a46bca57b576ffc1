#!/bin/sh
# Creates the missing ones of Postbus's topics, with the names of org.postbus.topic.Topics and the settings of
# org.postbus.devstack.kafka.Kafka. The number of partitions never changes: an account must stay in its partition.
# KAFKA: host:port · PARTITIONS (64) · REPLICAS (1; 3 in production) · KAFKA_TOPICS: path of Kafka's kafka-topics.sh
set -eu

hour=3600000
day=86400000

create() {
  name=$1
  shift
  "${KAFKA_TOPICS:-/opt/kafka/bin/kafka-topics.sh}" --bootstrap-server "$KAFKA" --create --if-not-exists --topic "$name" \
    --partitions "${PARTITIONS:-64}" --replication-factor "${REPLICAS:-1}" "$@"
}

create postbus.accounts \
  --config cleanup.policy=compact --config segment.ms=$day --config min.cleanable.dirty.ratio=0.1
create postbus.observations --config retention.ms=$((7 * day))
create postbus.changes --config retention.ms=$((7 * day))
create postbus.mutations --config retention.ms=$day
create postbus.sync-requests --config retention.ms=$hour
create postbus.dead-letters --config retention.ms=$((30 * day))
