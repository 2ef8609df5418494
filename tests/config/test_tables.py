"""One writer of tables, for documents, reports and the terminal."""

from config.markdown import table


def test_a_table_has_a_head() -> None:
    assert table([("a", "b"), ("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_bar_ends_no_cell() -> None:
    assert table([("a",), ("`x|y`",)]).endswith("| `x\\|y` |")


def test_the_cells_of_a_column_line_up() -> None:
    rows = [("a", "long"), ("longer", "x|y")]
    assert table(rows, aligned=True).splitlines() == [
        "| a      | long |",
        "|--------|------|",
        "| longer | x\\|y |",
    ]
