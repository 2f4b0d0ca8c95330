# SPDX-License-Identifier: EUPL-1.2
"""A seal for what even a copy of the database must not give away; who makes one holds the key, and we do not."""

from typing import Protocol


class BrokenSeal(Exception):
    """It was sealed with a key that is gone, or for something else."""


class Seal(Protocol):
    def close(self, text: str, about: str) -> str:
        """Sealed; it opens again only for the same ``about``, such as "protected:12"."""

    def open(self, sealed: str, about: str) -> str:
        """What was sealed. Raises BrokenSeal."""
