"""The workloads of the sync benchmark, a function each: whole trees, one large file, mounts side by side; ours and the peers'."""
