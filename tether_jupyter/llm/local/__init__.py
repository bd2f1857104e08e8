"""Models on this machine: a worker process runs llama.cpp, and a pipe joins it to the server."""
