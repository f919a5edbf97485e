"""Filters over label columns, written as Python writes comparisons: ``light == "night" and accident_time > 2``.

Allowed are column names, texts, numbers, ``True``, ``False``, ``None``, lists of these, the comparisons ``==``, ``!=``,
``<``, ``<=``, ``>``, ``>=``, ``in``, ``not in``, ``is``, ``is not``, and ``and``, ``or``, ``not``. Nothing is executed.
As in SQL, null equals, precedes and contains nothing: only ``is None`` and ``is not None`` ask for it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

from its_core.dataset.loading.files import LoadError

Predicate = Callable[[Mapping[str, Any]], bool]
_Value = Callable[[Mapping[str, Any]], Any]
_LONGEST = 2000  # characters; deeper nesting than these allow would end the parser

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


def parse(text: str, columns: Collection[str]) -> Predicate:
    """The filter as a function of a row. Raises LoadError for anything else than the above, and unknown columns."""
    if len(text) > _LONGEST:
        raise _refused(text, f"is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(text, 'is no comparison; write one like light == "night"') from None
    condition = _condition(tree.body, text, columns)

    def holds(row: Mapping[str, Any]) -> bool:
        try:
            return condition(row)
        except TypeError as error:
            raise _refused(text, f"compares values of different kinds ({error})") from None

    return holds


def _condition(node: ast.expr, text: str, columns: Collection[str]) -> Predicate:
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_condition(value, text, columns) for value in values]
            combine = all if isinstance(op, ast.And) else any
            return lambda row: combine(part(row) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _condition(operand, text, columns)
            return lambda row: not inner(row)
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(each, text, columns) for each in (left, *others)]
            tests = [_comparison(op, text) for op in ops]
            return lambda row: all(
                test(before(row), after(row)) for test, before, after in zip(tests, sides, sides[1:], strict=False)
            )
        case ast.Name():
            value = _value(node, text, columns)
            return lambda row: value(row) is True
    raise _refused(text, f"{ast.unparse(node)!r} is no comparison")


def _comparison(op: ast.cmpop, text: str) -> Callable[[Any, Any], bool]:
    if isinstance(op, ast.Is | ast.IsNot):
        wanted = isinstance(op, ast.Is)

        def is_none(left: Any, right: Any) -> bool:
            if right is not None:
                raise _refused(text, "'is' only asks for None; use == for values")
            return (left is None) is wanted

        return is_none
    compare = _COMPARE[type(op)]
    return lambda left, right: left is not None and right is not None and bool(compare(left, right))


def _value(node: ast.expr, text: str, columns: Collection[str]) -> _Value:
    match node:
        case ast.Name(id=name):
            if name not in columns:
                close = get_close_matches(name, columns, n=1)
                hint = f"; did you mean {close[0]}?" if close else f"; the columns are {', '.join(sorted(columns))}"
                raise _refused(text, f"there is no column {name!r}{hint}", "load.no_such_column")
            return lambda row: row.get(name)
        case ast.Constant(value=str() | int() | float() | bool() | None as value):
            return lambda row: value  # noqa: ARG005
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return lambda row: -number  # noqa: ARG005
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            parts = [_value(element, text, columns) for element in elements]
            return lambda row: [part(row) for part in parts]
    raise _refused(text, f"{ast.unparse(node)!r} is neither a column nor a value")


def _refused(text: str, why: str, code: str = "load.filter") -> LoadError:
    shown = text if len(text) <= 80 else text[:79] + "…"
    return LoadError(f"filter {shown!r}: {why}", code=code)
