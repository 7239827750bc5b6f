"""A model in the hand: absent fields, `vars`, `dir`, `dict`, copies and one-line reprs, before anything was read."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import sys
import weakref
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import attrs
import pytest

from generated_models import STAMP, full_body, response_models
from replicate_api import models
from replicate_api._runtime.records import _attributes as loaded_attributes
from replicate_api.models import File, Model, ModelsUpdateRequest, PageOfModels, Prediction, Training, WebhookSecret
from replicate_api.types import DATETIME, STRING, Field, Record

BODY = {
    "id": "k53cc0th",
    "status": "succeeded",
    "model": "acme/painter",
    "created_at": STAMP,
    "error": None,
    "input": {"prompt": "a cat"},
    "urls": {"get": "https://api/p"},
    "version": "hidden",
    "metrics": {"predict_time": 2.1},
    "new": 1,
}


@pytest.fixture
def fresh() -> Prediction:
    """A prediction of which nothing has been read."""
    return Prediction.from_dict(dict(BODY))


def test_absent_fields_read_as_none_and_to_dict_tells_them_from_null(fresh: Prediction) -> None:
    assert fresh.completed_at is None
    assert fresh.output is None
    assert fresh.error is None
    assert fresh.to_dict() == BODY
    assert Prediction.from_dict({}).id is None  # even a required one
    assert Prediction.from_dict({}).to_dict() == {}


@pytest.mark.parametrize("name", sorted(response_models()))
def test_no_response_model_reads_as_anything_but_none(name: str) -> None:
    model = response_models()[name]
    assert all(value is None for value in dict(model.from_dict({})).values())


def test_vars_and_dir_have_the_fields(fresh: Prediction) -> None:
    assert vars(fresh).keys() == {*Prediction.fields, "additional_properties"}
    assert vars(fresh)["id"] == "k53cc0th"
    again = Prediction.from_dict(dict(BODY))
    assert {*Prediction.fields, "to_dict"} <= set(dir(again))
    assert not [name for name in vars(again) if name.startswith("_")]
    assert dict(inspect.getmembers(Prediction.from_dict(dict(BODY))))["status"] == "succeeded"


def test_vars_are_the_attributes(fresh: Prediction) -> None:
    vars(fresh)["status"] = "failed"
    assert fresh.status == "failed"
    assert weakref.ref(fresh)() is fresh


def test_vars_stay_the_same_dict_and_keep_the_order_of_the_fields(fresh: Prediction) -> None:
    fresh.status = models.PredictionStatus.FAILED  # before anything was read
    attributes = loaded_attributes(fresh)
    assert fresh.id == "k53cc0th"
    assert vars(fresh) is attributes
    assert attributes["status"] == "failed"
    backwards = Prediction.from_dict(dict(reversed(BODY.items())))
    assert list(vars(backwards)) == [*Prediction.fields, "additional_properties"]


@attrs.define(slots=False, repr=False)
class Renamed(Record):
    class_: str
    at_: datetime
    fields = {"class_": Field("class", STRING, True), "at_": Field("at", DATETIME, True)}


def test_a_field_whose_json_name_is_not_its_attribute() -> None:
    body = {"at": STAMP, "class": "x", "class_": "another", "at_": 5}
    renamed = Renamed.from_dict(body)
    assert (renamed.class_, renamed.at_) == ("x", datetime.fromisoformat(STAMP))
    assert renamed.additional_properties == {"class_": "another", "at_": 5}
    assert renamed.to_dict() == body
    assert (Renamed.from_dict({"class_": "another"}).class_, Renamed.from_dict({}).at_) == (None, None)


def test_dict_of_a_model_has_a_column_for_each_field(fresh: Prediction) -> None:
    rows = list(map(dict, [fresh, Prediction.from_dict({"id": "x"})]))
    assert [list(row) for row in rows] == [list(Prediction.fields)] * 2
    assert [(row["id"], row["completed_at"]) for row in rows] == [("k53cc0th", None), ("x", None)]
    assert {**fresh}["status"] == fresh["status"] == "succeeded"
    with pytest.raises(KeyError, match="outptu"):
        fresh["outptu"]


def test_a_model_does_not_pass_for_a_list(fresh: Prediction) -> None:
    assert not isinstance(fresh, Iterable)
    with pytest.raises(TypeError, match="not iterable"):
        list(fresh)  # type: ignore[call-overload]


def replace_attrs(model: Prediction, **changes: Any) -> Prediction:
    return attrs.evolve(model, **changes)


def replace_method(model: Prediction, **changes: Any) -> Prediction:
    replace = copy.replace if sys.version_info >= (3, 13) else lambda model, **changes: model.__replace__(**changes)
    return replace(model, **changes)


@pytest.mark.parametrize("replace", [replace_attrs, replace_method])
def test_replace_keeps_everything_else(fresh: Prediction, replace: Callable[..., Prediction]) -> None:
    changed = replace(fresh, status="failed")
    assert changed.to_dict() == BODY | {"status": "failed"}
    assert fresh.to_dict() == BODY
    assert changed.additional_properties == {"new": 1}
    with pytest.raises(TypeError, match="outptu"):
        replace(fresh, outptu=1)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), replace_attrs]
)
def test_a_fresh_model_can_be_copied(fresh: Prediction, duplicate: Callable[[Prediction], Prediction]) -> None:
    other = duplicate(fresh)
    assert other.to_dict() == BODY
    assert other == fresh


def test_a_constructed_model_has_null_only_where_a_field_is_required() -> None:
    whole = {name: value for name, value in dict(Prediction.from_dict(dict(BODY))).items() if value is not None}
    made = Prediction(**whole, error=None)
    created_at = {"created_at": STAMP.replace("Z", "+00:00")}
    assert made.to_dict() == {name: value for name, value in BODY.items() if name != "new"} | created_at


def test_request_models_tell_null_from_absent() -> None:
    assert ModelsUpdateRequest().to_dict() == {}
    assert ModelsUpdateRequest(description=None).to_dict() == {"description": None}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Prediction.from_dict(dict(BODY)), "<Prediction k53cc0th succeeded acme/painter 2.1 s>"),
        (Prediction.from_dict({"id": "x", "status": "starting"}), "<Prediction x starting>"),
        (Training.from_dict(dict(BODY)), "<Training k53cc0th succeeded acme/painter 2.1 s>"),
        (Model.from_dict({"owner": "acme", "name": "painter", "run_count": 5}), "<Model acme/painter>"),
        (models.Deployment.from_dict({"owner": "acme", "name": "app"}), "<Deployment acme/app>"),
        (models.Version.from_dict({"id": "5c7d"}), "<Version 5c7d>"),
        (File.from_dict({"id": "f", "name": "my cat.png", "size": 2048}), "<File f 'my cat.png' 2048 bytes>"),
        (models.Hardware.from_dict({"sku": "cpu", "name": "CPU"}), "<Hardware CPU cpu>"),
        (WebhookSecret.from_dict({"key": "whsec_x"}), "<WebhookSecret key=…>"),
        (PageOfModels.from_dict({"results": [], "next": "u"}), "<PageOfModels next='u' results=[]>"),
        (Prediction.from_dict({"id": "x" * 5000}), "<Prediction '" + "x" * 27 + "..." + "x" * 28 + "'>"),
        (Prediction.from_dict({"id": "a\nb"}), r"<Prediction 'a\nb'>"),
        (Prediction.__new__(Prediction), "<Prediction>"),
    ],
)
def test_a_repr_is_one_line_and_identifies_the_object(model: Record, text: str) -> None:
    assert repr(model) == text


def test_a_repr_stays_short_whatever_the_model_contains() -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    for value in ["x" * 3_000_000, ["y" * 3_000_000] * 3, {"z" * 10_000: "z"}, deep, 10**5000, "\ud800", [], 1e400]:
        for name, model in response_models().items():
            for body in (dict.fromkeys(full_body(model), value), {"output": value, "id": "x"}):
                text = repr(model.from_dict(body))
                assert text.startswith(f"<{name}"), text
                assert len(text) <= 205
                assert "\n" not in text


def test_a_repr_shows_what_was_changed(fresh: Prediction) -> None:
    fresh.status = models.PredictionStatus.FAILED
    assert repr(fresh) == "<Prediction k53cc0th failed acme/painter 2.1 s>"
    assert json.loads(json.dumps(fresh.to_dict()))["status"] == "failed"
