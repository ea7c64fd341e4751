"""What a campaign keeps on disk: results, journal, locks, and how far it has come."""
