# SPDX-License-Identifier: EUPL-1.2
"""The first tables."""

import sqlalchemy as sa
from alembic import op

from storage.tables.base import Document, Key, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "areas",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("province", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("patron_subdivision", sa.String(), nullable=True),
        sa.Column("programmes", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
    )
    op.create_table(
        "audit",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", Document, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_subject", ["subject"], unique=False)

    op.create_table(
        "job_slots",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("slot", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("job", "slot", name=op.f("pk_job_slots")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("layer_1", Document, nullable=False),
        sa.Column("layer_2", Document, nullable=False),
        sa.Column("consents", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", Document, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )
    op.create_table(
        "programmes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("summary", Document, nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_programmes_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    op.create_table(
        "unions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_unions_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unions")),
    )
    op.create_table(
        "comuni",
        sa.Column("istat", sa.String(), nullable=False),
        sa.Column("cadastral", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("union_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["union_id"], ["unions.id"], name=op.f("fk_comuni_union_id")),
        sa.PrimaryKeyConstraint("istat", name=op.f("pk_comuni")),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.String(), nullable=True),
        sa.Column("question", Document, nullable=False),
        sa.Column("answer", Document, nullable=False),
        sa.Column("keywords", Document, nullable=False),
        sa.Column("buttons", Document, nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_questions_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("name", Document, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_series_area_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_series_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("comune_istat", sa.String(), nullable=True),
        sa.Column("area_id", sa.String(), nullable=True),
        sa.Column("sector", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("opening", Document, nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_organisations_area_id")),
        sa.ForeignKeyConstraint(["comune_istat"], ["comuni.istat"], name=op.f("fk_organisations_comune_istat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "people",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("comune_istat", sa.String(), nullable=True),
        sa.Column("goal", sa.String(), nullable=True),
        sa.Column("italian_level", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=True),
        sa.Column("stopped_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["comune_istat"], ["comuni.istat"], name=op.f("fk_people_comune_istat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("code", name=op.f("uq_people_code")),
    )
    op.create_table(
        "venues",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("comune_istat", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("step_free", sa.Boolean(), nullable=True),
        sa.Column("hearing_loop", sa.Boolean(), nullable=True),
        sa.Column("toilet", sa.Boolean(), nullable=True),
        sa.Column("bus", sa.String(), nullable=True),
        sa.Column("note", Document, nullable=True),
        sa.ForeignKeyConstraint(["comune_istat"], ["comuni.istat"], name=op.f("fk_venues_comune_istat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venues")),
    )
    op.create_table(
        "cases",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message_id", Key, nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_cases_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(
            "uq_cases_open",
            ["person_id", "reason"],
            unique=True,
            sqlite_where=sa.text("closed_at is null"),
            postgresql_where=sa.text("closed_at is null"),
        )

    op.create_table(
        "consents",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("question_id", Key, nullable=False),
        sa.Column("answer_id", Key, nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("withdrawn_by", Key, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_consents_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index("ix_consents_person_id_purpose", ["person_id", "purpose"], unique=False)

    op.create_table(
        "dialogues",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("conversation", sa.String(), nullable=True),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("draft", Document, nullable=False),
        sa.Column("trail", Document, nullable=False),
        sa.Column("paused", Document, nullable=False),
        sa.Column("kept", Document, nullable=False),
        sa.Column("question_id", Key, nullable=True),
        sa.Column("question_kind", sa.String(), nullable=True),
        sa.Column("question_hash", sa.String(), nullable=True),
        sa.Column("identity_id", Key, nullable=True),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_dialogues_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_dialogues")),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("programme_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_enrolments_person_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_enrolments_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("person_id", "programme_id", name=op.f("uq_enrolments_person_id_programme_id")),
    )
    op.create_table(
        "identities",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("blocked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_identities_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_identities_channel_address")),
    )
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identities_person_id"), ["person_id"], unique=False)

    op.create_table(
        "staff",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("languages", Document, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_staff_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("code", name=op.f("uq_staff_code")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
    )
    op.create_table(
        "messages",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("identity_id", Key, nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("update_key", sa.String(), nullable=True),
        sa.Column("message_key", sa.String(), nullable=True),
        sa.Column("payload", Document, nullable=True),
        sa.Column("dialogue_version", sa.Integer(), nullable=True),
        sa.Column("options", Document, nullable=True),
        sa.Column("answered_by", Document, nullable=True),
        sa.Column("reply_to", Key, nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("not_after", Moment(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", Moment(), nullable=True),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_messages_identity_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_messages_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_inbox",
            ["person_id", "retry_at"],
            unique=False,
            sqlite_where=sa.text("state in ('failed', 'waiting')"),
            postgresql_where=sa.text("state in ('failed', 'waiting')"),
        )
        batch_op.create_index(
            "ix_messages_outbox",
            ["state", "priority", "due_at"],
            unique=False,
            sqlite_where=sa.text("state in ('pending', 'claimed', 'sending')"),
            postgresql_where=sa.text("state in ('pending', 'claimed', 'sending')"),
        )
        batch_op.create_index(
            "ix_messages_outbox_chat",
            ["identity_id", "id"],
            unique=False,
            sqlite_where=sa.text("state in ('pending', 'claimed', 'sending')"),
            postgresql_where=sa.text("state in ('pending', 'claimed', 'sending')"),
        )
        batch_op.create_index("ix_messages_person_id_id", ["person_id", "id"], unique=False)
        batch_op.create_index(
            "ix_messages_pushes",
            ["identity_id", "id"],
            unique=False,
            sqlite_where=sa.text("answered_by is not null"),
            postgresql_where=sa.text("answered_by is not null"),
        )
        batch_op.create_index(
            "uq_messages_dedupe_key",
            ["dedupe_key"],
            unique=True,
            sqlite_where=sa.text("dedupe_key is not null"),
            postgresql_where=sa.text("dedupe_key is not null"),
        )
        batch_op.create_index(
            "uq_messages_message_key",
            ["channel", "message_key"],
            unique=True,
            sqlite_where=sa.text("message_key is not null"),
            postgresql_where=sa.text("message_key is not null"),
        )
        batch_op.create_index(
            "uq_messages_update_key",
            ["channel", "update_key"],
            unique=True,
            sqlite_where=sa.text("update_key is not null"),
            postgresql_where=sa.text("update_key is not null"),
        )

    op.create_table(
        "workshops",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("title", Document, nullable=False),
        sa.Column("summary", Document, nullable=False),
        sa.Column("bring", Document, nullable=True),
        sa.Column("venue_id", sa.String(), nullable=False),
        sa.Column("tutor_id", Key, nullable=True),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("opens_at", Moment(), nullable=False),
        sa.Column("closes_at", Moment(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("languages", Document, nullable=False),
        sa.Column("italian_level", sa.String(), nullable=True),
        sa.Column("counts_for_path", sa.Boolean(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("cancelled_at", Moment(), nullable=True),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_workshops_capacity")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_workshops_series_id")),
        sa.ForeignKeyConstraint(["tutor_id"], ["staff.id"], name=op.f("fk_workshops_tutor_id")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_workshops_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workshops")),
        sa.UniqueConstraint("code", name=op.f("uq_workshops_code")),
    )
    with op.batch_alter_table("workshops", schema=None) as batch_op:
        batch_op.create_index("ix_workshops_starts_at", ["starts_at"], unique=False)

    op.create_table(
        "bookings",
        sa.Column("id", Key, sa.Identity(always=False), nullable=False),
        sa.Column("workshop_id", Key, nullable=False),
        sa.Column("person_id", Key, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.Column("booked_at", Moment(), nullable=True),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("offered_until", Moment(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("message_id", Key, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_bookings_person_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshops.id"], name=op.f("fk_bookings_workshop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("workshop_id", "ticket", name=op.f("uq_bookings_workshop_id_ticket")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bookings_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_bookings_active",
            ["workshop_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state in ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state in ('booked', 'waiting', 'offered')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_bookings_active",
            sqlite_where=sa.text("state in ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state in ('booked', 'waiting', 'offered')"),
        )
        batch_op.drop_index(batch_op.f("ix_bookings_person_id"))

    op.drop_table("bookings")
    with op.batch_alter_table("workshops", schema=None) as batch_op:
        batch_op.drop_index("ix_workshops_starts_at")

    op.drop_table("workshops")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_messages_update_key",
            sqlite_where=sa.text("update_key is not null"),
            postgresql_where=sa.text("update_key is not null"),
        )
        batch_op.drop_index(
            "uq_messages_message_key",
            sqlite_where=sa.text("message_key is not null"),
            postgresql_where=sa.text("message_key is not null"),
        )
        batch_op.drop_index(
            "uq_messages_dedupe_key",
            sqlite_where=sa.text("dedupe_key is not null"),
            postgresql_where=sa.text("dedupe_key is not null"),
        )
        batch_op.drop_index(
            "ix_messages_pushes",
            sqlite_where=sa.text("answered_by is not null"),
            postgresql_where=sa.text("answered_by is not null"),
        )
        batch_op.drop_index("ix_messages_person_id_id")
        batch_op.drop_index(
            "ix_messages_outbox_chat",
            sqlite_where=sa.text("state in ('pending', 'claimed', 'sending')"),
            postgresql_where=sa.text("state in ('pending', 'claimed', 'sending')"),
        )
        batch_op.drop_index(
            "ix_messages_outbox",
            sqlite_where=sa.text("state in ('pending', 'claimed', 'sending')"),
            postgresql_where=sa.text("state in ('pending', 'claimed', 'sending')"),
        )
        batch_op.drop_index(
            "ix_messages_inbox",
            sqlite_where=sa.text("state in ('failed', 'waiting')"),
            postgresql_where=sa.text("state in ('failed', 'waiting')"),
        )

    op.drop_table("messages")
    op.drop_table("staff")
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identities_person_id"))

    op.drop_table("identities")
    op.drop_table("enrolments")
    op.drop_table("dialogues")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index("ix_consents_person_id_purpose")

    op.drop_table("consents")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_cases_open", sqlite_where=sa.text("closed_at is null"), postgresql_where=sa.text("closed_at is null")
        )

    op.drop_table("cases")
    op.drop_table("venues")
    op.drop_table("people")
    op.drop_table("organisations")
    op.drop_table("series")
    op.drop_table("questions")
    op.drop_table("comuni")
    op.drop_table("unions")
    op.drop_table("programmes")
    op.drop_table("settings")
    op.drop_table("notices")
    op.drop_table("job_slots")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_subject")

    op.drop_table("audit")
    op.drop_table("areas")
