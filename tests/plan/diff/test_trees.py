"""Each tree is planned by its own code; code that fails is named, without a traceback."""

from pathlib import Path

from plan.diff.trees import plan_trees

#: What the planner asks of a tree, in a tree that makes next to nothing.
RUN = """
class Settings:
    def model_dump(self, **_):
        return {"code": CODE}

class Plan:
    settings = Settings()

CODE = "this tree's"

def run(stack, root):
    return Plan()
"""
WRITE = """
def files(plan):
    return {"plan.json": '{"resources": [], "outputs": {}, "warnings": []}'}
"""


def tree(folder: Path, run: str) -> Path:
    """Write a tree with a stack and the code that plans it."""
    (folder / "plan").mkdir(parents=True)
    for name, text in (("__init__", ""), ("run", run), ("write", WRITE)):
        (folder / "plan" / f"{name}.py").write_text(text)
    (folder / "Pulumi.qa.yaml").write_text("config: {}\n")
    return folder


def test_each_tree_is_planned_by_its_own_code(tmp_path: Path) -> None:
    before, after = plan_trees(
        [tree(tmp_path / "a", RUN), tree(tmp_path / "b", RUN.replace("this", "the other"))]
    )
    assert before["qa"].settings == {"code": "this tree's"}
    assert after["qa"].settings == {"code": "the other tree's"}


def test_code_that_fails_is_named(tmp_path: Path) -> None:
    fails = "def run(stack, root):\n    raise ValueError('not so')\n"
    ends = "raise SystemExit('gone')\n"
    trees = [tree(tmp_path / name, text) for name, text in (("a", fails), ("b", ends))]
    before, after = plan_trees(trees)
    assert before["qa"].error == "ValueError: not so"
    assert after["qa"].error == "planning ended with gone"
