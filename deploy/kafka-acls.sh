#!/bin/sh
# Grants the users of Postbus their rights in a Kafka cluster whose rights are managed with Kafka's own tools. org.postbus.setup.Main kafka
# does the same, creates the topics and sets the passwords. A test compares these lines with org.postbus.setup.kafka.KafkaUser.
# KAFKA: host:port · CONFIG: a client's properties, of a user that may administer the cluster · KAFKA_ACLS: path of kafka-acls.sh
# With mutual TLS the principals are the certificates' subjects, unless the broker has ssl.principal.mapping.rules.
set -eu

allow() {
  "${KAFKA_ACLS:-/opt/kafka/bin/kafka-acls.sh}" --bootstrap-server "$KAFKA" --command-config "$CONFIG" --add "$@"
}

allow --allow-principal User:postbus-fetcher --operation Read --topic postbus.accounts
allow --allow-principal User:postbus-fetcher --operation Read --topic postbus.sync-requests
allow --allow-principal User:postbus-fetcher --operation Write --topic postbus.observations
allow --allow-principal User:postbus-fetcher --operation Read --group postbus-fetcher --resource-pattern-type prefixed
allow --allow-principal User:postbus-writer --operation Read --topic postbus.observations
allow --allow-principal User:postbus-writer --operation Write --topic postbus.changes
allow --allow-principal User:postbus-writer --operation Write --topic postbus.dead-letters
allow --allow-principal User:postbus-writer --operation Read --group postbus-writer --resource-pattern-type prefixed
allow --allow-principal User:postbus-outbound --operation Read --topic postbus.mutations
allow --allow-principal User:postbus-outbound --operation Write --topic postbus.sync-requests
allow --allow-principal User:postbus-outbound --operation Read --group postbus-outbound --resource-pattern-type prefixed
allow --allow-principal User:postbus-gateway --operation Write --topic postbus.accounts
allow --allow-principal User:postbus-gateway --operation Write --topic postbus.mutations
allow --allow-principal User:postbus-gateway --operation Write --topic postbus.sync-requests
allow --allow-principal User:postbus-gateway --operation Read --topic postbus.changes
allow --allow-principal User:postbus-subscriber --operation Read --topic postbus.changes
allow --allow-principal User:postbus-subscriber --operation Read --group subscriber --resource-pattern-type prefixed
