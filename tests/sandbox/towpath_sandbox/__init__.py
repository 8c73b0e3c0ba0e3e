"""Fake services that towpath is tested on: they speak what the real ones speak, on loopback only."""
