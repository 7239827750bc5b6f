"""A generated model as a data object: attributes, to_dict, comparison, copies."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from generated_models import STAMP, full_body
from replicate_api._runtime.records import _attributes as loaded_attributes
from replicate_api.models import (
    PageOfPredictions,
    Prediction,
    PredictionRequest,
    PredictionStatus,
    WebhookEvent,
)
from replicate_api.types import UNSET, Unset


def test_changed_attributes_are_in_to_dict() -> None:
    body = {"id": "x", "status": "starting", "created_at": STAMP, "urls": {"get": "g"}, "new": 1}
    prediction = Prediction.from_dict(body)
    assert not loaded_attributes(prediction)  # fields are converted on first read
    prediction.status = PredictionStatus.SUCCEEDED
    prediction.urls.get = "h"
    prediction.output = ["y"]
    prediction.additional_properties["more"] = 2
    changed = body | {"status": "succeeded", "urls": {"get": "h"}, "output": ["y"], "more": 2}
    assert prediction.to_dict() == changed
    prediction.output = UNSET
    assert "output" not in prediction.to_dict()
    assert json.loads(json.dumps(prediction.to_dict())) == prediction.to_dict()


def test_to_dict_returns_a_deep_copy() -> None:
    page = PageOfPredictions.from_dict({"results": [{"id": "x", "output": ["a"]}]})
    page.to_dict()["results"][0]["output"].append("b")
    assert page.to_dict() == {"results": [{"id": "x", "output": ["a"]}]}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("is_loaded", [True, False])
def test_models_compare_copy_and_pickle(duplicate: Any, is_loaded: bool) -> None:
    prediction = Prediction.from_dict(full_body(Prediction))
    if is_loaded:
        repr(prediction)
    other = duplicate(prediction)
    assert other == prediction
    assert other is not prediction
    assert other.to_dict() == prediction.to_dict()
    assert prediction != Prediction.from_dict({})
    assert "text" in repr(prediction)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Prediction' object has no attribute 'outptu'"):
        _ = Prediction.from_dict({}).outptu  # type: ignore[attr-defined]


def test_a_model_can_be_constructed() -> None:
    request = PredictionRequest(input={"a": 1}, webhook_events_filter=[WebhookEvent.COMPLETED])
    assert request.to_dict() == {"input": {"a": 1}, "webhook_events_filter": ["completed"]}
    assert isinstance(request.webhook, Unset)
