# SPDX-License-Identifier: EUPL-1.2
"""What promises need to be kept: stops, answers after a workshop, files, online workshops, the feasts of a town."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Key, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at is null")
OFFERED = sa.text("state = 'offered'")
WAITING = sa.text("state = 'waiting'")
MODE = "mode in ('in_person', 'online', 'both')"


def upgrade() -> None:
    _new_columns()
    _new_tables()
    _cases_by_subject()


def _new_columns() -> None:
    with op.batch_alter_table("comuni") as comuni:
        comuni.add_column(sa.Column("patron_day", sa.String()))
    with op.batch_alter_table("venues") as venues:
        venues.add_column(sa.Column("latitude", sa.Float()))
        venues.add_column(sa.Column("longitude", sa.Float()))
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("phone", sa.String()))
    with op.batch_alter_table("bookings") as bookings:
        bookings.add_column(sa.Column("attendance", sa.String()))
        bookings.add_column(sa.Column("attendance_at", Moment()))
        bookings.create_index(
            "ix_bookings_offered", ["workshop_id"], unique=False, sqlite_where=OFFERED, postgresql_where=OFFERED
        )
    with op.batch_alter_table("workshops") as workshops:
        workshops.add_column(sa.Column("mode", sa.String()))
        workshops.add_column(sa.Column("link", sa.String()))
    # A venue without a town has always been the way to say: online.
    op.execute(
        "update workshops set mode = case when venue_id in (select id from venues where comune_istat is null) "
        "then 'online' else 'in_person' end"
    )
    with op.batch_alter_table("workshops") as workshops:
        workshops.alter_column("mode", existing_type=sa.String(), nullable=False)
        workshops.create_check_constraint(op.f("ck_workshops_mode"), MODE)


def _new_tables() -> None:
    op.create_table(
        "stops",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("identity_id", Key, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("message_id", Key, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_stops_person_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_stops_identity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
    )
    with op.batch_alter_table("stops") as stops:
        stops.create_index("ix_stops_person_id_at", ["person_id", "at"], unique=False)
    # Whoever has said stop before keeps it, with the day they said it.
    op.execute(
        "insert into stops (person_id, topic, at) select id, 'all', stopped_at from people where stopped_at is not null"
    )
    op.create_table(
        "feedback",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", Key, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("next_step", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("score between 1 and 5", name=op.f("ck_feedback_score")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_feedback_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_feedback_booking_id")),
    )
    op.create_table(
        "files",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_files_sha256")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("file_id", Key, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", Moment(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("state in ('waiting', 'stored', 'refused', 'lost')", name=op.f("ck_attachments_state")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_attachments_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_attachments_person_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_attachments_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("message_id", name=op.f("uq_attachments_message_id")),
    )
    with op.batch_alter_table("attachments") as attachments:
        attachments.create_index(
            "ix_attachments_waiting", ["retry_at"], unique=False, sqlite_where=WAITING, postgresql_where=WAITING
        )
        attachments.create_index("ix_attachments_person_id", ["person_id"], unique=False)


def _cases_by_subject() -> None:
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("subject", sa.String()))
    op.execute("update cases set subject = ''")
    with op.batch_alter_table("cases") as cases:
        cases.alter_column("subject", existing_type=sa.String(), nullable=False)
        cases.drop_index("uq_cases_open")
        cases.create_index(
            "uq_cases_open",
            ["person_id", "reason", "subject"],
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )


def downgrade() -> None:
    # What was told apart by its subject is one case again.
    op.execute(
        "update cases set closed_at = opened_at where closed_at is null and id not in "
        "(select min(id) from cases where closed_at is null group by person_id, reason)"
    )
    with op.batch_alter_table("cases") as cases:
        cases.drop_index("uq_cases_open")
        cases.drop_column("subject")
        cases.create_index(
            "uq_cases_open", ["person_id", "reason"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
        )
    for table in ("attachments", "files", "feedback", "stops"):
        op.drop_table(table)
    with op.batch_alter_table("workshops") as workshops:
        workshops.drop_constraint(op.f("ck_workshops_mode"), type_="check")
        workshops.drop_column("link")
        workshops.drop_column("mode")
    with op.batch_alter_table("bookings") as bookings:
        bookings.drop_index("ix_bookings_offered")
        bookings.drop_column("attendance_at")
        bookings.drop_column("attendance")
    with op.batch_alter_table("people") as people:
        people.drop_column("phone")
    with op.batch_alter_table("venues") as venues:
        venues.drop_column("longitude")
        venues.drop_column("latitude")
    with op.batch_alter_table("comuni") as comuni:
        comuni.drop_column("patron_day")
