"""What the tests of the command line share."""

import pytest

from saltern_compiler.cli import main


@pytest.fixture
def saltern(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(each) for each in arguments])
        out = capsys.readouterr()
        return stopped.value.code or 0, out.out, out.err

    return call


@pytest.fixture
def there(monkeypatch, orders):
    """The service of orders, which the environment names."""
    monkeypatch.setenv("SALTERN_URL", orders.url)
    monkeypatch.setenv("SALTERN_TOKEN", orders.token)
    return orders
