"""python -m cli: the same as agentadm, for where scripts are not on the path."""

from cli.main import run

if __name__ == "__main__":
    run()
