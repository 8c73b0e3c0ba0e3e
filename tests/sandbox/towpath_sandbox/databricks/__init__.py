"""A Databricks workspace: SQL warehouse on DuckDB, Unity Catalog volumes on a folder."""
