# SPDX-License-Identifier: EUPL-1.2
"""Telegram: what comes in, what goes out, and what it means when something goes wrong."""
