# SPDX-License-Identifier: EUPL-1.2
"""Who of the staff may do what in the console, and for whom: one table, and nothing beside it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["tutor", "counsellor", "operator", "l68_operator", "privacy_officer", "administrator"]
ROLES: tuple[str, ...] = get_args(Role)

FOLLOWS = frozenset({"tutor", "counsellor", "operator", "l68_operator"})  # they answer people
PLANS = frozenset({"counsellor", "operator", "administrator"})  # they say what takes place
EVERYBODY = frozenset(ROLES)

# Room → action → who. What does not stand here is nobody's to do.
ROOMS: dict[str, dict[str, frozenset[str]]] = {
    "today": {"read": EVERYBODY},
    "account": {"read": EVERYBODY, "write": EVERYBODY},
    "conversations": {
        "read": FOLLOWS | {"privacy_officer"},
        "unmask": FOLLOWS,
        "review": FOLLOWS,
        "write": FOLLOWS,
        "export": frozenset({"operator", "privacy_officer"}),
    },
    "misread": {"read": frozenset({"operator", "administrator"}), "write": frozenset({"operator", "administrator"})},
    "replies": {"read": FOLLOWS, "write": frozenset({"operator"})},
    "people": {
        "read": FOLLOWS | {"privacy_officer"},
        "write": FOLLOWS,
        "merge": frozenset({"operator"}),
    },
    "protected": {"read": frozenset({"l68_operator"}), "write": frozenset({"l68_operator"})},
    "workshops": {"read": EVERYBODY, "write": PLANS, "check_in": FOLLOWS | PLANS},
    "attendance": {"read": FOLLOWS, "write": frozenset({"tutor", "counsellor", "operator"})},
    "job_clubs": {"read": EVERYBODY, "write": PLANS, "let_in": frozenset({"tutor", "counsellor"})},
    "diaries": {"read": frozenset({"counsellor"})},
    "venues": {"read": EVERYBODY, "write": PLANS},
    "questions": {"read": EVERYBODY, "write": frozenset({"operator", "administrator"})},
    "calls": {"read": FOLLOWS, "write": FOLLOWS},
    "deliveries": {"read": frozenset({"operator", "administrator"}), "write": frozenset({"operator", "administrator"})},
    "health": {"read": frozenset({"operator", "administrator"}), "write": frozenset({"operator", "administrator"})},
    "rights": {"read": frozenset({"privacy_officer"}), "write": frozenset({"privacy_officer"})},
    "retention": {"read": frozenset({"privacy_officer"}), "write": frozenset({"privacy_officer"})},
    "audit": {"read": frozenset({"privacy_officer"})},
    "staff": {"read": frozenset({"administrator"}), "write": frozenset({"administrator"})},
    "settings": {"read": frozenset({"administrator"}), "write": frozenset({"administrator"})},
}

# They see what is protected, or say who may: a password alone does not open that.
SECOND_FACTOR = frozenset({"l68_operator", "privacy_officer", "administrator"})


@dataclass(frozen=True)
class Scope:
    """
    For whom somebody answers: people who live in these areas or are enrolled in these programmes; None is no limit.

    Who has told us neither where they live nor is enrolled anywhere is everybody's, else nobody would answer them.
    """

    areas: frozenset[str] | None = None
    programmes: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        return self.areas is None and self.programmes is None


def may(roles: Collection[str], room: str, action: str) -> bool:
    """Do these roles allow it? Raises KeyError for a room or an action that does not exist."""
    return not ROOMS[room][action].isdisjoint(roles)


def needs_second_factor(roles: Collection[str]) -> bool:
    return not SECOND_FACTOR.isdisjoint(roles)
