# SPDX-License-Identifier: EUPL-1.2
"""The decisions Sportello makes by itself, each from what it is told and nothing else."""
