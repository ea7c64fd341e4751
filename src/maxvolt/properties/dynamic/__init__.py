"""Properties from molecular dynamics: melts and crystals at temperature."""
