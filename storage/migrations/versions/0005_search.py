# SPDX-License-Identifier: EUPL-1.2
"""Full-text search in the log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from storage.tables.base import Key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The words arrive folded, so the plainest tokenizer is the right one; @ begins a filter and stands in no word.
FTS5 = """
    CREATE VIRTUAL TABLE message_words_fts USING fts5(
        words, content='message_words', content_rowid='message_id', detail='none', columnsize=0,
        tokenize="ascii tokenchars '@'"
    )
"""
# Two of its heaps of pages are enough to make one of: what is deleted must not wait for more.
USERMERGE = "INSERT INTO message_words_fts (message_words_fts, rank) VALUES ('usermerge', 2)"
STATISTICS = "ALTER TABLE message_words ALTER COLUMN words SET STATISTICS 1000"


def upgrade() -> None:
    op.create_table(
        "message_words",
        sa.Column("message_id", Key, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_words")),
    )
    op.create_table(
        "search_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("remains", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_progress")),
    )
    op.create_table(
        "search_changes",
        sa.Column("message_id", Key, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_search_changes")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FTS5)
        op.execute(USERMERGE)
        return
    op.create_index(
        "ix_message_words_words",
        "message_words",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.execute(STATISTICS)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE message_words_fts")
    for table in ("search_changes", "search_progress", "message_words"):
        op.drop_table(table)
