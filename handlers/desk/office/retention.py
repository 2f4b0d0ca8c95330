# SPDX-License-Identifier: EUPL-1.2
"""What is kept for how long, as the privacy officer sees it: why, what would go now, and when it went last."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from handlers.desk.office.refusals import Refused
from handlers.desk.retaining import counts, periods, subject_of
from handlers.rules.retention import BY_NAME, RULES, SETTING, Rule, days_of
from handlers.talk import Gone, Text, _

if TYPE_CHECKING:
    from handlers.desk.office import Office

# What a job does, and why after so long, in plain words.
TITLES: dict[str, Text] = {
    "unfinished": _("Starts that were not finished"),
    "messages": _("Words of messages"),
    "misreadings": _("Words that were not understood"),
    "files": _("Files that people sent"),
    "profiles": _("People who no longer write"),
    "consents": _("Proofs of permissions"),
    "audit": _("Who did what"),
    "traces": _("Sign-ins of the staff"),
}
WHAT: dict[str, Text] = {
    "unfinished": _("Who wrote, did not sign up and has been silent since then is deleted, with a receipt number."),
    "messages": _("Words, choices and answers are emptied. When a message went and what became of it stays."),
    "misreadings": _("The words leave the list."),
    "files": _("Files are deleted, unless the desk still looks after that person."),
    "profiles": _("Who has been silent for so long is deleted, with a receipt number. After 11 months they are told."),
    "consents": _("The proof goes so long after the permission was taken back."),
    "audit": _("Old lines are deleted, and with them why somebody read words in full."),
    "traces": _("Sessions that are over, old links and failed sign-ins are deleted."),
}
WHY: dict[str, Text] = {
    "unfinished": _("Without a sign-up there is nothing left to do for them."),
    "messages": _("So long a conversation may have to be reviewed, or a complaint answered."),
    "misreadings": _("They are words of people, and live no longer than their messages."),
    "files": _("A CV grows old, and can be sent again."),
    "profiles": _("So long after the last contact the service is over."),
    "consents": _("So long somebody may ask whether it was given."),
    "audit": _("So long it can be found out who looked at what."),
    "traces": _("So long an attack on an account can still be noticed."),
}


@dataclass(frozen=True)
class Job:
    """A job as it stands: its period, what it would do now, and what it did last."""

    rule: Rule
    days: int
    rows_now: int
    ran_at: datetime | None
    rows_then: int | None

    @property
    def title(self) -> Text:
        return TITLES[self.rule.name]

    @property
    def what(self) -> Text:
        return WHAT[self.rule.name]

    @property
    def why(self) -> Text:
        return WHY[self.rule.name]


class Retention:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def now(self) -> datetime:
        return self.office.now

    def real(self) -> datetime:
        return self.office.real

    def jobs(self) -> list[Job]:
        """Every job; what it would do is counted, and nothing is changed."""
        set_by_hand, would = periods(self.store), counts(self.store, self)
        last = self.store.audit.newest([subject_of(rule) for rule in RULES])
        found = []
        for rule in RULES:
            ran = last.get(subject_of(rule))
            rows = (ran.details or {}).get("rows") if ran else None
            days = days_of(rule, set_by_hand)
            found.append(Job(rule, days, would[rule.name], ran.at if ran else None, rows))
        return found

    def set_days(self, name: str, days: int | None) -> None:
        """From the next run on it is kept for so long. Raises Gone, Refused."""
        rule = BY_NAME.get(name)
        if rule is None:
            raise Gone
        if days is None or not rule.least <= days <= rule.most:
            raise Refused(_("Choose between {least} and {most} days.", least=rule.least, most=rule.most))
        before = days_of(rule, periods(self.store))
        self.store.questions.set(SETTING, {**periods(self.store), name: days})
        self.office.note("retention_set", f"setting:{SETTING}", job=name, before=before, after=days)
