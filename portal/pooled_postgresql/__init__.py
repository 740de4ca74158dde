"""Database backend for PostgreSQL behind PgBouncer in transaction mode (DATABASE_POOLER=on)."""
