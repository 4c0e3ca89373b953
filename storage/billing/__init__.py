"""Money and rights in the database."""
