"""Small campaigns that several tests look at."""

from __future__ import annotations

import pytest
from campaign_files import InThisProcess, Run, write_campaign

from maxvolt.campaign import Campaign, Event


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a campaign that ran to its end undisturbed; do not change it."""
    file = write_campaign(tmp_path_factory.mktemp("finished"))
    events: list[Event] = []
    with InThisProcess() as executor:
        result = Campaign(file).run([events.append], executor=executor)
    return Run(file, result, tuple(events))
