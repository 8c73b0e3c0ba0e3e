/*
 * The number that stands for an event without one: 63 bits of XXH64 over stream and payload, as
 * Spark and Databricks have it: `xxhash64(stream, data) & 9223372036854775807`.
 */
#ifndef CONNECTORS_EVENTS_DIGEST_H
#define CONNECTORS_EVENTS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* The seed of Spark's first column; a column's hash is the seed of the next. */
#define TOW_DIGEST_SEED 42u

uint64_t tow_digest(const void *bytes, size_t length, uint64_t seed);

#endif
