"""What changed between two versions of a model, in words, and whether it breaks callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .literals import literal, visible
from .schema import ModelSchema
from .shapes import Input, Output


class Change(NamedTuple):
    """A difference between two versions."""

    text: str
    breaks: bool = False
    """Whether code that was right for the old version may fail with the new one."""

    def __str__(self) -> str:
        return f"{self.text} (breaks)" if self.breaks else self.text


def compare(old: ModelSchema, new: ModelSchema) -> list[Change]:
    """Return the changes of the inputs and the output; those that break first."""
    found = [*_compare_inputs(old, new), *_compare_outputs(old.output, new.output, "output")]
    if not found and old.digest != new.digest:
        found = [Change("only descriptions or the order of the inputs changed")]
    return sorted(found, key=lambda change: not change.breaks)


def _compare_inputs(old: ModelSchema, new: ModelSchema) -> Iterator[Change]:
    before, after = ({input.name: input for input in schema.inputs} for schema in (old, new))
    yield from _compare_by_name(before, after, "")
    if (old.extra_input is None) != (new.extra_input is None):
        yield Change(
            f"{'also' if new.extra_input else 'no longer'} takes inputs by other names", new.extra_input is None
        )


def _compare_by_name(old: Mapping[str, Input], new: Mapping[str, Input], prefix: str) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        shown = prefix + visible(name)
        if name not in new:
            yield Change(f"{shown} is gone", breaks=True)
        elif name not in old:
            yield Change(f"{shown} is new{' and required' if new[name].required else ''}", breaks=new[name].required)
        else:
            yield from _compare_input(old[name], new[name], shown)


def _compare_input(old: Input, new: Input, name: str) -> Iterator[Change]:
    if (before := describe_input_type(old)) != (after := describe_input_type(new)):
        is_wider = _is_wider(old, new)
        yield Change(f"{name}: {before} → {after}", breaks=not is_wider)
        if is_wider:  # otherwise it breaks whatever else has changed
            yield from _compare_constraints(old, new, name)
            if old.items and new.items:
                yield from _compare_constraints(old.items, new.items, f"{name} items")
        return
    yield from _compare_by_name(old.fields, new.fields, f"{name}.")
    if old.items or new.items:
        yield from _compare_input(old.items or Input(""), new.items or Input(""), f"{name} items")
    for old_variant, new_variant in zip(old.any_of, new.any_of, strict=False):
        yield from _compare_input(old_variant, new_variant, name)
    yield from _compare_constraints(old, new, name)


def _compare_constraints(old: Input, new: Input, name: str) -> Iterator[Change]:
    if old.required != new.required:
        yield Change(f"{name} is {'required' if new.required else 'optional'} now", breaks=new.required)
    if old.nullable != new.nullable:
        yield Change(f"{name} may {'' if new.nullable else 'not '}be null now", breaks=not new.nullable)
    yield from _compare_choices(old.choices, new.choices, name, closed_breaks=True)
    for limit, unit, before, after, raised_breaks in _limits(old, new):
        if before != after:
            narrowed = after is not None and (before is None or (after > before) == raised_breaks)
            yield Change(f"{name}: {limit} {_or_none(before)} → {_or_none(after)}{unit}", breaks=narrowed)
    if old.pattern != new.pattern:
        yield Change(
            f"{name}: pattern {_or_none(old.pattern)} → {_or_none(new.pattern)}", breaks=new.pattern is not None
        )
    if old.accept != new.accept:
        old_types, new_types = (visible(", ".join(input.accept)) or "any file" for input in (old, new))
        yield Change(f"{name}: accepts {old_types} → {new_types}", breaks=bool(new.accept))
    if (old.has_default, old.default) != (new.has_default, new.default) and not (old.is_secret or new.is_secret):
        yield Change(f"{name}: default {_or_none(old.default)} → {_or_none(new.default)}")
    if new.is_deprecated and not old.is_deprecated:
        yield Change(f"{name} is deprecated")


_WIDENED = {("integer", "number"), ("string", "file")}
"""Types of which the second takes all values of the first."""


def _is_wider(old: Input, new: Input) -> bool:
    """Whether the type of an input takes all values that it took before."""
    if new.any_of:
        types = set(map(describe_input_type, new.any_of))
        return {describe_input_type(variant) for variant in old.any_of or (old,)} <= types
    if old.type == new.type == "array":
        return _is_wider(old.items or Input(""), new.items or Input(""))
    return new.type == "any" or (old.type, new.type) in _WIDENED


def _limits(old: Input, new: Input) -> Iterator[tuple[str, str, float | None, float | None, bool]]:
    """Yield the limits of an input: their name and unit, before, after, and whether a higher one allows less."""
    unit = " items" if new.type == "array" else " characters"
    yield "at least", "", old.minimum, new.minimum, True
    yield "at most", "", old.maximum, new.maximum, False
    yield "at least", unit, old.min_length, new.min_length, True
    yield "at most", unit, old.max_length, new.max_length, False


def _compare_choices(old: tuple[Any, ...], new: tuple[Any, ...], name: str, *, closed_breaks: bool) -> Iterator[Change]:
    """Compare the values that are possible; of an input, fewer break, of an output, more."""
    if bool(old) != bool(new):
        yield Change(f"{name}: {f'only {_join(new)}' if new else 'any value'}", breaks=bool(new) == closed_breaks)
        return
    if gone := [choice for choice in old if choice not in new]:
        yield Change(f"{name}: no longer {_join(gone)}", breaks=closed_breaks)
    if added := [choice for choice in new if choice not in old]:
        yield Change(f"{name}: also {_join(added)}", breaks=not closed_breaks)


def _compare_outputs(old: Output, new: Output, name: str) -> Iterator[Change]:
    if old.kind != new.kind:
        breaks = old.kind != "any"
        yield Change(f"{name}: {describe_output_type(old)} → {describe_output_type(new)}", breaks=breaks)
        return
    if old.nullable != new.nullable:
        yield Change(f"{name} may {'' if new.nullable else 'no longer '}be null", breaks=new.nullable)
    yield from _compare_choices(old.choices, new.choices, name, closed_breaks=False)
    if old.is_iterator != new.is_iterator:
        yield Change(f"{name} {'arrives in parts' if new.is_iterator else 'arrives as a whole'}")
    if old.items or new.items:
        yield from _compare_outputs(old.items or Output(), new.items or Output(), f"{name} items")
    for field in sorted(old.fields.keys() | new.fields.keys()):
        shown = f"{name}.{visible(field)}"
        if field not in new.fields:
            yield Change(f"{shown} is gone", breaks=True)
        elif field not in old.fields:
            yield Change(f"{shown} is new")
        else:
            yield from _compare_outputs(old.fields[field], new.fields[field], shown)
            if (field in old.required) != (field in new.required):
                yield Change(
                    f"{shown} is {'always' if field in new.required else 'not always'} there",
                    breaks=field in old.required,
                )


def describe_input_type(input: Input) -> str:
    """Return the type of an input in words, without its constraints."""
    if input.any_of:
        return " or ".join(dict.fromkeys(map(describe_input_type, input.any_of)))
    if input.type == "array" and input.items:
        return f"array of {describe_input_type(input.items)}"
    return "anything" if input.type == "any" else input.type


def describe_output_type(output: Output) -> str:
    """Return the type of an output in words."""
    if output.kind == "list" and output.items:
        return f"list of {describe_output_type(output.items)}"
    return "anything" if output.kind == "any" else output.kind


def _join(choices: Any) -> str:
    return ", ".join(_or_none(choice) for choice in choices)


def _or_none(value: Any) -> str:
    """Return a value as text, shortened; "none" stands for no limit or no default."""
    text = "none" if value is None else literal(value) or "another"
    return text if len(text) <= 60 else f"{text[:60]}…"
