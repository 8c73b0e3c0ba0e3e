"""Zerobus: streams of records into tables, on the real gRPC library."""
