# SPDX-License-Identifier: EUPL-1.2
"""Asking for a person."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.desk import Desk


class Cases:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def open(self, reason: str, *, subject: str = "", message_id: int | None = None) -> bool:
        """
        Put the person on the list of those who wait for a person; False if they already are, for this reason.

        ``subject`` is what it is about, such as workshop:3, where one person may wait for several things.
        """
        return self.store.cases.open(
            self.desk.person.id,
            reason,
            subject=subject,
            message_id=message_id or self.desk.message_id,
            now=self.desk.now,
        )

    def is_open(self) -> bool:
        return bool(self.store.cases.open_reasons(self.desk.person.id))
