"""The engine: many answers at once from one model. All of it runs in the worker process."""
