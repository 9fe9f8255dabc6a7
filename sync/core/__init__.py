"""Pure formats and decisions shared by the library and the agent.

No I/O is allowed here: no clock, no randomness, no file, no network, and none of Flask, SQLAlchemy or minio.
Whatever needs one of them takes the value as an argument, so that every rule can be replayed from a seed.
"""
