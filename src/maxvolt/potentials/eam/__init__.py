"""Embedded-atom potentials (Daw and Baskes 1984; Finnis and Sinclair 1984) from tables."""
