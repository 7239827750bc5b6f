"""Compare two OpenAPI documents by what goes over the wire, and report the changes by whom they break.

A change breaks *callers* if a request that was valid may be rejected now. It breaks *readers* if a response may have
content that was impossible before. Our client tolerates the latter (open enums, missing keys, unknown fields), but user
code that compares statuses, for example, may not.

`schemas.py` and `operations.py` read a document without regard to how it is written, `compare.py` finds the differences
and `keywords.py` decides whom they break, `wording.py` and `names.py` find the words, `report.py` puts it together.
"""

from .report import CALLERS, CLASSES, FORMATS, READERS, SAFE, Change, classify_changes, exit_code, title

__all__ = ["CALLERS", "CLASSES", "FORMATS", "READERS", "SAFE", "Change", "classify_changes", "exit_code", "title"]
