"""The embedded PostgreSQL server. From outside, `EmbeddedServer` is all there is to know.

The rooms, each of which uses only those below it:

- server.py: `EmbeddedServer`, that is home, its lock and what a caller can do;
- postmaster.py: the running server: start it, ask it, end it;
- cluster.py: the data: initdb, whom it belongs to, and the lock that shows whether a server still uses it;
- socket_folder.py: the folder of the Unix socket; settings.py: the server's settings;
- as_root.py: what only root needs: /var/lib/agentadm, the service account, a copy of the programs;
- binaries.py: where PostgreSQL's programs are; processes.py: run, recognise and end its processes;
- files.py: folders, files and locks; accounts.py: whose they are.
"""

from platform_core.db.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer"]
