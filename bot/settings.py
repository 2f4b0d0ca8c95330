# SPDX-License-Identifier: EUPL-1.2
"""The environment, read once."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has a default that works without a server and without a token."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore")

    database_url: str = "sqlite:///var/sportello.sqlite"
    port: int = Field(default=8000, ge=0, le=65535)
    secret_key: SecretStr = SecretStr("")
    encryption_key: SecretStr = SecretStr("")
    public_url: str = ""
    timezone: Literal["Europe/Rome"] = "Europe/Rome"
    default_language: str = "it"
    simulator: bool = False
    telegram_token: SecretStr = SecretStr("")
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_secret: SecretStr = SecretStr("")
    telegram_api_url: str = "https://api.telegram.org"
    telegram_rate: float = Field(default=25, ge=1, le=1000)  # above 30 a second Telegram wants to be paid
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = "OpenID"  # as the button says it
    oidc_mfa: bool = False  # what it says of a second factor counts here, too
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_whatsapp_from: str = ""  # our number, such as +390511234567
    twilio_api_url: str = ""  # empty: Twilio's own hosts; else one that stands for all of them
    twilio_webhook_key: SecretStr = SecretStr("")  # of webhooks signed with a shared key (HMAC-SHA256)
    twilio_signature: Literal["enforce", "report"] = "enforce"  # report: what is not signed is let in, and said so
    whatsapp_rate: float = Field(default=60, ge=1, le=400)  # messages a second; a sender has 80 unless more is agreed

    @field_validator("public_url", "oidc_issuer", "telegram_api_url", "twilio_api_url")
    @classmethod
    def without_trailing_slash(cls, url: str) -> str:
        return url.strip().rstrip("/")

    @property
    def seal_keys(self) -> list[bytes]:
        """The key that seals, and after it those it has replaced, separated by commas; none if no key is set."""
        given = self.encryption_key.get_secret_value() or self.secret_key.get_secret_value()
        return [key.strip().encode() for key in given.split(",") if key.strip()]

    @property
    def erasure_key(self) -> bytes:
        """With which the addresses of those who are deleted are made unreadable; empty if no key is set."""
        return self.seal_keys[-1] if self.seal_keys else b""  # the oldest: the same while a key is being replaced

    @property
    def demo_folder(self) -> Path:
        """The demonstration content that comes with the program."""
        return Path(__file__).parent / "demo"
