"""The command line, with simulations that write their states down at every 20th step.

Worker processes import this module as well, so that the same holds in them.
"""

import sys

from maxvolt.campaign.steps.context import RunContext
from maxvolt.sampling import trajectory

trajectory.RENEW_EVERY = 20
RunContext.seconds_between_states = 0.0

if __name__ == "__main__":
    from maxvolt.cli import main

    sys.exit(main(sys.argv[1:]))
