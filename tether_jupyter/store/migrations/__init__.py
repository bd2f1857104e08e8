"""How the database has come to its present form: one step a file, in `versions/`, run by Alembic."""
