"""Moves schemas into named components, so that generated clients have a type for each."""

import json
from typing import Any

from pydantic import TypeAdapter

from api.openapi.operations import list_operations, list_request_media, list_response_media
from api.openapi.schema_tree import REFERENCE, Schema, map_all, map_inner
from domain import dataset
from domain.graph import language
from domain.job import job, recipe

_UNIONS: dict[str, Any] = {
    "ColumnNames": job.Columns,
    "DatasetIdOrRequest": dataset.DatasetIdOrRequest,
    "GraphOrId": language.GraphOrId,
    "LayerObject": language.LayerObject,
    "LayerOrName": language.LayerOrName,
    "Losses": recipe.Losses,
    "LossWeights": recipe.LossWeights,
    "Metrics": recipe.Metrics,
    "MetricsOfOutput": recipe.MetricsOfOne,
    "NameOrComponent": recipe.NameOrComponent,
    "Node": language.Node,
    "NodeInputs": language.NodeInputs,
    "OptionalComponent": recipe.Maybe,
    "OutputItem": language.OutputItem,
    "Reference": language.OneOrMany,
}
"""The unions of the contract, by the names of their components."""
_BODIES = ("Dataset", "Predict")
"""The beginnings of the titles of bodies whose schemas the routes write out themselves."""
_PLACES = {
    "EpochMetricsValue": "MetricValue",
    "FitClassWeight": "ClassWeightsOfOutputs",
    "FitClassWeightChoiceValue": "ClassWeights",
    "GraphRequestKerasJson": "KerasJson",
    "InfoLimitsValue": "Limit",
    "NodeSummaryShape": "NodeShape",
}
"""The names of other unions, and of mappings inside mappings, by the first of their places."""
_STEPS = {"items": "Item", "additionalProperties": "Value", "anyOf": "Choice", "oneOf": "Choice"}
"""The parts of the names of unions that `_UNIONS` does not name, by keyword."""


def name_bodies(document: dict[str, Any]) -> None:
    """Moves the schemas with a title in inline bodies into the components of that name."""
    components = document["components"]["schemas"]

    def move(schema: Schema) -> Schema:
        if "title" not in schema:
            return schema
        components[schema["title"]] = schema
        return {"$ref": REFERENCE + schema["title"]}

    for _, operation in list_operations(document):
        for media in list_request_media(operation) + list_response_media(operation):
            if media.get("schema", {}).get("title", "").startswith(_BODIES):
                media["schema"] = map_all(media["schema"], move)


def name_unions(document: dict[str, Any]) -> None:
    """Moves each union of several schemas into a component.

    A union of one schema and `null` stays where it is.
    """
    components = document["components"]["schemas"]
    names = _UnionNames(components)
    for name, schema in list(components.items()):
        components[name] = names.move_inner(schema, name)
    for name in sorted(names.added):
        components[name] = names.added[name]


class _UnionNames:
    """The components of the unions of a document, each named once."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self.added: dict[str, Schema] = {}
        self._taken = set(components) | set(_UNIONS)
        self._names = {_make_key(_describe(union)): name for name, union in _UNIONS.items()}

    def move(self, schema: Schema, owner: str, step: str) -> Schema:
        """Returns the schema, with references in place of its unions.

        Args:
            schema: The schema at this place.
            owner: The name of the schema that contains it.
            step: The keyword or the property where it is.
        """
        place = owner + _STEPS.get(step, _to_camel(step))
        moved = self.move_inner(schema, place)
        keyword = _find_union(schema)
        if keyword is None:
            return self._move_mapping(moved, place)
        name = self._choose_name(_make_key(schema), place)
        self.added[name] = {keyword: moved.pop(keyword)}
        return {"$ref": REFERENCE + name, **moved}

    def _move_mapping(self, schema: Schema, place: str) -> Schema:
        """Moves a mapping inside a mapping of a union; else two classes would have one name."""
        if not place.endswith("ChoiceValue") or schema.get("type") != "object":
            return schema
        name = _PLACES.get(place, place)
        self.added[name] = schema
        return {"$ref": REFERENCE + name}

    def move_inner(self, schema: Schema, place: str) -> Schema:
        """Returns the schema, with references in place of the unions inside it."""
        return map_inner(schema, lambda inner, step: self.move(inner, place, step))

    def _choose_name(self, key: str, place: str) -> str:
        if key not in self._names:
            number, name = 1, _PLACES.get(place, place)
            while name in self._taken:
                number, name = number + 1, f"{place}{number + 1}"
            self._names[key] = name
            self._taken.add(name)
        return self._names[key]


def _find_union(schema: Schema) -> str | None:
    """Returns the keyword of a union of at least two schemas beside `null`."""
    for keyword in ("anyOf", "oneOf"):
        choices = [choice for choice in schema.get(keyword, ()) if choice != {"type": "null"}]
        if len(choices) > 1:
            return keyword
    return None


def _describe(union: Any) -> Schema:
    return TypeAdapter(union).json_schema(ref_template=REFERENCE + "{model}")


def _make_key(schema: Schema) -> str:
    """Returns a text that is equal for equal unions."""
    keyword = _find_union(schema)
    assert keyword is not None
    return json.dumps({keyword: schema[keyword]}, sort_keys=True)


def _to_camel(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in text.replace("-", "_").split("_"))
