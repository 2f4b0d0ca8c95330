# SPDX-License-Identifier: EUPL-1.2
"""What cannot be done, and why."""

from handlers.talk.text import Words


class Refused(Exception):
    """It cannot be done; ``why`` says so to whoever asked, in words for them."""

    def __init__(self, why: Words) -> None:
        super().__init__(type(why).__name__)
        self.why = why
