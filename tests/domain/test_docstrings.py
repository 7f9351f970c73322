"""The examples in the domain's docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

from service import domain

MODULES = [one.name for one in pkgutil.iter_modules(domain.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_say(name: str) -> None:
    """An example that is not run is a rumour."""
    module = importlib.import_module(f"service.domain.{name}")

    assert doctest.testmod(module).failed == 0
