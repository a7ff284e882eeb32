"""Which tool builds an image, and how it is told; the tools are scripts here (tests/containers has the real ones)."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from saltern_compiler.cli import main
from saltern_compiler.driver.image import BUILDERS, ImageError, Order, build, choose
from tests.support.built import SOURCES

TOOL = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
if "build" in arguments:
    tree = arguments[-1]
    with open(os.environ["TOLD"], "w") as file:
        json.dump({{"arguments": arguments, "files": sorted(os.listdir(tree)), "wheels": sorted(os.listdir(tree + "/wheels"))
                   if os.path.isdir(tree + "/wheels") else [], "epoch": os.environ.get("SOURCE_DATE_EPOCH", "")}}, file)
    print("STEP 1: something")
    sys.exit(int(os.environ.get("FAILS", "0")))
if "inspect" in arguments:
    print("0123abcd")
    sys.exit(0)
sys.stderr.write("Cannot connect to the daemon\\n" * STATE)
sys.exit(STATE)
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Put tools on an otherwise empty PATH: name → exit code of its check."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TOLD", str(tmp_path / "told.json"))

    def put(**states):
        for name, state in states.items():
            (folder / name).write_text(TOOL.replace("STATE", str(state)))
            (folder / name).chmod(stat.S_IRWXU)
        return lambda: json.loads((tmp_path / "told.json").read_text())

    return put


@pytest.fixture
def order(tmp_path):
    return Order(tmp_path, "a/b:1", 1700000000, "1234abcd", "base:1", ("--network=host",))


def test_no_tool_at_all(tools):
    """Where there is none, the message names all three and what is wrong with each."""
    tools()
    with pytest.raises(ImageError) as error:
        choose()
    assert str(error.value).splitlines() == [
        "there is no tool to build images with: docker, buildah or podman would do",
        "  docker: not installed",
        "  buildah: not installed",
        "  podman: not installed",
    ]


def test_a_tool_that_does_not_work_is_passed_over(tools):
    """A docker client without its daemon builds nothing: the next tool is taken."""
    tools(docker=1, podman=0)
    assert choose().name == "podman"


def test_a_tool_that_was_asked_for_is_not_replaced(tools):
    """Where the named tool does not work, the message says what it said."""
    tools(docker=1, podman=0)
    with pytest.raises(ImageError, match=r"docker cannot build images here\n  docker: Cannot connect to the daemon"):
        choose("docker")
    with pytest.raises(ImageError, match=r"no builder 'kaniko'; there are docker, buildah or podman"):
        choose("kaniko")


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda each: each.name)
def test_what_a_builder_is_told(tools, order, builder, capfd):
    """Tag, base, time, label and extra arguments reach it as they stand; its progress goes to standard error."""
    told = tools(**{builder.name: 0})
    assert build(builder, order) == "sha256:0123abcd"
    arguments = told()["arguments"]
    assert arguments[0] == "build"
    assert arguments[-2:] == ["--network=host", str(order.context)]
    assert arguments[arguments.index("--tag") + 1] == "a/b:1"
    assert {"BASE_IMAGE=base:1", "SOURCE_DATE_EPOCH=1700000000", "org.opencontainers.image.version=1234abcd"} <= set(
        arguments
    )
    assert ("--timestamp" in arguments) == (builder.name != "docker")
    assert (told()["epoch"] == "1700000000") == (builder.name == "docker")
    out = capfd.readouterr()
    assert ("STEP 1: something" in out.err, out.out) == (True, "")


def test_a_build_that_fails(tools, order, monkeypatch):
    """The tool's exit code is named; its own messages were shown."""
    tools(podman=0)
    monkeypatch.setenv("FAILS", "3")
    with pytest.raises(ImageError, match="podman exited with 3"):
        build(choose("podman"), order)


def saltern(*arguments):
    with pytest.raises(SystemExit) as stopped:
        main([str(each) for each in arguments])
    return stopped.value.code or 0


def test_the_command_gives_the_builder_a_whole_tree(tools, capfd):
    """`saltern image` builds from the generated tree with the runtime's wheel in it, and prints tag and id."""
    told = tools(buildah=0)
    assert saltern("image", SOURCES["order_totals"], "-t", "x/totals:1", "--builder-arg=--isolation=chroot") == 0
    assert {"Dockerfile", ".dockerignore", "requirements.txt", "constraints.txt", "order_totals"} <= set(
        told()["files"]
    )
    assert [name for name in told()["wheels"] if name.endswith(".whl")] == ["saltern_runtime-0.1.0-py3-none-any.whl"]
    assert "--isolation=chroot" in told()["arguments"]
    assert not any(each.startswith("BASE_IMAGE=") for each in told()["arguments"])
    assert capfd.readouterr().out == "x/totals:1 sha256:0123abcd\n"
    assert not Path(told()["arguments"][-1]).exists(), "the temporary tree is gone"


def test_the_command_without_a_tool(tools, capfd):
    """Misuse: exit code 2, and what would do."""
    tools()
    assert saltern("image", SOURCES["order_totals"], "-t", "x") == 2
    assert "docker, buildah or podman would do" in capfd.readouterr().err


def test_the_command_when_a_build_fails(tools, capfd, monkeypatch):
    """Exit code 1, and nothing on standard output."""
    tools(podman=0)
    monkeypatch.setenv("FAILS", "1")
    assert saltern("image", SOURCES["order_totals"], "-t", "x") == 1
    out = capfd.readouterr()
    assert (out.out, "podman exited with 1" in out.err) == ("", True)


def test_a_pipeline_with_mistakes_is_not_built(tools, tmp_path, capfd):
    """Findings come first; the builder is not called."""
    tools(podman=0)
    bad = tmp_path / "bad.saltern"
    bad.write_text("pipeline bad\n\nreturn { a: inptu.x }\n")
    assert saltern("image", bad, "-t", "x") == 1
    assert "unknown-name" in capfd.readouterr().err
    assert not (tmp_path / "told.json").exists()


def test_the_wheel_command(tmp_path):
    """`saltern wheel` writes the wheel and prints where."""
    command = [
        sys.executable,
        "-c",
        "from saltern_compiler.cli import main; main()",
        "wheel",
        "-o",
        str(tmp_path / "w"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/w/saltern_runtime-0.1.0-py3-none-any.whl\n"
