# SPDX-License-Identifier: EUPL-1.2
"""WhatsApp: what a chat is called as well, what becomes of a message later, forms kept for us, codes that join chats."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Document, Key, Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HAS_ALIAS = "alias is not null"
IS_HELD = "state <> 'waiting' and retry_at is not null"
HAS_RECEIPTS = "channel = 'whatsapp' and provider_id is not null"


def upgrade() -> None:
    with op.batch_alter_table("identities") as table:
        table.add_column(sa.Column("alias", sa.String()))
        table.add_column(sa.Column("window_shut_at", Moment))
        table.create_index(
            "uq_identities_channel_alias",
            ["channel", "alias"],
            unique=True,
            sqlite_where=sa.text(HAS_ALIAS),
            postgresql_where=sa.text(HAS_ALIAS),
        )
    with op.batch_alter_table("attachments") as table:
        table.add_column(sa.Column("released_at", Moment))
        table.create_index(
            "ix_attachments_held",
            ["retry_at"],
            sqlite_where=sa.text(IS_HELD),
            postgresql_where=sa.text(IS_HELD),
        )
    with op.batch_alter_table("merges") as table:
        table.alter_column("by", existing_type=Key, nullable=True)
    op.create_index(
        "ix_messages_receipts",
        "messages",
        ["provider_id"],
        sqlite_where=sa.text(HAS_RECEIPTS),
        postgresql_where=sa.text(HAS_RECEIPTS),
    )
    op.create_table(
        "links",
        sa.Column("id", Key, sa.Identity(), primary_key=True),
        sa.Column("person_id", Key, sa.ForeignKey("people.id", name="fk_links_person_id"), nullable=False),
        sa.Column("identity_id", Key, sa.ForeignKey("identities.id", name="fk_links_identity_id"), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("used_at", Moment),
        sa.UniqueConstraint("code_hash", name="uq_links_code_hash"),
    )
    op.create_index("ix_links_person_id", "links", ["person_id"])
    op.create_index("ix_links_identity_id", "links", ["identity_id"])
    op.create_table(
        "receipts",
        sa.Column("id", Key, sa.Identity(), primary_key=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message_id", Key, sa.ForeignKey("messages.id", name="fk_receipts_message_id")),
        sa.Column("code", sa.String()),
        sa.Column("at", Moment, nullable=False),
        sa.UniqueConstraint("channel", "provider_id", "status", name="uq_receipts_channel_provider_id_status"),
    )
    op.create_index("ix_receipts_message_id", "receipts", ["message_id"])
    op.create_table(
        "contents",
        sa.Column("id", Key, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("category", sa.String()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("variables", Document, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", Moment, nullable=False),
        sa.Column("checked_at", Moment),
        sa.UniqueConstraint("sid", name="uq_contents_sid"),
        sa.UniqueConstraint("name", "language", "hash", name="uq_contents_name_language_hash"),
    )


def downgrade() -> None:
    for table in ("contents", "receipts", "links"):
        op.drop_table(table)
    op.drop_index("ix_messages_receipts", "messages")
    with op.batch_alter_table("merges") as batch:
        batch.alter_column("by", existing_type=Key, nullable=False)
    with op.batch_alter_table("attachments") as batch:
        batch.drop_index("ix_attachments_held")
        batch.drop_column("released_at")
    with op.batch_alter_table("identities") as batch:
        batch.drop_index("uq_identities_channel_alias")
        batch.drop_column("window_shut_at")
        batch.drop_column("alias")
