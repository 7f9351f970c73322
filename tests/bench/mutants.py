"""Do the tests notice? ``python -m tests.bench.mutants [--sample N] [--seed S] [--module NAME]``.

A copy of the project is changed in one place at a time (a comparison turned, ``and`` for ``or``, a
number one off, a statement left out, ...), and the fast tests run on it until one fails. A change
that none of them notices is printed as a survivor: a test is missing there, or the change makes no
difference. What is changed is the core: the rule, the folds, the canonical bytes and the tree.

Each change is tried in a fork of a process that has imported what the tests need, but nothing of
this project, so a change costs about a second. Exit code 1 where more than a tenth survive.
"""

import argparse
import ast
import copy
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = tuple(
    f"service/{name}.py"
    for name in (
        "domain/resolution",
        "domain/directives",
        "domain/fold",
        "domain/timeline",
        "domain/pending",
        "domain/scope",
        "domain/history",
        "domain/times",
        "evidence/canonical",
        "evidence/merkle",
    )
)
TESTS: Final = ("tests/domain", "tests/evidence", "tests/scenarios")
SLOW: Final = "tests/domain/test_laws.py"
WANTED: Final = 0.9
"""Share of the changes that the tests must notice."""

# What the tests import from elsewhere; a fork finds it loaded.
_LOADED: Final = (
    "msgspec",
    "orjson",
    "pycountry",
    "rfc8785",
    "sqlalchemy",
    "hypothesis.strategies",
)

_COMPARISONS: Final[Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module."""

    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def shown(self) -> str:
        """The change in one line."""
        return f"{self.module}:{self.line}: {_short(self.before)}  ->  {_short(self.after)}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every change of a module, in the order of its text."""
    tree = ast.parse(source)
    for place in tuple(_places(tree)):
        for changed in _changes(place.node):
            place.put(changed)
            yield Mutant(
                module=module,
                line=place.line,
                before=ast.unparse(place.node),
                after=ast.unparse(changed),
                source=ast.unparse(ast.fix_missing_locations(tree)),
            )
        place.put(place.node)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a node stands in its parent."""

    parent: ast.AST
    name: str
    index: int | None
    node: ast.AST
    line: int

    def put(self, node: ast.AST) -> None:
        """Let another node stand there."""
        if self.index is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.index] = node


def _places(parent: ast.AST, line: int = 0) -> Iterator[_Place]:
    """Yield the places of a tree, but for what does nothing: annotations, docstrings, messages."""
    for name, value in ast.iter_fields(parent):
        if name in _SILENT:
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or isinstance(node, ast.JoinedStr) or _told(node):
                continue
            here = getattr(node, "lineno", line)
            yield _Place(parent=parent, name=name, index=index, node=node, line=here)
            if not isinstance(node, ast.Raise):
                yield from _places(node, here)


_SILENT: Final = frozenset({"annotation", "returns", "decorator_list"})


def _told(node: ast.AST) -> bool:
    """Tell whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node could be changed into."""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.BinOp() | ast.Call():
            yield from _of_operation(node)
        case ast.Constant():
            yield from _of_constant(node.value)
        case ast.If() | ast.IfExp() if isinstance(node.test, ast.Name | ast.Call | ast.Attribute):
            turned = copy.copy(node)
            turned.test = ast.UnaryOp(ast.Not(), node.test)
            yield turned
        case ast.comprehension() if node.ifs:
            yield ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.stmt():
            yield from _of_statement(node)
        case _:
            pass


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=ast.expr() as value) if getattr(value, "value", ...) is not None:
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case _:
            pass


def _of_operation(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for index, one in enumerate(node.ops):
                for other in _COMPARISONS[type(one)]:
                    ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name], ast.Load()), node.args, node.keywords)
        case _:
            pass


def _of_constant(value: object) -> Iterator[ast.AST]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case str() if value and " " not in value:
            yield ast.Constant(f"{value}~")
        case _:
            pass


# The trial.


class Bench:
    """A copy of the project in which one change is tried after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("service", "tests", "seeds", "migrations"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copyfile(ROOT / name, folder / name)
        self._seconds = 600.0

    def measure(self) -> float:
        """Run the tests on what is not changed, and return how many seconds they took.

        Raises:
            SystemExit: They fail as it is.
        """
        began = time.perf_counter()
        if not self._passes(*TESTS, writes=True):
            told = (self._folder / "log").read_text("utf-8")[-2000:]
            message = f"The tests fail on the project as it is: mend that first.\n{told}"
            raise SystemExit(message)
        taken = time.perf_counter() - began
        self._seconds = 5 + 3 * taken
        return taken

    def kills(self, mutant: Mutant) -> bool:
        """Tell whether a test notices a change: one fails, or they do not end."""
        file = self._folder / mutant.module
        kept = file.read_text("utf-8")
        for stale in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            stale.unlink()
        file.write_text(mutant.source, encoding="utf-8")
        room, name = mutant.module.split("/")[1:]
        own = f"tests/{room}/test_{name}"
        try:
            # Its own tests notice most changes, and are few.
            if (self._folder / own).is_file() and not self._passes(own):
                return True
            return not self._passes(*TESTS)
        finally:
            file.write_text(kept, encoding="utf-8")

    def _passes(self, *tests: str, writes: bool = False) -> bool:
        child = os.fork()
        if child == 0:
            self._run(tests, writes=writes)
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False

    def _run(self, tests: Sequence[str], *, writes: bool) -> None:
        """Run the tests in this fork, which ends with their code."""
        code = 3
        try:
            sys.dont_write_bytecode = not writes
            sys.path[:] = [str(self._folder), *(one for one in sys.path if one not in _OURS)]
            for name in [one for one in sys.modules if one.partition(".")[0] in _ROOMS]:
                del sys.modules[name]
            os.chdir(self._folder)
            os.environ["CI"] = "1"
            with (
                (self._folder / "log").open("w") as log,
                redirect_stdout(log),
                redirect_stderr(log),
            ):
                code = int(pytest.main(["-x", "-q", *_PYTEST, *tests, f"--ignore={SLOW}"]))
        except BaseException:  # noqa: BLE001 -- a fork ends here, and never returns to the trial
            code = 4
        finally:
            os._exit(code)


_OURS: Final = ("", ".", str(ROOT))
_ROOMS: Final = ("service", "tests")
_PYTEST: Final = (
    *("-p", "no:cacheprovider", "--no-header", "--tb=line"),
    # Hypothesis is loaded before pytest could look into it.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def main() -> None:
    """Try changes, print those that nobody noticed, and how many were noticed per module."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--sample", type=int, help="how many changes to try; all if left out")
    asked.add_argument("--seed", type=int, default=1, help="which ones")
    asked.add_argument("--module", action="append", help="such as resolution; may be repeated")
    given = asked.parse_args()
    for name in _LOADED:
        importlib.import_module(name)
    chosen = _chosen(given.module, given.sample, given.seed)
    killed, survived = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="accessline-mutants-") as folder:
        bench = Bench(Path(folder))
        seconds = bench.measure()
        say(f"{len(chosen)} changes, seed {given.seed}; {seconds:.1f} s without any")
        for mutant in chosen:
            if bench.kills(mutant):
                killed[mutant.module] += 1
            else:
                survived[mutant.module] += 1
                say(f"survived  {mutant.shown}")
    for module in MODULES:
        if killed[module] + survived[module]:
            say(f"{module:<32} {killed[module]:>4} killed {survived[module]:>4} survived")
    share = killed.total() / max(len(chosen), 1)
    say(f"{'all':<32} {killed.total():>4} killed {survived.total():>4} survived  {share:.1%}")
    sys.exit(share < WANTED)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _chosen(named: Sequence[str] | None, sample: int | None, seed: int) -> list[Mutant]:
    found = [
        mutant
        for module in MODULES
        if not named or Path(module).stem in named
        for mutant in mutants(module, (ROOT / module).read_text("utf-8"))
    ]
    if sample is None or sample >= len(found):
        return found
    return sorted(
        random.Random(seed).sample(found, sample),  # noqa: S311 -- a repeatable choice
        key=lambda one: (one.module, one.line),
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}..."


if __name__ == "__main__":
    main()
