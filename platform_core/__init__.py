"""The service layer of agentadm: rules, statements and the write path. Knows nothing of the command line."""
