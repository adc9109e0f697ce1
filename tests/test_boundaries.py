"""Rules about the sources, held over the syntax tree: who may use what, and where a Secret may become bytes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
STANDALONE = {  # programs of their own, of one file: for a stranger without the rest, and before the rest is there
    TOP / "escrow/standalone/decode.py",
    TOP / "ceremony/bundle/install.py",
}
SOURCES = sorted(
    path for folder in ("escrow", "ceremony") for path in (TOP / folder).rglob("*.py") if path not in STANDALONE
)
FORBIDDEN_MODULES = {"getpass", "secrets", "pickle", "logging", "tempfile", "random", "marshal", "shelve"}
ALLOWED_MODULES = {
    ("ceremony/bundle/make.py", "tempfile"),  # wheels, on a machine with a network and without a secret
    ("ceremony/commands/rehearse.py", "tempfile"),  # specimen material, in memory where there is any
    ("ceremony/run/session.py", "random"),  # draws lots among custodians and words; what is secret never comes from it
}
FORBIDDEN_CALLS = {"input", "eval", "exec", "print", "breakpoint"}
FORBIDDEN_ATTRIBUTES = {("os", "urandom"), ("click", "prompt"), ("os", "environ"), ("os", "getenv")}
ENVIRONMENT = {
    "escrow/memory/process.py",  # to start again with a hardened allocator
    "ceremony/bundle/own.py",  # SOURCE_DATE_EPOCH, the usual name for the time of a build
}
COPYING_METHODS = {"tobytes", "hex", "tolist"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_import_only_what_they_may(path: Path) -> None:
    modules = {module.partition(".")[0] for module in imports(path)}
    if name(path) != "escrow/memory/libc.py":
        assert "ctypes" not in modules
    allowed = {module for file, module in ALLOWED_MODULES if file == name(path)}
    assert not modules & FORBIDDEN_MODULES - allowed
    if name(path).startswith("escrow/"):
        assert not modules & {"click", "rich", "ceremony"}, "the library never prints and never asks"
    else:
        assert not {module for module in imports(path) if module.startswith("cryptography")}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_prints_or_asks_behind_the_consoles_back(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"line {node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = (node.value.id, node.attr)
            if used == ("os", "environ") and name(path) in ENVIRONMENT:
                continue
            assert used not in FORBIDDEN_ATTRIBUTES, f"line {node.lineno}"


def copies(path: Path) -> Iterator[tuple[str, int]]:
    """Where the view of something becomes bytes, text or a number: the innermost function, and the line."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, int]]:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            function = node.name if isinstance(node, ast.FunctionDef) else f"{function}.lambda"
        if isinstance(node, ast.Call):
            callee = node.func
            made = isinstance(callee, ast.Name) and callee.id in {"bytes", "bytearray", "str", "int", "list"}
            taken = isinstance(callee, ast.Attribute) and callee.attr in {*COPYING_METHODS, "from_bytes", "join"}
            arguments = [*node.args, *([callee.value] if isinstance(callee, ast.Attribute) else [])]
            viewed = any(
                isinstance(part, ast.Attribute) and part.attr == "view"
                for argument in arguments
                for part in ast.walk(argument)
            )
            if (made or taken) and viewed:
                yield function, node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function)

    yield from walk(tree(path), "module")


# Certificates, SSH public keys: public, although they travel with secrets in the same kind of page.
PUBLIC = {
    ("escrow/stepca.py", "certificates_in"),
    ("escrow/contents.py", "certificates_of"),
    ("escrow/contents.py", "public_keys"),
}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_secret_becomes_bytes_only_in_a_worker(path: Path) -> None:
    for function, line in copies(path):
        in_worker = function == "in_worker" or function.endswith(".lambda")  # a lambda: keys._hold runs it in one
        assert in_worker or (name(path), function) in PUBLIC, f"{function}, line {line}"


def test_lambdas_that_copy_a_secret_are_run_by_a_worker() -> None:
    """The only such lambdas are arguments of keys._hold, which hands them to isolate()."""
    found = {(name(path), function) for path in SOURCES for function, _ in copies(path) if function.endswith("lambda")}
    assert found == {("escrow/keys.py", "load.lambda")}


def test_the_rule_about_copies_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f(s):\n    a = bytes(s.view)\n    b = s.view.hex()\n    c = int.from_bytes(s.view[1:], 'big')\n"
    )
    assert [line for _, line in copies(bad)] == [2, 3, 4]


def test_functions_named_in_worker_are_given_to_isolate_and_to_nobody_else() -> None:
    for path in SOURCES:
        module = tree(path)
        defined = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef) and node.name == "in_worker"]
        uses = [node for node in ast.walk(module) if isinstance(node, ast.Name) and node.id == "in_worker"]
        given = [
            argument
            for node in ast.walk(module)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isolate"
            for argument in node.args[:1]
            if isinstance(argument, ast.Name) and argument.id == "in_worker"
        ]
        assert len(uses) == len(given) == len(defined), name(path)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_are_of_a_size_that_can_be_read_at_once(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


def share_names(path: Path) -> Iterator[int]:
    """Lines with a text that is put together from the number of a share: after `share`, or beside its group."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            text = ast.unparse(node)
            if re.search(r"hare \{[\w.]+\.x\}", text) or {"group", "x"} <= set(re.findall(r"\.(group|x)\}", text)):
                yield node.lineno


def test_a_share_gets_its_names_in_one_place() -> None:
    """`Policy` names shares for people and files, `steps` for the journal."""
    found = {name(path) for path in SOURCES if any(share_names(path))}
    assert found == {"escrow/policy.py", "ceremony/rules/steps.py"}
