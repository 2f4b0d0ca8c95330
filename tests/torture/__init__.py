# SPDX-License-Identifier: EUPL-1.2
"""A desk in real processes, in real traffic, while everything around it breaks; and the reckoning afterwards."""
