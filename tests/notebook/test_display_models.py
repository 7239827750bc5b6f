"""Predictions and pages in a notebook: everything from outside is escaped, shortened, and without secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conftest import Harness, json_response, prediction
from replicate_api.models import Prediction, Training
from replicate_ext._display.job import card
from replicate_ext._pagination import Page

EVIL = "<script>alert('x')</script>\"'&"
PICTURE = "data:image/png;base64,AAAA"


def show(**fields: Any) -> str:
    return card(Prediction.from_dict(prediction(**fields)))


def test_card_has_status_model_link_times_input_output_and_log() -> None:
    html = show(
        logs="".join(f"line {number}\n" for number in range(30)),
        output=["Hello", ", Ada"],
        input={"text": "Ada", "steps": 4},
        started_at="2025-06-02T15:53:21Z",
        metrics={"predict_time": 4.25},
    )
    for part in (
        ">succeeded</b> acme/hello",
        '<a href="https://replicate.com/p/x0fmfzfcf5rma0cq65c825tcbm"',
        "2025-06-02 15:53:20 UTC",
        "2025-06-02 15:53:21 UTC",
        "2025-06-02 15:53:25 UTC",
        "4.2 s",
        "input text",
        ">Ada<",
        ">4<",
        ">Hello, Ada<",
        "last 10 of 30 lines",
        "line 20",
    ):
        assert part in html
    assert "line 19" not in html


@pytest.mark.parametrize("field", ["id", "model", "status", "logs", "error", "output", "input", "created_at"])
def test_everything_from_outside_is_escaped(field: str) -> None:
    for value in (EVIL, [EVIL], {EVIL: EVIL}, {"a": {EVIL: [EVIL]}}):
        html = show(**{field: value})
        assert "<script" not in html
        assert "'x'" not in html
    assert "<script" not in show(urls={"web": f"https://x.example/{EVIL}"})
    assert "javascript" not in show(urls={"web": "javascript:alert(1)"})
    assert "<a " not in show(urls={"web": "data:text/html,<script>"})
    assert "<script" not in show(output='data:image/png,"><script>')


def test_inputs_are_shown_without_secrets() -> None:
    html = show(
        input={
            "hf_token": "hunter2",
            "api_key": "hunter2",
            "nested": {"password": "hunter2"},
            "webhook_secret": ["hunter2"],
            "prompt": "r8_hunter2hunter2hunter2 and",
            "image": "https://user:hunter2@bucket.example/a.png?X-Signature=hunter2",
            "mask": "data:image/png;base64," + "hunter2" * 100,
            "max_tokens": 512,
            "tokenizer": "bpe",
        }
    )
    assert "hunter2" not in html
    assert "https://bucket.example/a.png?…" in html
    assert "data:image/png;base64,… (722 characters)" in html
    assert ">512<" in html
    assert ">bpe<" in html


def test_long_values_are_shortened() -> None:
    html = show(input={"prompt": "a" * 5000, **{f"name{n}": n for n in range(50)}}, output=[*range(1000)])
    assert len(html) < 10_000
    assert "(5,000 characters)" in html
    assert "… 31 more" in html
    assert "… 980 more" in html


def test_deep_outputs_are_shown() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert "…" in show(output=deep)


def test_pictures_in_the_card_are_embedded_and_urls_are_links() -> None:
    html = show(output=[PICTURE, "https://replicate.delivery/a/out-0.png"])
    assert f'<img src="{PICTURE}"' in html
    assert '<a href="https://replicate.delivery/a/out-0.png"' in html
    assert 'src="http' not in html


def test_a_card_does_not_repeat_many_megabytes() -> None:
    assert len(show(output=[f"data:image/png;base64,{'A' * 1024**2}"] * 10)) < 10_000


@pytest.mark.parametrize("source", [{}, {"id": None, "urls": None, "metrics": 3, "logs": {}, "input": [], "error": 7}])
def test_cards_of_incomplete_responses(source: dict[str, Any]) -> None:
    assert card(Prediction.from_dict(source)).startswith("<div")
    assert card(Training.from_dict(source)).startswith("<div")
    assert "has removed" in card(Prediction.from_dict({"data_removed": True}))


def test_page_is_a_table_of_twenty(harness: Harness) -> None:
    jobs = [prediction(id=f"id{number}", model=EVIL) for number in range(25)]
    harness.server.respond_with(json_response({"results": jobs, "next": None}))
    [page] = harness.collect(harness.client.paginate(harness.client.predictions.list))
    html = page._repr_html_()
    assert html.count("<tr>") == 21
    assert "<th" in html
    assert ">id19<" in html
    assert ">id20<" not in html
    assert "… 5 more" in html
    assert "<script" not in html


def test_pages_of_anything_are_tables() -> None:
    assert ">a.txt<" in Page([{"name": "a.txt", "size": 3}])._repr_html_()
    assert ">3<" in Page([3, "x"])._repr_html_()
    assert Page([])._repr_html_() == "[]"


def test_page_shows_times_as_a_card_does() -> None:
    job = Prediction.from_dict(prediction(created_at="2025-06-02T15:53:20.065448Z"))
    assert ">2025-06-02 15:53:20 UTC<" in Page([job])._repr_html_()
    assert ">2025-06-02 15:53:20 UTC<" in card(job)


@pytest.mark.parametrize("status", ["starting", "succeeded", "failed", "canceled", "aborted"])
def test_colors_are_readable_in_light_and_dark_themes(status: str) -> None:
    [color] = re.findall("color:#([0-9a-f]{6})", show(status=status))
    assert contrast(color, "ffffff") > 4.2  # WCAG 2.2, section 1.4.3, asks for 3 in bold text, and 4.5 in small text
    assert contrast(color, "111111") > 4.2


def contrast(color: str, background: str) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    darker, lighter = sorted([luminance(color), luminance(background)])
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
