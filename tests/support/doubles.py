"""Doubles of vendors, each started for one test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.doubles.bank import bank
from examples.doubles.openai import openai
from examples.doubles.slack import slack
from examples.doubles.web import web

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.doubles.server import Double


@pytest.fixture
def slack_double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """Start a double of Slack, in place for the real client (also in child processes)."""
    with slack() as double:
        monkeypatch.setenv("SALTERN_SLACK_BASE_URL", double.url)
        yield double


@pytest.fixture
def openai_double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """Start a double of a model endpoint, in place for the real client (also in child processes)."""
    with openai() as double:
        monkeypatch.setenv("SALTERN_OPENAI_BASE_URL", double.url)
        yield double


@pytest.fixture
def web_double() -> Iterator[Double]:
    """Start a web server that tells what it was asked."""
    with web() as double:
        yield double


@pytest.fixture
def bank_double() -> Iterator[Double]:
    """Start a double of a bank."""
    with bank() as double:
        yield double
