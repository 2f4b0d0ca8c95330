# SPDX-License-Identifier: EUPL-1.2
"""The console: who works at the desk and how they come in, what they do with conversations, and people's rights."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Document, Key, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at is null")
UNSETTLED = sa.text("settled_at is null")
PROBLEMS = sa.text("direction = 'out' and state in ('failed', 'uncertain', 'missed')")
TAKEN = sa.text("taken_by is not null")
# Who wrote before this release stands on the desk's list, too.
HEARD = """
    UPDATE dialogues SET heard_id = (
        SELECT max(id) FROM messages WHERE messages.person_id = dialogues.person_id AND messages.direction = 'in'
    )
"""
HEARD_AT = "UPDATE dialogues SET heard_at = (SELECT at FROM messages WHERE messages.id = dialogues.heard_id)"


def upgrade() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index("ix_sign_in_attempts_who_at", "sign_in_attempts", ["who", "at"])

    op.create_table(
        "canned_replies",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", Document, nullable=False),
        sa.Column("staff_id", Key, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_canned_replies_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_replies")),
        sa.UniqueConstraint("title", name=op.f("uq_canned_replies_title")),
    )
    op.create_table(
        "labels",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_labels_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_labels_staff_id")),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_labels")),
    )
    op.create_index("ix_labels_name", "labels", ["name"])

    op.create_table(
        "merges",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("other_id", Key, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("moved", Document, nullable=False),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name=op.f("fk_merges_by")),
        sa.ForeignKeyConstraint(["other_id"], ["people.id"], name=op.f("fk_merges_other_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_merges_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_other_id", "merges", ["other_id"])
    op.create_index("ix_merges_person_id", "merges", ["person_id"])

    op.create_table(
        "notes",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notes_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_notes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_person_id", "notes", ["person_id"])

    op.create_table(
        "protected",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name=op.f("fk_protected_by")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_protected_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protected")),
        sa.UniqueConstraint("person_id", "kind", name=op.f("uq_protected_person_id_kind")),
    )
    op.create_table(
        "reviews",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("read_to", Key, nullable=True),
        sa.Column("reviewed_at", Moment(), nullable=True),
        sa.Column("reviewed_by", Key, nullable=True),
        sa.Column("assigned_to", Key, nullable=True),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["assigned_to"], ["staff.id"], name=op.f("fk_reviews_assigned_to")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reviews_person_id")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["staff.id"], name=op.f("fk_reviews_reviewed_by")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_assigned_to", "reviews", ["assigned_to"])

    op.create_table(
        "rights_requests",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("came_by", sa.String(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("longer_because", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("code", Document, nullable=True),
        sa.Column("identified_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_by", Key, nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("refused_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('access', 'correction', 'erasure', 'restriction', 'portability', 'objection')",
            name=op.f("ck_rights_requests_kind"),
        ),
        sa.CheckConstraint("outcome in ('done', 'refused')", name=op.f("ck_rights_requests_outcome")),
        sa.ForeignKeyConstraint(["closed_by"], ["staff.id"], name=op.f("fk_rights_requests_closed_by")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_rights_requests_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_requests")),
    )
    op.create_index("ix_rights_requests_open", "rights_requests", ["due_on"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_rights_requests_person_id", "rights_requests", ["person_id"])

    op.create_table(
        "saved_views",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("filters", Document, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_saved_views_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("staff_id", "name", name=op.f("uq_saved_views_staff_id_name")),
    )
    op.create_table(
        "sent_forms",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("went_to", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_forms")),
        sa.UniqueConstraint("hash", name=op.f("uq_sent_forms_hash")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_staff_id", "sessions", ["staff_id"])

    op.create_table(
        "sign_in_links",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_in_links_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_links_token_hash")),
    )
    op.create_index("ix_sign_in_links_staff_id", "sign_in_links", ["staff_id"])

    op.create_table(
        "synonyms",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_synonyms_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonyms")),
        sa.UniqueConstraint("words", name=op.f("uq_synonyms_words")),
    )
    op.create_table(
        "unmaskings",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_unmaskings_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_unmaskings_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmaskings")),
    )
    op.create_index("ix_unmaskings_staff_id_person_id", "unmaskings", ["staff_id", "person_id"])

    op.create_table(
        "mentions",
        sa.Column("note_id", Key, nullable=False),
        sa.Column("staff_id", Key, nullable=False),
        sa.Column("seen_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_mentions_note_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_mentions_staff_id")),
        sa.PrimaryKeyConstraint("note_id", "staff_id", name=op.f("pk_mentions")),
    )
    op.create_index("ix_mentions_staff_id", "mentions", ["staff_id"])

    op.create_table(
        "misreadings",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("settled_by", Key, nullable=True),
        sa.Column("settled_as", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_misreadings_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_misreadings_person_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["staff.id"], name=op.f("fk_misreadings_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misreadings")),
        sa.UniqueConstraint("message_id", name=op.f("uq_misreadings_message_id")),
    )
    op.create_index("ix_misreadings_open", "misreadings", ["words"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)
    op.create_index("ix_misreadings_person_id", "misreadings", ["person_id"])

    op.create_table(
        "leftovers",
        sa.Column("message_id", Key, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_leftovers_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_leftovers")),
    )

    with op.batch_alter_table("audit") as batch:
        batch.create_index("ix_audit_at", ["at"])

    with op.batch_alter_table("cases") as batch:
        batch.add_column(sa.Column("taken_by", Key, nullable=True))
        batch.add_column(sa.Column("taken_at", Moment(), nullable=True))
        batch.add_column(sa.Column("closed_by", Key, nullable=True))
        batch.create_foreign_key(batch.f("fk_cases_closed_by"), "staff", ["closed_by"], ["id"])
        batch.create_foreign_key(batch.f("fk_cases_taken_by"), "staff", ["taken_by"], ["id"])

    with op.batch_alter_table("dialogues") as batch:
        batch.add_column(sa.Column("heard_id", Key, nullable=True))
        batch.add_column(sa.Column("heard_at", Moment(), nullable=True))
        batch.add_column(sa.Column("taken_by", Key, nullable=True))
        batch.add_column(sa.Column("taken_at", Moment(), nullable=True))
        batch.add_column(sa.Column("taken_until", Moment(), nullable=True))
        batch.create_index("ix_dialogues_heard_at_person_id", ["heard_at", "person_id"])
        batch.create_index("ix_dialogues_taken", ["taken_until"], sqlite_where=TAKEN, postgresql_where=TAKEN)
        batch.create_foreign_key(batch.f("fk_dialogues_taken_by"), "staff", ["taken_by"], ["id"])

    with op.batch_alter_table("people") as batch:
        batch.add_column(sa.Column("merged_into", Key, nullable=True))

    with op.batch_alter_table("questions") as batch:
        batch.add_column(sa.Column("closed_at", Moment(), nullable=True))

    with op.batch_alter_table("staff") as batch:
        batch.add_column(sa.Column("other_roles", Document, nullable=True))
        batch.add_column(sa.Column("language", sa.String(), nullable=True))
        batch.add_column(sa.Column("areas", Document, nullable=True))
        batch.add_column(sa.Column("programmes", Document, nullable=True))
        batch.add_column(sa.Column("password", sa.String(), nullable=True))
        batch.add_column(sa.Column("second_factor", sa.Text(), nullable=True))
        batch.add_column(sa.Column("second_factor_step", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("closed_at", Moment(), nullable=True))
    op.create_index("ix_messages_problems", "messages", ["id"], sqlite_where=PROBLEMS, postgresql_where=PROBLEMS)
    op.execute(HEARD)
    op.execute(HEARD_AT)


def downgrade() -> None:
    op.drop_index("ix_messages_problems", "messages")
    with op.batch_alter_table("staff") as batch:
        batch.drop_column("closed_at")
        batch.drop_column("second_factor_step")
        batch.drop_column("second_factor")
        batch.drop_column("password")
        batch.drop_column("programmes")
        batch.drop_column("areas")
        batch.drop_column("language")
        batch.drop_column("other_roles")

    with op.batch_alter_table("questions") as batch:
        batch.drop_column("closed_at")

    with op.batch_alter_table("people") as batch:
        batch.drop_column("merged_into")

    with op.batch_alter_table("dialogues") as batch:
        batch.drop_constraint(batch.f("fk_dialogues_taken_by"), type_="foreignkey")
        batch.drop_index("ix_dialogues_taken", sqlite_where=TAKEN, postgresql_where=TAKEN)
        batch.drop_index("ix_dialogues_heard_at_person_id")
        batch.drop_column("taken_until")
        batch.drop_column("taken_at")
        batch.drop_column("taken_by")
        batch.drop_column("heard_at")
        batch.drop_column("heard_id")

    with op.batch_alter_table("cases") as batch:
        batch.drop_constraint(batch.f("fk_cases_taken_by"), type_="foreignkey")
        batch.drop_constraint(batch.f("fk_cases_closed_by"), type_="foreignkey")
        batch.drop_column("closed_by")
        batch.drop_column("taken_at")
        batch.drop_column("taken_by")

    with op.batch_alter_table("audit") as batch:
        batch.drop_index("ix_audit_at")

    op.drop_table("leftovers")
    op.drop_table("misreadings")
    op.drop_table("mentions")
    op.drop_table("unmaskings")
    op.drop_table("synonyms")
    op.drop_table("sign_in_links")
    op.drop_table("sessions")
    op.drop_table("sent_forms")
    op.drop_table("saved_views")
    op.drop_table("rights_requests")
    op.drop_table("reviews")
    op.drop_table("protected")
    op.drop_table("notes")
    op.drop_table("merges")
    op.drop_table("labels")
    op.drop_table("canned_replies")
    op.drop_table("sign_in_attempts")
