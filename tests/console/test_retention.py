# SPDX-License-Identifier: EUPL-1.2
"""What is kept for how long, as the privacy officer sees it: periods within limits, counts before, figures after."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from bot.cli import app
from bot.clock import Clock
from handlers.rules.retention import RULES
from storage.tables import audit, messages
from tests.console.office import House, text_of

HOME = "/console/retention"


def test_every_job_says_what_it_does_for_how_long_and_what_it_would_do_now(house: House) -> None:
    house.hear("amina", "ciao")
    house.now += timedelta(days=91)
    page = text_of(house.as_("privacy_officer").get(HOME))
    assert "Words of messages" in page and "GDPR, art. 5(1)(e)" in page and "codice civile, art. 2947" in page
    job = page.split("Starts that were not finished")[1].split("Words of messages")[0]
    assert "Now it would be 1 row" in job and "not yet" in job
    assert house.audited("retention") == []


def test_a_period_is_changed_within_its_limits_and_that_is_written_down(house: House) -> None:
    officer = house.as_("privacy_officer")
    for wrong in ("29", "731", "x", "", "-90", "90.5"):
        answer = officer.post(f"{HOME}/messages", days=wrong)
        assert answer.status_code == 422 and "Choose between 30 and 730 days." in text_of(answer)
        assert f'value="{wrong}"' in answer.text
    assert officer.post(f"{HOME}/messages", days="60").status_code == 303
    assert 'value="60"' in officer.get(HOME).text
    assert officer.post(f"{HOME}/nothing", days="60").status_code == 404
    with house.store() as store:
        details = store.read(select(audit.c.details).where(audit.c.action == "retention_set"))[0][0]
    assert details == {"job": "messages", "before": 90, "after": 60}


def test_a_job_is_done_at_once_and_only_figures_are_noted(house: House) -> None:
    person = house.hear("amina", "una cosa mia")
    house.now += timedelta(days=91)
    officer = house.as_("privacy_officer")
    assert "Done: 1 row" in officer.said(officer.post(f"{HOME}/messages/run"))
    with house.store() as store:
        texts = [row.text for row in store.read(select(messages).where(messages.c.person_id == person))]
        noted = store.read(select(audit.c.details, audit.c.actor).where(audit.c.subject == "retention:messages"))
    assert "una cosa mia" not in texts and [tuple(row) for row in noted] == [
        ({"rows": 1}, f"staff:{officer.member.id}")
    ]
    assert officer.post(f"{HOME}/nothing/run").status_code == 404
    job = text_of(officer.get(HOME)).split("Words of messages")[1].split("Words that were not understood")[0]
    assert "Last time" in job and ": 1 row" in job


def test_a_worker_does_it_once_a_night_and_notes_every_job(house: House) -> None:
    house.hear("amina", "ciao")
    house.now += timedelta(days=31)
    assert house.desk.worker.let_go() >= 1 and house.desk.worker.let_go() == 0
    assert sorted(subject for _who, _what, subject in house.audited("retention")) == sorted(
        f"retention:{rule.name}" for rule in RULES
    )
    assert house.desk.worker.erase() == 1


def test_on_the_command_line_it_is_counted_first_and_then_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.now -= timedelta(days=500)
    house.hear("amina", "ciao")
    monkeypatch.setenv("DATABASE_URL", house.settings.database_url)
    monkeypatch.setattr("bot.main.Clock", lambda *_given: Clock(real=lambda: house.now + timedelta(days=40)))
    counted = CliRunner().invoke(app, ["retention", "--dry-run"])
    assert "unfinished   1" in counted.stdout and house.audited("erasure_asked") == []
    done = CliRunner().invoke(app, ["retention"])
    assert done.exit_code == 0 and "unfinished   1" in done.stdout
    assert [who for who, _what, _whom in house.audited("erasure_asked")] == ["system"]
