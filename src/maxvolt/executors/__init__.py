"""Where the tasks of a campaign run: this machine, a cluster, or what somebody gives."""
