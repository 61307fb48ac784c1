"""The doctests of a module whose function has its name, as raflib.solve, need the package to be imported first."""

import raflib  # noqa: F401
