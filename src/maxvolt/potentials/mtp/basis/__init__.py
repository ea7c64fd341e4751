"""From a level to scalars, from scalars to an evaluation plan; radial bases."""
