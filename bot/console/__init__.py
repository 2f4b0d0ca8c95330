# SPDX-License-Identifier: EUPL-1.2
"""The console: where the staff read what is said, step in, and look after what takes place and whose data it is."""
