# SPDX-License-Identifier: EUPL-1.2
"""Brings the content of a programme, written as YAML in a folder, into the database: all of it, or nothing."""

from datetime import date, datetime

from handlers.desk.loading.files import Loading
from handlers.desk.loading.job_clubs import CLUB
from handlers.desk.loading.reading import read
from handlers.desk.loading.report import Report
from handlers.rules.content import LEADERS, Content, Known, problems
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.content import Content as Stored

__all__ = ["BadContent", "Content", "Report", "load", "problems", "read"]


class BadContent(Exception):
    """Something is wrong with the content, and nothing of it was loaded; ``problems`` says what, line by line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(store: Store, content: Content, *, today: date, now: datetime, catalogues: Catalogues | None = None) -> Report:
    """
    Put the content in its tables, and say what became of it. Raises BadContent before anything is written.

    Rows are known by their ids: loading again changes what the files say differently, and nothing else. Who has a
    place at a workshop that is moved or called off is told, in the words of ``catalogues``. The caller owns the
    transaction.
    """
    if wrong := problems(content, _known(store)):
        raise BadContent(wrong)
    loading = Loading(store, content, today, now, catalogues or Catalogues())
    loading.all()
    return loading.report


def _known(store: Store) -> Known:
    stored = Stored(store)
    tables = ("areas", "comuni", "programmes", "organisations", "venues", "staff", "job_clubs", "paths")
    ids = {table: stored.ids(table) for table in tables} | {"jobseekers": stored.ids("people")}
    ids["series"] = {series["id"] for series in stored.rows("series") if series["kind"] != CLUB}
    staff = stored.rows("staff")
    ids["counsellors"] = {member["code"] for member in staff if member["role"] in LEADERS}
    emails = {member["email"].lower(): member["code"] for member in staff}
    paths = {path["id"]: (path["group_meetings"], path["interviews"]) for path in stored.rows("paths")}
    codes = {person["id"]: person["code"] for person in stored.rows("people")}
    done = {
        (codes[record["person_id"]], record["path_id"]): (record["group_meetings"], record["interviews"])
        for record in stored.rows("path_records")
    }
    return Known(ids, emails, store.questions.settings(), paths, done)
