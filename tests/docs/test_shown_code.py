"""The check that pages show the code that the tests run, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_site.links import Site
from docs_site.shown_code import differences

PAGE = """\
# Files

```python
first()
```

- in a list

    ```text
    a < b
    ```
"""
BUILT = """\
<h1>Files</h1>
<div class="highlight"><pre><code><span>first</span>()
</code></pre></div>
<ul><li>in a list<div class="highlight"><pre><code>a &lt; b
</code></pre></div></li></ul>
"""


def check(root: Path, page: str, built: str) -> list[str]:
    (root / "docs/guides").mkdir(parents=True)
    (root / "docs/guides/files.md").write_text(page)
    (root / "site/guides/files").mkdir(parents=True)
    (root / "site/guides/files/index.html").write_text(built)
    return [*differences(Site(root / "site", "https://example.org/"), root)]


def test_a_page_that_shows_its_code(tmp_path: Path) -> None:
    assert check(tmp_path, PAGE, BUILT) == []


@pytest.mark.parametrize("code", ["~~~python\nuntested()\n~~~", "    untested()", "<pre>untested()</pre>"])
def test_code_that_no_test_sees(tmp_path: Path, code: str) -> None:
    flaw = "no test sees this code, which is in no fence of backticks: untested()"
    line = 13 + code.startswith("~~~")
    assert check(tmp_path, f"{PAGE}\n{code}\n", f"{BUILT}<pre>untested()\n</pre>") == [
        f"docs/guides/files.md:{line}: {flaw}"
    ]


def test_code_that_readers_do_not_see(tmp_path: Path) -> None:
    hidden = "<!--\n```python\nhidden = 1\n```\n-->\n"
    assert check(tmp_path, PAGE + hidden, f"{BUILT}<!--<pre>hidden = 1</pre>-->") == [
        "docs/guides/files.md:14: readers do not see this code"
    ]


def test_the_reference_may_show_signatures_and_examples_of_docstrings(tmp_path: Path) -> None:
    documented = '<div class="doc-signature"><pre>run(ref)</pre></div><div><pre>&gt;&gt;&gt; run()</pre></div>'
    assert check(tmp_path, f"{PAGE}\n::: replicate_ext.run\n", BUILT + documented) == []


def test_included_pages_have_known_code(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("```sh\nmake demo\n```\n")
    assert check(tmp_path, f'{PAGE}\n--8<-- "README.md:intro"\n', f"{BUILT}<pre>make demo\n</pre>") == []
