"""What printed expressions call: text, access, arithmetic, comparison, conversion. The standard library and RE2 alone; models are told by their shape."""

from saltern_runtime.expr.access import each, expect, expect_any, expect_optional, get, has, mapping, one_of, pairs
from saltern_runtime.expr.calendars import times_format, times_parse, times_truncate
from saltern_runtime.expr.convert import (
    no_function,
    no_name,
    size,
    to_bool,
    to_bytes,
    to_double,
    to_int,
    to_uint,
)
from saltern_runtime.expr.encoders import base64_decode, base64_encode, json_decode, json_encode, url_encode
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.formats import format_text, strings_quote
from saltern_runtime.expr.lists import (
    list_avg,
    list_distinct,
    list_first,
    list_flatten,
    list_group_by,
    list_last,
    list_max,
    list_min,
    list_slice,
    list_sort,
    list_sort_by,
    list_sum,
    list_zip,
    lists_range,
    sets_contains,
    sets_equivalent,
    sets_intersects,
)
from saltern_runtime.expr.maths import (
    math_abs,
    math_bit_and,
    math_bit_not,
    math_bit_or,
    math_bit_shift_left,
    math_bit_shift_right,
    math_bit_xor,
    math_ceil,
    math_floor,
    math_greatest,
    math_least,
    math_round,
    math_sign,
    math_sqrt,
    math_trunc,
)
from saltern_runtime.expr.operators import (
    add,
    all_of,
    all_of_pairs,
    and_,
    any_of,
    any_of_pairs,
    bind,
    div,
    equal,
    ge,
    gt,
    is_in,
    le,
    lt,
    mod,
    mul,
    neg,
    not_,
    or_,
    sub,
    truth,
)
from saltern_runtime.expr.patterns import matches, regex_extract, regex_extract_all, regex_replace
from saltern_runtime.expr.strings import (
    char_at,
    index_of,
    join,
    last_index_of,
    lower_ascii,
    replace,
    reverse,
    split,
    substring,
    trim,
    upper_ascii,
)
from saltern_runtime.expr.times import (
    get_date,
    get_day_of_month,
    get_day_of_week,
    get_day_of_year,
    get_full_year,
    get_hours,
    get_milliseconds,
    get_minutes,
    get_month,
    get_seconds,
    to_duration,
    to_timestamp,
)
from saltern_runtime.expr.values import TypeName, UInt, plain, text, to_string, type_of

__all__ = [
    "ExprError", "TypeName", "UInt", "add", "all_of", "all_of_pairs", "and_", "any_of", "any_of_pairs", "base64_decode",
    "base64_encode", "bind", "char_at", "div", "each", "equal", "expect", "expect_any", "expect_optional",
    "format_text", "ge", "get", "get_date", "get_day_of_month", "get_day_of_week", "get_day_of_year", "get_full_year",
    "get_hours", "get_milliseconds", "get_minutes", "get_month", "get_seconds", "gt", "has", "index_of", "is_in",
    "join", "json_decode", "json_encode", "last_index_of", "le", "list_avg", "list_distinct", "list_first",
    "list_flatten", "list_group_by", "list_last", "list_max", "list_min", "list_slice", "list_sort", "list_sort_by",
    "list_sum", "list_zip", "lists_range", "lower_ascii", "lt", "mapping", "matches", "math_abs", "math_bit_and",
    "math_bit_not", "math_bit_or", "math_bit_shift_left", "math_bit_shift_right", "math_bit_xor", "math_ceil",
    "math_floor", "math_greatest", "math_least", "math_round", "math_sign", "math_sqrt", "math_trunc", "mod", "mul",
    "neg", "no_function", "no_name", "not_", "one_of", "or_", "pairs", "plain", "regex_extract", "regex_extract_all",
    "regex_replace", "replace", "reverse", "sets_contains", "sets_equivalent", "sets_intersects", "size", "split",
    "strings_quote", "sub", "substring", "text", "times_format", "times_parse", "times_truncate", "to_bool", "to_bytes",
    "to_double", "to_duration", "to_int", "to_string", "to_timestamp", "to_uint", "trim", "truth", "type_of",
    "upper_ascii", "url_encode",
]  # fmt: skip
