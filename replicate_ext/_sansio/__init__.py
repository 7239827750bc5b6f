"""Decisions without I/O: how to write a request, when to retry, how to read events, references and job states."""
