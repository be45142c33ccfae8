"""YAML text to plain values, with the place of every key and value kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from config.faults import Fault, Key, Mark, dotted

MOST_VALUES = 2_000_000
"""In one file, aliases written out; beyond that it is an alias bomb rather than a deployment."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands in the files."""

    key: Mark
    """Its key; for an item of a list, the item itself."""
    value: Mark
    """The value; for a block below its key, the key."""
    raw: str | None = None
    """A scalar as it was written, without its quotes; None for lists and mappings."""


@dataclass(slots=True)
class Document:
    """One or more files as plain dicts, lists and scalars."""

    tree: dict[str, Any] = field(default_factory=dict)
    spots: dict[Key, Spot] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    readable: bool = True
    """False when the file is not YAML or not a mapping, so that nothing can be said about what is in it."""

    def fault(self, mark: Mark, key: Key, message: str, allowed: str) -> None:
        """Note a fault; its message begins with the key."""
        text = f"{dotted(key)}: {message}" if key else message
        self.faults.append(Fault(mark, text, allowed, key))


def parse(text: str, path: str) -> Document:
    """Read one file's text. Faults are in the result; with a syntax error the tree is empty."""
    document = Document()
    try:
        _Builder(document, path).root(YAML(typ="safe", pure=True).compose(text))
    except MarkedYAMLError as error:
        document.faults.append(_syntax(error, path))
    except ReaderError as error:
        document.faults.append(_unreadable(error, text, path))
    except (YAMLError, RecursionError, ValueError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        document.faults.append(Fault(Mark(path, 1, 1), f"not YAML: {problem}", "YAML 1.2"))
    else:
        return document
    document.readable = False
    return document


def _syntax(error: MarkedYAMLError, path: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = Mark(path, mark.line + 1, mark.column + 1) if mark else Mark(path, 1, 1)
    said = " ".join(part for part in (error.context, error.problem) if part)
    return Fault(place, f"not YAML: {' '.join(said.split())}", "YAML 1.2, one document")


def _unreadable(error: ReaderError, text: str, path: str) -> Fault:
    before = text[: error.position]
    column = len(before) - (before.rfind("\n") + 1) + 1
    place = Mark(path, before.count("\n") + 1, column)
    return Fault(place, f"not YAML: control character {error.character!r}", "printable text")


@dataclass(slots=True)
class _Builder:
    """Walks the composed nodes of one file into a Document."""

    document: Document
    path: str

    def root(self, node: Node | None) -> None:
        if node is None:
            return
        if not isinstance(node, MappingNode):
            allowed = "sections such as sip: and queues:"
            self.document.fault(self.start(node), (), "the file is not a mapping", allowed)
            self.document.readable = False
            return
        if _written_out(node, {}) > MOST_VALUES:
            message = "the file grows without bound (aliases inside aliases?)"
            self.document.fault(self.start(node), (), message, f"{MOST_VALUES} values")
            self.document.readable = False
            return
        self.document.tree = self.mapping(node, ())

    def start(self, node: Node) -> Mark:
        return Mark(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def value(self, node: Node, key: Key) -> Any:
        match node:
            case MappingNode():
                return self.mapping(node, key)
            case SequenceNode():
                return self.sequence(node, key)
            case ScalarNode():
                return self.scalar(node, key)
        raise TypeError(f"a YAML node of an unknown kind: {node!r}")

    def mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = self.name(name_node, key)
            if name is not None and self.fresh(name, name_node, result, key):
                place = (*key, name)
                self.document.spots[place] = self.spot(self.start(name_node), value_node)
                result[name] = self.value(value_node, place)
        return result

    def name(self, node: Node, key: Key) -> str | None:
        """A key's text. One that YAML reads as a number, a date or a truth value is a fault."""
        if not isinstance(node, ScalarNode):
            self.document.fault(self.start(node), key, "a key is a list or a mapping", "text")
            return None
        raw = str(node.value)
        tag = _tag(node)
        if tag == "merge":
            self.document.fault(
                self.start(node), key, 'merge keys ("<<") are not YAML 1.2', "the keys written out"
            )
            return None
        if tag != "str":
            self.document.fault(
                self.start(node), (*key, raw), f"the key {raw} is not text to YAML", f'it in quotes: "{raw}"'
            )
        return raw

    def fresh(self, name: str, node: Node, sofar: Mapping[str, Any], key: Key) -> bool:
        if name not in sofar:
            return True
        first = self.document.spots[(*key, name)].key
        self.document.fault(
            self.start(node), (*key, name), f"the key is here twice, first at {first}", "each key once"
        )
        return False

    def sequence(self, node: SequenceNode, key: Key) -> list[Any]:
        result = []
        for index, item in enumerate(node.value):
            place = (*key, index)
            self.document.spots[place] = self.spot(self.start(item), item)
            result.append(self.value(item, place))
        return result

    def spot(self, key: Mark, node: Node) -> Spot:
        if isinstance(node, ScalarNode):
            empty = not node.value and node.style is None
            return Spot(key, key if empty else self.start(node), str(node.value))
        flow = isinstance(node, MappingNode | SequenceNode) and node.flow_style
        return Spot(key, self.start(node) if flow else key)

    def scalar(self, node: ScalarNode, key: Key) -> Any:
        tag, raw = _tag(node), str(node.value)
        read = _SCALARS.get(tag)
        if read is None:
            self.document.fault(self.start(node), key, f"the tag {node.tag} means nothing here", "plain YAML")
            return None
        try:
            return read(raw)
        except ValueError:
            self.document.fault(self.start(node), key, f"{raw} is not a YAML {tag}", "a value that is one")
            return None


def _written_out(node: Node, known: dict[int, float]) -> float:
    """How many values a node stands for with its aliases written out; infinite for one that holds itself."""
    if isinstance(node, ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = math.inf
        children = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_written_out(child, known) for child in children)
    return known[id(node)]


def _tag(node: Node) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _truth(raw: str) -> bool | str:
    """true and false, as YAML 1.2 has them; yes, no, on and off stay text, with a %YAML 1.1 line too."""
    return {"true": True, "false": False}.get(raw.lower(), raw)


def _integer(raw: str) -> int:
    return int(raw.replace("_", ""), 0 if raw.lstrip("+-").lower().startswith(("0x", "0o", "0b")) else 10)


_SCALARS: Mapping[str, Any] = {
    "str": str,
    "int": _integer,
    "float": lambda raw: float(raw.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")),
    "bool": _truth,
    "null": lambda raw: None,
    "timestamp": str,
}


def merge(documents: Iterable[Document]) -> Document:
    """Several files as one, section by section. The same key in two is a fault that names both places."""
    whole = Document()
    for document in documents:
        whole.faults += document.faults
        taken = {key for section in document.tree for key in _join(whole, document, section)}
        whole.spots.update(
            {
                place: spot
                for place, spot in document.spots.items()
                if place[:1] in taken or place[:2] in taken
            }
        )
    return whole


def _join(whole: Document, other: Document, section: str) -> Iterator[Key]:
    """Put one file's section into the whole; the keys that were taken over."""
    value, mine = other.tree[section], whole.tree.get(section)
    if section not in whole.tree:
        whole.tree[section] = value
        yield (section,)
    elif isinstance(mine, dict) and isinstance(value, dict):
        for name, entry in value.items():
            if name in mine:
                _twice(whole, other, (section, name))
            else:
                mine[name] = entry
                yield (section, name)
    else:
        _twice(whole, other, (section,))


def _twice(whole: Document, other: Document, key: Key) -> None:
    first, again = whole.spots[key].key, other.spots[key].key
    whole.fault(again, key, f"the key is also at {first}", "each key in one file only")
