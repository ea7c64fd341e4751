"""The compiled core for Python, and the same in NumPy."""
