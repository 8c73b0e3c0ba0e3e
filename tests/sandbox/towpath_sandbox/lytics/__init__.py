"""The Lytics API: accounts, audiences, schema, scans, system events, metrics, and the collect endpoints."""
