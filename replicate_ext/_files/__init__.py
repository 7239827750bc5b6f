"""Files that go into an input, and files that come out of a model."""
