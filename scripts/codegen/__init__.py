"""Generate code from `openapi.json`, and compare OpenAPI documents.

To generate (`generate.py`): correct the OpenAPI document with `overlay.yaml`, simplify it with `normalize.py`, map its
schemas to Python types and codecs (`types_map.py`), its operations to functions (`endpoints.py`, `references.py`) and
its operationIds to namespaces (`namespaces.py`), render `templates/` and copy `runtime/`.

To compare: `contract.py` finds the differences between two documents as they are written, `changes/` those on the wire
and whom they break. `update.py` replaces `openapi.json` and everything that is generated from it.
"""
