# SPDX-License-Identifier: EUPL-1.2
"""Honest figures: each bench runs with what it is compared to, side by side, in one call."""
