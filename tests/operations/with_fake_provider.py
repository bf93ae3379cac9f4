"""The command line with the noun `charges` and its step: python -m tests.operations.with_fake_provider ARGUMENTS."""

from cli.main import run
from tests.operations.fake_provider import register

if __name__ == "__main__":
    register()
    run()
