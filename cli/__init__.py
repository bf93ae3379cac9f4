"""The command line of agentadm: arguments in, values out. Rules and statements live in platform_core."""

import gc

# Nothing made while importing is garbage, and collecting costs a tenth of a cold start; main() turns it on again.
gc.disable()
