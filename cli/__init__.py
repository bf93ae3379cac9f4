"""The command line of agentadm: arguments in, values out. Rules and statements live in platform_core."""
