"""To come."""
COMMANDS = ()
