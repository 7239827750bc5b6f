"""What the generated code is made of: records, codecs, requests, calls and responses. `types.py` exports it."""
