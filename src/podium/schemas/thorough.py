"""
The validator that explains: jsonschema, made to take linear and little time with lists and mappings of any length.

It takes some 40 µs for a value, right or wrong. Of many members, those that are right are told by the fast validator,
and only the others are looked at; a test proves that the two agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from podium.schemas.explain import doubled

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from jsonschema_rs import Draft202012Validator

Keyword = Callable[[Any, Any, Any, Any], "Iterator[ValidationError] | None"]


def validator(schema: dict[str, Any]) -> Validator:
    """Make the validator of a schema that podium ships; it fetches nothing."""
    import jsonschema
    from referencing import Registry

    members = _Members(schema.get("$defs", {}), jsonschema.Draft202012Validator.VALIDATORS)
    keywords = {
        "uniqueItems": _unique_items,
        "items": members.items,
        "propertyNames": members.property_names,
        "additionalProperties": members.additional_properties,
    }
    kind: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    made: Validator = kind(schema, registry=Registry())
    return made


def _unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """Check in linear time: jsonschema's own compares a mixed list all against all."""
    from jsonschema import ValidationError

    if wanted and isinstance(instance, list) and doubled(instance) is not None:
        yield ValidationError("has doubles")


class _Members:
    """The keywords that look at each member of a value, in jsonschema's form: they leave out what is right."""

    def __init__(self, definitions: Any, own: Mapping[str, Keyword]) -> None:
        self._definitions = definitions
        self._own = own
        self._fast: dict[int, Draft202012Validator] = {}

    def items(self, checker: Any, member: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
        if isinstance(instance, list):
            for index, item in enumerate(instance):
                if not self._is_right(item, member):
                    yield from checker.descend(item, member, path=index)

    def property_names(self, checker: Any, member: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(instance, dict):
            wrong = {key: None for key in instance if not self._is_right(key, member)}
            yield from self._own["propertyNames"](checker, member, wrong, schema) or ()

    def additional_properties(self, checker: Any, member: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(member, dict) and isinstance(instance, dict):
            instance = {key: value for key, value in instance.items() if not self._is_right(value, member)}
        yield from self._own["additionalProperties"](checker, member, instance, schema) or ()

    def _is_right(self, value: Any, member: dict[str, Any]) -> bool:
        """Ask the fast validator of a subschema; what it cannot tell is looked at."""
        if id(member) not in self._fast:  # the validator holds its schema, so that the id stays its own
            self._fast[id(member)] = self._made(member)
        try:
            return self._fast[id(member)].is_valid(value)
        except ValueError:
            return False

    def _made(self, member: dict[str, Any]) -> Draft202012Validator:
        import jsonschema_rs

        return jsonschema_rs.Draft202012Validator({**member, "$defs": self._definitions})
