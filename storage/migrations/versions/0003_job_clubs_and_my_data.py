# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs, the path that leads there, each member's week; private calendar addresses, and erasing people's data."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Document, Key, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OFFERED = sa.text("state = 'offered'")
ACTIVE = sa.text("state in ('waiting', 'offered', 'member')")
HAS_KEY = sa.text("calendar_key is not null")
DOWNLOAD = sa.text("subject = 'my_data'")
STATES = "state in ('waiting', 'offered', 'member', 'left', 'declined', 'lapsed', 'withdrawn')"


def upgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("calendar_key", sa.String()))
        people.add_column(sa.Column("erased_at", Moment()))
        people.create_index(
            "uq_people_calendar_key", ["calendar_key"], unique=True, sqlite_where=HAS_KEY, postgresql_where=HAS_KEY
        )
    op.create_table(
        "erasures",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("counts", Document, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_erasures_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("person_id", name=op.f("uq_erasures_person_id")),
        sa.UniqueConstraint("receipt", name=op.f("uq_erasures_receipt")),
    )
    _paths()
    _clubs()
    _memberships()
    _diaries()
    op.create_index("ix_attachments_file_id", "attachments", ["file_id"])
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index(
        "ix_messages_downloads", "messages", ["person_id"], sqlite_where=DOWNLOAD, postgresql_where=DOWNLOAD
    )


def _paths() -> None:
    op.create_table(
        "paths",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("group_meetings", sa.Integer(), nullable=False),
        sa.Column("interviews", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paths")),
    )
    op.create_table(
        "path_records",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("path_id", sa.String(), nullable=False),
        sa.Column("group_meetings", sa.Integer(), nullable=False),
        sa.Column("interviews", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_path_records_person_id")),
        sa.ForeignKeyConstraint(["path_id"], ["paths.id"], name=op.f("fk_path_records_path_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_path_records")),
        sa.UniqueConstraint("person_id", "path_id", name=op.f("uq_path_records_person_id_path_id")),
    )


def _clubs() -> None:
    op.create_table(
        "job_clubs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("venue_id", sa.String(), nullable=False),
        sa.Column("counsellor_id", Key, nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("time", sa.String(length=5), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("meetings", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.String(), nullable=True),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_job_clubs_capacity")),
        sa.CheckConstraint("weekday between 0 and 6", name=op.f("ck_job_clubs_weekday")),
        sa.ForeignKeyConstraint(["id"], ["series.id"], name=op.f("fk_job_clubs_id")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_job_clubs_venue_id")),
        sa.ForeignKeyConstraint(["counsellor_id"], ["staff.id"], name=op.f("fk_job_clubs_counsellor_id")),
        sa.ForeignKeyConstraint(["path_id"], ["paths.id"], name=op.f("fk_job_clubs_path_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_clubs")),
    )


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("club_id", sa.String(), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.Column("admitted_by", sa.String(), nullable=False),
        sa.Column("admitted_because", sa.Text(), nullable=True),
        sa.Column("offered_until", Moment(), nullable=True),
        sa.Column("joined_at", Moment(), nullable=True),
        sa.Column("left_at", Moment(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("message_id", Key, nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_memberships_state")),
        sa.ForeignKeyConstraint(["club_id"], ["job_clubs.id"], name=op.f("fk_memberships_club_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_memberships_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("club_id", "ticket", name=op.f("uq_memberships_club_id_ticket")),
    )
    with op.batch_alter_table("memberships") as memberships:
        memberships.create_index(op.f("ix_memberships_person_id"), ["person_id"], unique=False)
        memberships.create_index(
            "uq_memberships_active", ["club_id", "person_id"], unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE
        )
        memberships.create_index(
            "ix_memberships_offered", ["club_id"], unique=False, sqlite_where=OFFERED, postgresql_where=OFFERED
        )


def _diaries() -> None:
    op.create_table(
        "diaries",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("club_id", sa.String(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("applications", sa.Integer(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=True),
        sa.Column("interviews", sa.Integer(), nullable=True),
        sa.Column("hours", sa.String(), nullable=True),
        sa.Column("mood", sa.Integer(), nullable=True),
        sa.Column("next_step", sa.Text(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("mood between 1 and 5", name=op.f("ck_diaries_mood")),
        sa.CheckConstraint("hours in ('0-2', '3-5', '6-10', '10+')", name=op.f("ck_diaries_hours")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_diaries_person_id")),
        sa.ForeignKeyConstraint(["club_id"], ["job_clubs.id"], name=op.f("fk_diaries_club_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diaries")),
        sa.UniqueConstraint("person_id", "club_id", "week", name=op.f("uq_diaries_person_id_club_id_week")),
    )


def downgrade() -> None:
    for index, table in (("downloads", "messages"), ("actor", "audit"), ("file_id", "attachments")):
        op.drop_index(f"ix_{table}_{index}", table)
    # Who was in a club has no place in the tables of before: their places at meetings go with the meetings.
    op.execute(
        "delete from feedback where booking_id in (select bookings.id from bookings join workshops "
        "on workshops.id = bookings.workshop_id where workshops.series_id in (select id from job_clubs))"
    )
    op.execute(
        "delete from bookings where workshop_id in (select id from workshops where series_id in (select id from job_clubs))"
    )
    op.execute("delete from workshops where series_id in (select id from job_clubs)")
    for table in ("diaries", "memberships", "job_clubs", "path_records", "paths", "erasures"):
        op.drop_table(table)
    op.execute("delete from series where kind = 'job_club'")
    with op.batch_alter_table("people") as people:
        people.drop_index("uq_people_calendar_key")
        people.drop_column("erased_at")
        people.drop_column("calendar_key")
