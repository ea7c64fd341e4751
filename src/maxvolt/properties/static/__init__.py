"""Properties of crystals and their defects at rest."""
