"""The settings of the server: what agentadm.conf says, which the cluster's postgresql.conf includes."""

from pathlib import Path

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
    "cluster_name": "agentadm",
    # One file a weekday, overwritten after a week: the logs cannot grow for ever.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# Not synchronous_commit: without it a killed server loses commits, and with fsync off it gains nothing.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def settings_text(socket_folder: Path, *, durable: bool) -> str:
    """The text of agentadm.conf."""
    settings = {**SETTINGS, "unix_socket_directories": f'"{socket_folder}"'}
    if not durable:
        settings |= NOT_DURABLE
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())
