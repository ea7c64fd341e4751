"""What the benchmarks measure, and how it is kept, compared, tabulated and drawn."""
