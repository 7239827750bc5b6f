"""Keep the names of components, which are not on the wire: classes, descriptions and the overlay go by them.

A component of a new document is one that we know by another name if both documents use it in the same place, or if both
names stand for the same class, and if more than half of their fields have the same names. What one document describes
inline and another as a component is the same by the same rule.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from . import contract, normalize
from .normalize import SCHEMAS

Node = dict[str, Any]


def keep_names(new: Node, known: Node) -> tuple[Node, Node]:
    """Return a new document in which components have the names that they have in a known one, and its counterpart.

    The counterpart is the known document with what only the new one calls a component. A path leads to the same part of
    both. The known document has each operation where the new one has it.
    """
    document = copy.deepcopy(new)
    _move_operations(known, contract.index_operations(document)["operations"])
    places = _Places(document, known)
    renamed = {new_ref: known_ref for known_ref, (_, new_ref) in places.renamed.items()}
    for new_ref, known_ref in renamed.items():
        _rename(document, new_ref, known_ref)
    for schema, ref in reversed(places.inline):  # the innermost first, so that repetitions are still equal afterwards
        _make_component(document, schema, ref)
    counterpart = {**known, "components": {**known.get("components", {})}}
    for ref in places.unknown.keys() - renamed:
        section = ref.split("/")[2]
        counterpart["components"][section] = {**_section(counterpart, ref), _name(ref): places.unknown[ref]}
    return document, counterpart


def merge_duplicates(document: Node) -> None:
    """Remove the schemas that are the same class as another one; references to them are to that one then."""
    schemas = _section(document, SCHEMAS)
    for duplicate, name in normalize.find_duplicates(schemas).items():
        del schemas[duplicate]
        _replace_references(document, SCHEMAS + duplicate, SCHEMAS + name)


def _move_operations(document: Node, places: Node) -> None:
    """Move the operations of a document to the paths and methods that they have in another one."""
    operations = contract.index_operations(document)["operations"]
    moved = [(places[name], operation) for name, operation in operations.items() if name in places]
    nodes = [document["paths"][operation["path"]].pop(operation["method"]) for _, operation in moved]
    for (place, _), node in zip(moved, nodes, strict=True):  # all of them are out now, since two may swap their places
        document["paths"].setdefault(place["path"], {})[place["method"]] = node


def resolve(document: Node, node: Any) -> Any:
    """Return the component that a reference is to, or the node itself if it is no reference."""
    ref = node.get("$ref") if isinstance(node, dict) else None
    return _section(document, ref).get(_name(ref), node) if isinstance(ref, str) else node


def pair_items(new: list[Any], known: list[Any], document: Node, known_document: Node) -> Iterator[tuple[Any, Any]]:
    """Yield each item of a list of a new document and its counterpart, None if it has none.

    Parameters are identified by name and place. Other items, such as those of `oneOf`, are the same if they are equal,
    or if only they have changed between two lists of the same length.
    """
    labels = [label_item(document, item) for item in new]
    known_labels = [label_item(known_document, item) for item in known]
    for index, (item, label) in enumerate(zip(new, labels, strict=True)):
        if label in known_labels:
            yield item, known[known_labels.index(label)]
        elif label[0] or len(new) != len(known) or known_labels[index] in labels:
            yield item, None
        else:
            yield item, known[index]


def label_item(document: Node, item: Any) -> tuple[bool, str]:
    """Return whether an item of a list is a parameter, and what identifies it."""
    node = resolve(document, item)
    if isinstance(node, dict) and "in" in node and "name" in node:
        return True, f"{node['in']} {node['name']}"
    facts = contract.strip_documentation(item) if isinstance(item, dict) else item
    return False, json.dumps(facts, sort_keys=True, default=str)


class _Places:
    """The references in all places of a new document, compared to those in the same places of a known one."""

    def __init__(self, new: Node, known: Node) -> None:
        self._new, self._known = new, known
        self._visited: set[tuple[int, int]] = set()
        self.renamed: dict[str, tuple[float, str]] = {}
        """The new reference of each renamed component and how similar it is, by the known reference."""
        self.inline: list[tuple[Node, str]] = []
        """Each schema that is inline now, and the known reference."""
        self.unknown: dict[str, Any] = {}
        """What is known of the components that only the new document has a name for, by the new reference."""

        operations, known_operations = (contract.index_operations(one)["operations"] for one in (new, known))
        for name in operations:
            self._compare(operations[name], known_operations.get(name))
        for name in _section(new, SCHEMAS):
            for known_name in _section(known, SCHEMAS):
                if normalize.class_name(name) == normalize.class_name(known_name):
                    self._compare({"$ref": SCHEMAS + name}, {"$ref": SCHEMAS + known_name})

    def _compare(self, new: Any, known: Any) -> None:
        if isinstance(new, list) and isinstance(known, list):
            for item, known_item in pair_items(new, known, self._new, self._known):
                self._compare(item, known_item)
        if not isinstance(new, dict) or not isinstance(known, dict):
            return
        node, known_node = resolve(self._new, new), resolve(self._known, known)
        if (id(node), id(known_node)) in self._visited:
            return
        self._visited.add((id(node), id(known_node)))
        if isinstance(new_ref := new.get("$ref"), str):
            self._compare_reference(new_ref, node, known.get("$ref"), known_node)
        elif isinstance(known_ref := known.get("$ref"), str) and _similarity(node, known_node) > 0.5:
            self.inline.append((node, known_ref))
        for key in node:
            self._compare(node[key], known_node.get(key))

    def _compare_reference(self, new_ref: str, new: Node, known_ref: str | None, known: Node) -> None:
        if _has(self._known, new_ref):
            return
        self.unknown.setdefault(new_ref, known)
        if known_ref is None or _has(self._new, known_ref):
            return
        similarity = _similarity(new, known)
        if similarity > self.renamed.get(known_ref, (0.5, ""))[0]:
            self.renamed[known_ref] = (similarity, new_ref)


def _has(document: Node, ref: str) -> bool:
    return _name(ref) in _section(document, ref)


def _section(document: Node, ref: str) -> Node:
    """Return the components of the kind that a reference is to; none if it is to something else."""
    root, _, section = ref.rpartition("/")[0].rpartition("/")
    components: Node = document.get("components", {}).get(section, {}) if root == "#/components" else {}
    return components


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _similarity(one: Node, other: Node) -> float:
    """Return the share of the fields of two components that both have."""
    fields, other_fields = _fields(one), _fields(other)
    return len(fields & other_fields) / len(fields | other_fields)


def _fields(node: Node) -> set[str]:
    """Return the names of the fields or the values of an enum; of anything else, all that describes it, as one."""
    return {*node.get("properties", ())} or {*map(str, node.get("enum", ()))} or {str(label_item({}, node))}


def _rename(document: Node, old: str, new: str) -> None:
    section = _section(document, old)
    components = [(_name(new if name == _name(old) else name), node) for name, node in section.items()]
    section.clear()
    section.update(components)
    _replace_references(document, old, new)


def _replace_references(document: Node, old: str, new: str) -> None:
    for node in normalize.walk(document):
        node |= {key: new for key, value in node.items() if value == old}  # `$ref`, or a discriminator's `mapping`


def _make_component(document: Node, schema: Node, ref: str) -> None:
    """Replace an inline schema by a reference to a component, unless there is a different one of the name."""
    components = document.setdefault("components", {}).setdefault(ref.split("/")[2], {})
    component = components.setdefault(_name(ref), dict(schema))
    if contract.strip_documentation(component) == contract.strip_documentation(schema):
        schema.clear()
        schema["$ref"] = ref
