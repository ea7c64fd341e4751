"""What attacks on campaigns share: a campaign of seconds, and calculators that misbehave."""
