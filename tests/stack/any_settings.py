"""Groups of a stack file for hypothesis, as the models' own schema describes them.

The schema knows nothing of the rules between settings: most of what is drawn here is refused.
"""

import re
from typing import Any

from hypothesis import strategies as st

from components.settings import TracingSettings

Tree = dict[str, Any]
Path = tuple[str, ...]

_SCHEMA: Tree = TracingSettings.model_json_schema(by_alias=True)
#: Long texts and lists find nothing that short ones do not.
_MOST = 4
_ASCII = st.characters(max_codepoint=0x7F)
#: Values by the keys of charts.
_KEY = st.sampled_from(["alloy", "tempo", "config", "data", "a.b", "<1", ""])
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=_MOST)),
    lambda each: st.one_of(
        st.lists(each, max_size=_MOST), st.dictionaries(_KEY, each, max_size=_MOST)
    ),
    max_leaves=_MOST,
)


def _strategy(schema: Tree) -> st.SearchStrategy[Any]:
    """Return a strategy for what fits a JSON schema as pydantic writes it."""
    if "$ref" in schema:
        return _strategy(_SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*map(_strategy, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object" if "properties" in schema:
            fields = {name: _strategy(below) for name, below in schema["properties"].items()}
            required = {name: fields.pop(name) for name in schema.get("required", [])}
            return st.fixed_dictionaries(required, optional=fields)
        case "object" if schema.get("additionalProperties") is True:
            return st.one_of(st.just({}), st.dictionaries(_KEY, _ANYTHING, max_size=_MOST))
        case "object":
            [(pattern, each)] = schema["patternProperties"].items()
            keys = _text({**schema["propertyNames"], "pattern": pattern})
            return st.dictionaries(keys, _strategy(each), max_size=_MOST)
        case "array":
            return st.lists(_strategy(schema["items"]), max_size=_MOST)
        case "integer":
            return st.integers(schema["minimum"], schema.get("maximum", 1_000_000))
        case "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
            return st.floats(least, schema["maximum"], exclude_min="exclusiveMinimum" in schema)
        case "string":
            return _text(schema)
        case kind:
            return {"boolean": st.booleans(), "null": st.none()}[kind]


def _text(schema: Tree) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    if "pattern" not in schema:
        return st.text(min_size=least, max_size=min(most, least + 10))
    pattern = schema["pattern"].removeprefix("^").removesuffix("$")
    # Beyond ASCII, Python and pydantic disagree about what letters and spaces are.
    texts = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=_ASCII)
    return texts.filter(lambda text: least <= len(text) <= most)


def _leaves(schema: Tree, path: Path = ()) -> dict[Path, Tree]:
    """Return the schema of each single value by its path."""
    while "$ref" in schema:
        schema = _SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        return {path: schema}
    below = [_leaves(each, (*path, name)) for name, each in schema["properties"].items()]
    return {leaf: found for leaves in below for leaf, found in leaves.items()}


def _when_drawn(schema: Tree) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: _strategy(schema))


#: A strategy for each single setting, by its path.
LEAVES = {path: _when_drawn(schema) for path, schema in _leaves(_SCHEMA).items()}
#: Settings that are right by themselves, each drawn without a look at the others.
any_groups: st.SearchStrategy[Tree] = _when_drawn(_SCHEMA)
