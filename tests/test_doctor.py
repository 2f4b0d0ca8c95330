# SPDX-License-Identifier: EUPL-1.2
"""What `sportello doctor` finds, and that it says what to do."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.clock import Clock
from bot.contract import Checked
from bot.doctor import Premises, about_the_clock, in_figures, in_words, is_well, look_over, of_the_settings
from bot.main import Sportello, build
from bot.settings import Settings
from handlers.desk import loading
from handlers.talk.text import ROME, Reader
from storage import migration
from tests.channels.bot_api import BotApi, closed_port
from tests.channels.twilio_api import Fault, TwilioApi
from tests.database import DEMO

HERE = "https://sportello.example.org"
NUMBER = "+390511234567"


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def twilio() -> Iterator[TwilioApi]:
    with TwilioApi() as api:
        yield api


def settings(folder: Path, **more: Any) -> Settings:
    known = {
        "database_url": f"sqlite:///{folder}/desk.sqlite",
        "public_url": HERE,
        "encryption_key": "a key",
        "secret_key": "another key",
    }
    return Settings(**{**known, **more})


def with_telegram(folder: Path, api: BotApi, **more: Any) -> Settings:
    return settings(folder, **{"telegram_token": api.token, "telegram_api_url": api.url, **more})


def with_twilio(folder: Path, api: TwilioApi, **more: Any) -> Settings:
    known = {
        "twilio_account_sid": api.account,
        "twilio_auth_token": api.token,
        "twilio_whatsapp_from": NUMBER,
        "twilio_api_url": api.url,
    }
    return settings(folder, **{**known, **more})


def ready(desk: Sportello) -> None:
    """A desk that lacks nothing: content, an administrator, a worker that was there just now."""
    migration.upgrade(desk.storage)
    now = desk.clock.now()
    with desk.storage.writing() as store:
        loading.load(store, loading.read(DEMO), today=now.astimezone(ROME).date(), now=now)
        store.records.take_slot("moments", now, now)


def examined(desk: Sportello, patience: float = 5) -> dict[str, Checked]:
    async def look() -> list[Checked]:
        try:
            return await look_over(Premises(desk.settings, desk.clock, desk.storage, desk.channels), patience)
        finally:
            for channel in desk.channels:
                await channel.close()

    try:
        return {one.name: one for one in asyncio.run(look())}
    finally:
        desk.close()


def words(one: Checked) -> str:
    return in_words([one], Reader())


# ---- the house


def test_a_desk_that_lacks_nothing_is_well(tmp_path: Path, telegram: BotApi) -> None:
    desk = build(with_telegram(tmp_path, telegram))
    ready(desk)
    found = examined(desk)
    assert is_well(list(found.values())), in_words(list(found.values()), Reader())
    named = {"database", "encryption_key", "secret_key", "public_url", "privacy_notice", "administrator", "worker"}
    assert named | {"outbox", "disk", "telegram.token", "telegram.webhook", "telegram.clock"} == found.keys()


def test_a_desk_without_a_database_says_so_and_makes_none(tmp_path: Path) -> None:
    found = examined(build(settings(tmp_path)))
    assert "Run: sportello migrate" in words(found["database"])
    assert not list(tmp_path.iterdir())


def test_tables_of_another_release_are_bad_and_nothing_in_them_is_looked_at(tmp_path: Path) -> None:
    desk = build(settings(tmp_path))
    migration.upgrade(desk.storage, "0005")
    found = examined(desk)
    assert found["database"].state == "bad" and "another release" in words(found["database"])
    assert "worker" not in found and "encryption_key" in found


def test_an_empty_desk_is_told_all_that_it_lacks(tmp_path: Path) -> None:
    desk = build(settings(tmp_path))
    migration.upgrade(desk.storage)
    bad = {name for name, one in examined(desk).items() if one.state == "bad"}
    assert bad == {"privacy_notice", "administrator", "worker", "channels"}


def test_a_worker_that_left_is_missed(tmp_path: Path) -> None:
    desk = build(settings(tmp_path), clock=Clock(real=lambda: datetime.now(UTC) - timedelta(minutes=6)))
    ready(desk)
    again = build(settings(tmp_path))
    assert examined(again)["worker"].state == "bad"
    desk.close()


def test_a_database_that_hangs_hides_nothing_else(tmp_path: Path, telegram: BotApi, monkeypatch: Any) -> None:
    desk = build(with_telegram(tmp_path, telegram))
    ready(desk)
    monkeypatch.setattr(migration, "is_current", lambda _storage: time.sleep(3))
    began = time.monotonic()
    found = examined(desk, patience=0.5)
    assert time.monotonic() - began < 2.5
    assert "The database does not answer." in words(found["database"])
    assert found["telegram.token"].state == "ok"


@pytest.mark.parametrize(
    ("changed", "name", "state"),
    [
        ({"public_url": ""}, "public_url", "warning"),
        ({"public_url": "", "telegram_mode": "webhook"}, "public_url", "bad"),
        ({"public_url": "http://sportello.example.org", "telegram_mode": "webhook"}, "public_url", "bad"),
        ({"public_url": "https://127.0.0.1", "telegram_mode": "webhook"}, "public_url", "bad"),
        ({"public_url": "https://desk", "telegram_mode": "webhook"}, "public_url", "bad"),
        ({}, "public_url", "ok"),
        ({"encryption_key": "", "secret_key": ""}, "encryption_key", "bad"),
        ({"secret_key": ""}, "secret_key", "warning"),
        ({"secret_key": "", "twilio_account_sid": "AC1"}, "secret_key", "bad"),
        ({"twilio_account_sid": "AC1"}, "whatsapp.settings", "bad"),
        ({"public_url": "https://[sportello"}, "public_url", "warning"),
        ({"public_url": "https://sportello.example.org:port"}, "public_url", "warning"),
        ({"public_url": "https://:hidden@sportello.example.org"}, "public_url", "warning"),
        ({"public_url": f" {HERE}/ "}, "public_url", "ok"),
    ],
)
def test_what_the_environment_says_is_read(tmp_path: Path, changed: dict[str, str], name: str, state: str) -> None:
    found = {one.name: one for one in of_the_settings(settings(tmp_path, **changed))}
    assert found[name].state == state
    assert (found[name].advice is None) == (state == "ok")


@pytest.mark.parametrize(("seconds", "state"), [(29, "ok"), (31, "warning"), (299, "warning"), (301, "bad")])
@pytest.mark.parametrize("way", [1, -1])
def test_two_clocks_may_differ_a_little(seconds: int, state: str, way: int) -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert about_the_clock("telegram", now + way * timedelta(seconds=seconds), now).state == state


# ---- Telegram


def test_a_wrong_token_is_named_and_never_shown(tmp_path: Path, telegram: BotApi) -> None:
    desk = build(with_telegram(tmp_path, telegram, telegram_token="123:wrong-and-hidden"))
    found = examined(desk)
    assert found["telegram.token"].state == "bad" and "@BotFather" in words(found["telegram.token"])
    assert "hidden" not in json.dumps(in_figures(list(found.values())))


def test_a_webhook_of_somebody_else_is_named_without_its_secret_path(tmp_path: Path, telegram: BotApi) -> None:
    telegram.webhook = {"url": "https://other.example.org/123:secret"}
    found = examined(build(with_telegram(tmp_path, telegram)))
    said = words(found["telegram.webhook"])
    assert found["telegram.webhook"].state == "bad" and "other.example.org" in said and "secret" not in said


def test_a_webhook_that_is_not_set_is_bad_and_ours_is_well(tmp_path: Path, telegram: BotApi) -> None:
    chosen = with_telegram(tmp_path, telegram, telegram_mode="webhook")
    assert examined(build(chosen))["telegram.webhook"].state == "bad"
    telegram.webhook = {"url": f"{HERE}/telegram/webhook"}
    assert examined(build(chosen))["telegram.webhook"].state == "ok"


def test_a_clock_that_is_wrong_is_told_by_telegrams(tmp_path: Path, telegram: BotApi) -> None:
    askew = Clock(real=lambda: datetime.now(UTC) - timedelta(minutes=10))
    found = examined(build(with_telegram(tmp_path, telegram), clock=askew))
    assert found["telegram.clock"].state == "bad" and "NTP" in words(found["telegram.clock"])


def test_a_telegram_that_is_away_is_bad_and_the_rest_is_said(tmp_path: Path) -> None:
    with closed_port() as nobody:
        chosen = settings(tmp_path, telegram_token="1:a", telegram_api_url=nobody)
        found = examined(build(chosen))
    assert found["telegram.token"].state == "bad" and found["encryption_key"].state == "ok"


class Hangs:
    """A channel of which nobody hears again."""

    name = "whatsapp"

    async def checkup(self) -> list[Checked]:
        await asyncio.sleep(60)
        return []

    async def close(self) -> None:
        pass


class Breaks(Hangs):
    name = "telegram"

    async def checkup(self) -> list[Checked]:
        raise ValueError("with somebody's words in it")


def test_a_channel_that_hangs_or_breaks_does_not_hide_the_others(tmp_path: Path) -> None:
    desk = build(settings(tmp_path))
    desk.channels = (Hangs(), Breaks())  # type: ignore[assignment]
    found = examined(desk, patience=0.3)
    assert words(found["whatsapp"]).startswith("✗ WhatsApp does not answer.")
    assert "ValueError" in words(found["telegram"]) and "words in it" not in words(found["telegram"])
    assert "database" in found


# ---- Twilio


def test_an_account_at_twilio_is_well_and_its_addresses_are_said(tmp_path: Path, twilio: TwilioApi) -> None:
    found = examined(build(with_twilio(tmp_path, twilio)))
    assert {found[f"whatsapp.{name}"].state for name in ("account", "sender", "webhooks", "clock")} == {"ok"}
    said = words(found["whatsapp.webhooks"])
    assert f"{HERE}/twilio/inbound" in said and f"{HERE}/twilio/status" in said


def test_wrong_credentials_and_a_wrong_number_are_named_and_never_shown(tmp_path: Path, twilio: TwilioApi) -> None:
    wrong = {"twilio_auth_token": "wrong-and-hidden", "twilio_whatsapp_from": "051 1234567", "public_url": ""}
    found = examined(build(with_twilio(tmp_path, twilio, **wrong)))
    for name in ("account", "sender", "webhooks"):
        assert found[f"whatsapp.{name}"].state == "bad", name
    assert "hidden" not in json.dumps(in_figures(list(found.values())))


@pytest.mark.parametrize(
    ("noted", "sender", "webhooks"),
    [
        ({"webhook": {"callback_url": f"{HERE}/twilio/inbound#rc=3", "callback_method": "POST"}}, "ok", "ok"),
        ({"webhook": {"callback_url": f"{HERE}/twilio/inbound", "callback_method": "GET"}}, "ok", "bad"),
        ({"webhook": {"callback_url": "https://hidden.example.org/"}}, "ok", "bad"),
        ({"webhook": {"callback_url": ""}}, "ok", "ok"),
        ({"webhook": None, "status": "ONLINE:UPDATING"}, "ok", "ok"),
        ({"status": "OFFLINE"}, "bad", "ok"),
        ({"sender_id": "whatsapp:+15005550006"}, "warning", "ok"),
    ],
)
def test_what_twilio_has_noted_down_of_our_number_is_read(
    tmp_path: Path, twilio: TwilioApi, noted: dict[str, Any], sender: str, webhooks: str
) -> None:
    twilio.noted = noted
    found = examined(build(with_twilio(tmp_path, twilio)))
    assert (found["whatsapp.sender"].state, found["whatsapp.webhooks"].state) == (sender, webhooks)
    assert "hidden" not in json.dumps(in_figures(list(found.values())))


def test_where_twilio_does_not_tell_of_our_number_we_say_where_to_look(tmp_path: Path, twilio: TwilioApi) -> None:
    twilio.fails(Fault(403, 20403), path="Senders")
    found = examined(build(with_twilio(tmp_path, twilio)))
    assert (found["whatsapp.sender"].state, found["whatsapp.webhooks"].state) == ("ok", "ok")


@pytest.mark.parametrize("public_url", ["https://me:hidden@sportello.example.org", "https://[hidden"])
def test_an_address_that_says_too_much_is_not_repeated(tmp_path: Path, twilio: TwilioApi, public_url: str) -> None:
    found = examined(build(with_twilio(tmp_path, twilio, public_url=public_url)))
    assert {found["public_url"].state, found["whatsapp.webhooks"].state} == {"bad"}
    assert "hidden" not in json.dumps(in_figures(list(found.values())))


def test_what_is_not_signed_and_let_in_is_said(tmp_path: Path, twilio: TwilioApi) -> None:
    found = examined(build(with_twilio(tmp_path, twilio, twilio_signature="report")))
    assert found["whatsapp.signature"].state == "warning"


def test_forms_and_templates_are_counted(tmp_path: Path, twilio: TwilioApi) -> None:
    desk = build(with_twilio(tmp_path, twilio))
    ready(desk)
    with desk.storage.writing() as store:
        for number, (name, category, status) in enumerate(
            (
                ("buttons-1", None, "made"),
                ("reminder_24h", "utility", "approved"),
                ("reminder_2h", "utility", "rejected"),
            )
        ):
            known = {"name": name, "language": "it", "hash": str(number), "sid": f"HX{number}", "body": "…"}
            store.contents.add(**known, category=category, status=status, variables={}, at=desk.clock.now())
    found = examined(desk)
    assert found["whatsapp.forms"].state == "ok"
    assert "1 approved, 0 not handed in, 0 waiting, 1 refused." in words(found["whatsapp.templates"])


# ---- the command


def test_the_command_says_what_to_do_and_ends_with_a_one(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bot", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=90, check=False)
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert "Run: sportello migrate" in [one["advice"] for one in said["checks"]]
    assert said["ok"] is False and {"name", "state", "what", "advice"} == said["checks"][0].keys()


WITHOUT_TWILIO = "import sys; sys.modules['twilio'] = None; from bot.cli import main; main()"


@pytest.mark.parametrize("account", ["", "AC" + "0" * 32])
def test_without_twilios_library_the_desk_works_and_says_what_whatsapp_lacks(tmp_path: Path, account: str) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite", "PYTHONUTF8": "1"}
    if account:
        environment |= {"TWILIO_ACCOUNT_SID": account, "TWILIO_AUTH_TOKEN": "x", "TWILIO_WHATSAPP_FROM": NUMBER}
    command = [sys.executable, "-c", WITHOUT_TWILIO, "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=90, check=False)
    advice = {one["name"]: one["advice"] for one in json.loads(done.stdout)["checks"]}
    assert advice.get("whatsapp.settings") == ("Run: pip install 'sportello[whatsapp]'" if account else None)


def test_a_value_that_cannot_be_is_named_and_not_shown() -> None:
    done = CliRunner().invoke(app, ["doctor"], env={"TWILIO_SIGNATURE": "hidden", "WHATSAPP_RATE": "0"})
    assert done.exit_code == 1
    assert "TWILIO_SIGNATURE" in done.output and "WHATSAPP_RATE" in done.output and "hidden" not in done.output


def test_the_databases_own_clock_is_asked_where_it_has_one(databases: Any) -> None:
    with databases.town("postgresql") as url:
        desk = build(Settings(database_url=url))
        assert examined(desk)["database.clock"].state == "ok"
