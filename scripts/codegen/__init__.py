"""Generate code from `openapi.json`, and compare OpenAPI documents.

To generate (`generate.py`): correct the OpenAPI document with `overlay.yaml`, simplify it with `normalize.py`, map its
schemas to Python types and codecs (`types_map.py`), its operations to functions (`endpoints.py`, `references.py`), its
operationIds to namespaces (`namespaces.py`) and its words to docstrings (`docstrings.py`, with the examples of
`docstrings.yaml`), render `templates/` and copy `runtime/`.

To compare: `contract.py` finds the differences between two documents as they are written, `changes/` those on the wire
and whom they break. `json_or_yaml.py` reads them.

To update: `update.py` downloads a document and generates the code, `candidate.py` checks it in processes of its own
(`smoke_test.py`), and `replace.py` replaces `openapi.json` and the generated folders.
"""
