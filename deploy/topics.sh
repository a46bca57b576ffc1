#!/bin/sh
# Creates Postbus's topics where they are missing, with the names of org.postbus.topic.Topics and the settings of
# org.postbus.devstack.kafka.Kafka. Partitions are fixed for life: an account must stay in its partition.
# KAFKA: host:port · PARTITIONS: 64 · REPLICAS: 1 here, 3 where it matters · KAFKA_TOPICS: Kafka's own kafka-topics.sh
set -eu

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
create postbus.sync-requests --config retention.ms=3600000
create postbus.dead-letters --config retention.ms=$((30 * day))
