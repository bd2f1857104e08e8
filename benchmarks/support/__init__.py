"""What the benchmarks share: processes, servers, load, and the form of a result."""
