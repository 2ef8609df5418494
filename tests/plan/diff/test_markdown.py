"""Markdown that holds, whatever values stand in it."""

from plan.diff import markdown
from plan.diff.values import MISSING
from plan.dumping import UNKNOWN_SHOWN
from tests.sweep import sweep


@sweep(
    ("given", "shown"),
    [
        ("a", "`a`"),
        ("a|b", "`a|b`"),
        ("a`b|c<d>", "<code>a`b|c&lt;d&gt;</code>"),
        (" a", "<code> a</code>"),
        ("336", '`"336"`'),
        ("true", '`"true"`'),
        ("", '`""`'),
        (336, "`336`"),
        (True, "`true`"),
        (None, "`null`"),
        (["a", "b"], '`["a", "b"]`'),
        (MISSING, "-"),
        (UNKNOWN_SHOWN, "*known after `up`*"),
        ([UNKNOWN_SHOWN], '`["(known after up)"]`'),
        ("a\nb", "`a b`"),
    ],
)
def test_values_in_a_cell(given: object, shown: str) -> None:
    assert markdown.value(given) == shown


def test_a_long_value_is_cut_in_a_cell() -> None:
    assert markdown.is_long("x" * 200)
    assert markdown.value("x" * 200).endswith("…`")


def test_a_block_of_code_holds_a_block_of_code() -> None:
    assert markdown.fence("a\n```\nb", "text") == "````text\na\n```\nb\n````"


def test_a_text_diff_has_line_numbers_where_they_help() -> None:
    assert markdown.diff("a", "b") == "```diff\n-a\n+b\n```"
    long = "\n".join(str(n) for n in range(20))
    assert "@@" in markdown.diff(long, long.replace("10", "x"))


def test_an_alert_is_quoted_line_by_line() -> None:
    assert markdown.quoted("NOTE", "a\n\nb") == "> [!NOTE]\n> a\n>\n> b"


def test_a_title_is_no_html() -> None:
    assert "<summary>a &lt;b&gt;</summary>" in markdown.folded("a <b>", "c")
