"""SIGTERM as an exception, so that it rolls back like Ctrl-C."""


class Termination(KeyboardInterrupt):
    """SIGTERM, raised in the main thread. A KeyboardInterrupt, because drivers cancel their query on that."""
