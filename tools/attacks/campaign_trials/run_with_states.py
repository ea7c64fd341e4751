"""Run a campaign whose simulations write their states down at every 20th step; print its status."""

import json
import sys

from maxvolt.campaign import Campaign, Checkpointing

if __name__ == "__main__":
    result = Campaign(sys.argv[1]).run(checkpointing=Checkpointing(steps=20, seconds=0.0))
    print(json.dumps({"status": result.status}))
